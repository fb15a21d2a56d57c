/*
 * A node's own row among the nodes that share a database, and what it last read of all of them.
 * Only livekit/nodes and livekit/node_claims use this.  Thread: main.
 */
#ifndef LIVEKIT_NODE_REGISTER_H
#define LIVEKIT_NODE_REGISTER_H

#include "core/err.h"
#include "livekit/node_choice.h"

#include <uv.h>

struct lk_node_register;
struct store;

#define LK_NODE_NAME_SIZE 128 /* node.name has at most 64 characters */

struct lk_node_register_config {
    const char *name, *url, *inner_url, *version; /* copied */
    int workers;
    int (*members)(void *arg); /* how many people are in our rooms */
    /* After each time that the row was written. `anew`: for the first time, or after it was not in
     * time. */
    void (*beaten)(void *arg, bool anew);
    void *arg;
};
MUST_CHECK enum err lk_node_register_create(
    uv_loop_t *loop, const struct lk_node_register_config *cfg, struct lk_node_register **ret);
/** Begins there; NULL: ends without a word, the row runs out. */
void lk_node_register_set_store(struct lk_node_register *r, struct store *store);
/** Says so in the row, at once. */
void lk_node_register_drain(struct lk_node_register *r);
/** As lk_nodes_leave. */
void lk_node_register_leave(struct lk_node_register *r, void (*done)(void *arg), void *arg);
/** The loop must turn once more. Takes NULL. */
void lk_node_register_destroy(struct lk_node_register *r);

const char *lk_node_register_name(const struct lk_node_register *r);
const char *lk_node_register_url(const struct lk_node_register *r);
/** NULL = there is none to ask now. */
struct store *lk_node_register_store(const struct lk_node_register *r);
enum lk_node_standing lk_node_register_standing(const struct lk_node_register *r);
bool lk_node_register_draining(const struct lk_node_register *r);
/** Others that live. */
size_t lk_node_register_others(const struct lk_node_register *r);
void lk_node_register_each_other(const struct lk_node_register *r,
    void (*each)(void *arg, const char *name, const char *inner_url), void *arg);
/** Does the list tell who is alive? Not while all come back after an outage. */
bool lk_node_register_is_settled(const struct lk_node_register *r);
/** lk_node_choose of the list. */
const struct store_node *lk_node_register_choose(const struct lk_node_register *r);
/** A node takes no rooms: not asked again before the next beat. */
void lk_node_register_refused(struct lk_node_register *r, const char *name);
/** A node has one room more, which its row does not tell yet. */
void lk_node_register_granted(struct lk_node_register *r, const char *name);

#endif
