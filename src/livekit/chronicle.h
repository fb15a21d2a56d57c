/*
 * The audit of our own SFU: rooms, participants, tracks, mutes, leaves with their reasons, and how
 * well media came become notes of livekit/witness. A room is told of from the first one who comes
 * on: rooms that were only made for somebody leave no row.
 *
 * Somebody who changes things as fast as a client can would fill the disk: beyond a rate, changes
 * of tracks and figures in a room are counted, and a row says how many. Figures of what each got of
 * each track have a limit of their own (livekit/deliveries).  Thread: main.  See: decision 14.
 */
#ifndef LIVEKIT_CHRONICLE_H
#define LIVEKIT_CHRONICLE_H

#include "core/err.h"

#define LK_CHRONICLE_BURST    2000 /* changes of tracks in a room at once: a thousand people come */
#define LK_CHRONICLE_A_SECOND 20   /* … and then */

struct lk_chronicle;
struct lk_witness;
struct room_directory;

struct lk_chronicle_config {
    struct room_directory *rooms;
    struct lk_witness *witness;
    const char *node; /* node.name */
    const char *run;  /* a name of this process */
};
/** Borrows everything for its life. ERR_NOMEM. */
MUST_CHECK enum err lk_chronicle_create(
    const struct lk_chronicle_config *cfg, struct lk_chronicle **ret);
/** Takes NULL. */
void lk_chronicle_destroy(struct lk_chronicle *c);

#endif
