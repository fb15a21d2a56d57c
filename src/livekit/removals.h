/*
 * Who must not be in the SFU any more is taken out of it.
 *
 *     a leave      (leave, kick or ban in the Matrix room) ends all connections of the user there
 *     an order     an admin's kick: those of one device, or of one user
 *     a stranger   whoever came back with a token from before that: this one connection
 *
 * The first two are written down before they are done (store/removals): what a node that dies has
 * not done is done by itself when it is back, or by another. Their tokens live on, so they are
 * barred first: who comes back with an old one is ended again.  Thread: main.
 *
 * See: matrix-calls 3.5, 4.7.
 */
#ifndef LIVEKIT_REMOVALS_H
#define LIVEKIT_REMOVALS_H

#include "core/err.h"

#include <stdint.h>
#include <uv.h>

struct call_left;
struct lk_participants;
struct lk_rooms;
struct lk_witness;
struct store;
struct store_identity;
struct store_removal;

#define LK_REMOVALS_MAX     10000 /* orders, and likewise participants to be removed */
#define LK_REMOVAL_TRIES    60    /* of one, while the SFU does not answer: five minutes */
#define LK_REMOVAL_RETRY_MS 5000  /* also how often others' orders are looked for */
#define LK_REMOVAL_HELD_MS  30000 /* how long a node has what it took over to itself */

struct lk_removals_config {
    struct lk_participants *participants;
    struct lk_rooms *rooms;
    struct lk_witness *witness;
};

struct lk_removals;
/** Borrows everything for its life. */
MUST_CHECK enum err lk_removals_create(
    uv_loop_t *loop, const struct lk_removals_config *cfg, struct lk_removals **ret);
/** Before what it borrows; what is under way is left, and done by whoever finds it written down.
 * The loop must turn once more. */
void lk_removals_destroy(struct lk_removals *r);
/** Where orders are written down; looks there at once for those that are left. NULL (at first):
 * nowhere. Set NULL before the store goes. */
void lk_removals_set_store(struct lk_removals *r, struct store *store);

/** Somebody has left a room, and that is written down. Copies. */
void lk_removals_left(struct lk_removals *r, const struct call_left *left);
/** Somebody is to go: writes it down, then does it. Copies. */
void lk_removals_order(struct lk_removals *r, const struct store_removal *what);
/** Ends this one connection. Copies. */
void lk_removals_end(struct lk_removals *r, const struct store_identity *who, const char *reason);

#endif
