/*
 * The rooms of this process, claimed in the database as they begin and released as they end. What a
 * room did is told a moment later, many at once; what cannot be told is told after the next beat,
 * of all rooms.
 *
 * A room that turns out to be claimed by another node is ended: its people are told to go and
 * reconnect, and are sent to that node when they ask for a token.  Only livekit/nodes uses this.
 * Thread: main.
 */
#ifndef LIVEKIT_NODE_CLAIMS_H
#define LIVEKIT_NODE_CLAIMS_H

#include "core/err.h"

#include <stdbool.h>
#include <uv.h>

struct lk_node_claims;
struct lk_node_register;
struct room_directory;

/* A room of this process has ended. */
typedef void lk_node_claims_ended(void *arg, const char *alias);
/** Borrows all of it for its life. */
MUST_CHECK enum err lk_node_claims_create(uv_loop_t *loop, struct lk_node_register *reg,
    struct room_directory *rooms, lk_node_claims_ended *ended, void *arg,
    struct lk_node_claims **ret);
/** After a beat of the register. */
void lk_node_claims_beaten(struct lk_node_claims *c, bool anew);
/** Releases all that has no room, at once. */
void lk_node_claims_drain(struct lk_node_claims *c);
/** The loop must turn once more. Takes NULL. */
void lk_node_claims_destroy(struct lk_node_claims *c);

#endif
