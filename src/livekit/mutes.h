/*
 * Silences a member of a call in the SFU, wherever that is: the names that the member may have
 * there are looked for in its rooms, and what they send is muted. Clients open a microphone again
 * when their user does so, and never because we want it.  Thread: main.
 *
 * See: matrix-calls 3.7, 4.3; livekit-protocol 7.1.
 */
#ifndef LIVEKIT_MUTES_H
#define LIVEKIT_MUTES_H

#include "core/err.h"

#include <stddef.h>

struct lk_mutes;
struct lk_occupants;
struct lk_rooms;
struct store_watch;

#define LK_MUTES_MAX 1000 /* orders under way */

/** Borrows both for its life. ERR_NOMEM. */
MUST_CHECK enum err lk_mutes_create(
    struct lk_rooms *rooms, struct lk_occupants *occupants, struct lk_mutes **ret);
/** What is under way ends without its callback. Before what it borrows. Takes NULL. */
void lk_mutes_destroy(struct lk_mutes *m);

/** So many tracks are silent now; or `problem` says for people why none is. Once, later. */
typedef void lk_mutes_done(void *arg, size_t n, const char *problem);
/** Mutes this track of the member's ("TR_…"), or with NULL all the sound. Of `who` room, slot,
 * user, device and membership count. Copies. ERR_LIMIT, ERR_NOMEM: nothing was begun. */
MUST_CHECK enum err lk_mutes_order(struct lk_mutes *m, const struct store_watch *who,
    const char *track, lk_mutes_done *done, void *arg);
/** What was ordered with this `arg` goes on, without its callback. */
void lk_mutes_forget(struct lk_mutes *m, const void *arg);

#endif
