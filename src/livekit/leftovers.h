/*
 * What an earlier process of this node has left open in the audit because it was killed: who was in
 * the SFU then is not any more, and their rooms are over. Each gets its row, media_disconnected or
 * media_room_closed, with the reason SERVER_RESTART and the time at which that was found out.
 *
 * The same for nodes that were killed and did not come back: some node finds it once the database
 * has forgotten them, STORE_NODES_KEPT_MS after they were last alive (one that is merely cut off
 * from the database goes on with its rooms). A node that stops in good order is forgotten at once,
 * while it still writes how its rooms end; so what it has left is ended at the look after the next.
 *
 * Begins when all that the earlier process could still write down is in the database
 * (livekit/witness), since that may tell of their leaving, or of somebody's coming. Of a row that
 * is written twice, by two nodes or since we were killed meanwhile, the database takes one.
 * Thread: main.
 */
#ifndef LIVEKIT_LEFTOVERS_H
#define LIVEKIT_LEFTOVERS_H

#include "core/err.h"

#include <stdint.h>
#include <uv.h>

#define LK_LEFTOVERS_REASON   "SERVER_RESTART"
#define LK_LEFTOVERS_MS       500   /* between two pages, until all are found */
#define LK_LEFTOVERS_AGAIN_MS 30000 /* between two looks */
#define LK_LEFTOVERS_NODES    16    /* forgotten ones that are dealt with at once */

struct lk_leftovers;
struct lk_witness;
struct store;

struct lk_leftovers_config {
    struct lk_witness *witness;
    const char *node;  /* node.name */
    const char *run;   /* a name of this process, whose rows stay */
    uint64_t again_ms; /* 0 = LK_LEFTOVERS_AGAIN_MS */
};
/** Borrows everything for its life. ERR_NOMEM. */
MUST_CHECK enum err lk_leftovers_create(
    uv_loop_t *loop, const struct lk_leftovers_config *cfg, struct lk_leftovers **ret);
/** Where they are found; NULL (at first): it waits. Set NULL before the store goes. */
void lk_leftovers_set_store(struct lk_leftovers *l, struct store *store);
/** The loop must turn once more. Takes NULL. */
void lk_leftovers_destroy(struct lk_leftovers *l);

#endif
