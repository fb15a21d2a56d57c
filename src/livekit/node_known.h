/*
 * What a node was told of rooms a moment ago, so that not every client is a question to the
 * database. Only livekit/nodes uses this.  Thread: main.
 */
#ifndef LIVEKIT_NODE_KNOWN_H
#define LIVEKIT_NODE_KNOWN_H

#include "core/err.h"
#include "livekit/node_choice.h"

struct lk_node_known;

/** ERR_NOMEM. */
MUST_CHECK enum err lk_node_known_create(struct lk_node_known **ret);
/** Good for LK_NODES_KNOWN_MS. Where there is no memory for it, it is asked again. */
void lk_node_known_set(struct lk_node_known *k, const char *alias, enum lk_room_where where);
enum lk_room_where lk_node_known_get(const struct lk_node_known *k, const char *alias);
void lk_node_known_drop(struct lk_node_known *k, const char *alias);
/** Takes NULL. */
void lk_node_known_destroy(struct lk_node_known *k);

#endif
