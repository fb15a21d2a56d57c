/*
 * Who is in the SFU, in the audit; and who may not be there any more.
 *
 *     a webhook   whom it is about is looked up: media_connected, media_disconnected
 *     a leave     (leave, kick or ban in the Matrix room) ends the user's connections there:
 *                 media_removed. A token lives on, so whoever comes back with an old one is ended
 *                 again; a new token is refused where it is asked for.
 *
 * Thread: main.  See: matrix-calls 3.5, 4.7.
 */
#ifndef LIVEKIT_PRESENCE_H
#define LIVEKIT_PRESENCE_H

#include "core/err.h"

#include <stdint.h>
#include <uv.h>

struct call_left;
struct lk_participants;
struct lk_rooms;
struct lk_webhook;
struct lk_witness;

#define LK_REMOVALS_MAX     10000 /* participants to be removed, each a request under way */
#define LK_REMOVAL_TRIES    60    /* of one, while the SFU does not answer: five minutes */
#define LK_REMOVAL_RETRY_MS 5000

struct lk_presence_config {
    struct lk_participants *participants;
    struct lk_rooms *rooms;
    struct lk_witness *witness;
};

struct lk_presence;
/** Borrows everything for its life. */
MUST_CHECK enum err lk_presence_create(
    uv_loop_t *loop, const struct lk_presence_config *cfg, struct lk_presence **ret);
/** Before what it borrows; what is under way is left. The loop must turn once more. */
void lk_presence_destroy(struct lk_presence *p);

/** The SFU says who came or went. Copies. */
void lk_presence_heard(struct lk_presence *p, const struct lk_webhook *w);
/** Somebody has left a room. Copies. */
void lk_presence_left(struct lk_presence *p, const struct call_left *left);

#endif
