/*
 * The rows of sfu_nodes and sfu_rooms: nodes that share the database, each with an SFU, and on
 * which of them each room of the SFU lives.
 *
 * A node's row holds for a while, and so do its rooms; the node renews it (store_nodes_beat). Who
 * is alive is judged by the database's clock alone, so that clocks of nodes may differ. A room is
 * claimed for a node unless it is on a living one already: of several that claim at once, all hear
 * of the same winner.
 *
 * Texts are copied. Times are Unix milliseconds.  Thread: main.
 */
#ifndef STORE_NODES_H
#define STORE_NODES_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_NODES_MOST       64               /* that are told of; the living first */
#define STORE_NODES_ROOMS_MOST 500              /* of one question */
#define STORE_NODES_KEPT_MS    INT64_C(3600000) /* the row of a dead node */

struct store_node {
    const char *name;
    const char *run; /* the process: one of the same name that began later is another run */
    const char *url;
    const char *inner_url; /* "" = none */
    const char *version;
    int workers;
    int members;
    bool draining;
    int64_t started_at; /* its own clock; likewise the next */
    int64_t clock_at;
    /* What follows is read, not written; the database's clock. */
    int64_t seen_at;
    int64_t expires_at;
    bool alive;
    int rooms;
};

/** All nodes; borrowed for the call, NULL on an error. */
typedef void store_nodes_listed(void *arg, enum err e, const struct store_node *nodes, size_t n);
/** Writes our row, good for `lease_ms`, and gives those of all. A living node of our name keeps its
 * row unless it is ours, or `takes` is said: then it is ours from now on. */
MUST_CHECK enum err store_nodes_beat(struct store *s, const struct store_node *own,
    int64_t lease_ms, bool takes, store_nodes_listed *listed, void *arg);

typedef void store_nodes_done(void *arg, enum err e);
/** Removes our row and claims; nothing where another run has our name. */
MUST_CHECK enum err store_nodes_leave(
    struct store *s, const char *name, const char *run, store_nodes_done *done, void *arg);

/* On which living node a room is. */
struct store_place {
    const char *alias;
    const char *node;
    const char *url;
    const char *inner_url;
};
/** One for each room that is on a living node; borrowed for the call, NULL on an error. */
typedef void store_nodes_placed(void *arg, enum err e, const struct store_place *places, size_t n);
/** Claims rooms for a node, NULL = for none, and tells where they are. Those that are on a living
 * node stay there; one that is draining or not alive gets none. ERR_LIMIT: more than
 * STORE_NODES_ROOMS_MOST. */
MUST_CHECK enum err store_nodes_claim(struct store *s, const char *node, const char *const *aliases,
    size_t n, store_nodes_placed *placed, void *arg);
/** The rooms are not on that node any more. ERR_LIMIT as above. */
MUST_CHECK enum err store_nodes_release(struct store *s, const char *node,
    const char *const *aliases, size_t n, store_nodes_done *done, void *arg);
/** … nor are any others than these, except what was claimed in the last `fresh_ms`. */
MUST_CHECK enum err store_nodes_release_others(struct store *s, const char *node,
    const char *const *aliases, size_t n, int64_t fresh_ms, store_nodes_done *done, void *arg);

#endif
