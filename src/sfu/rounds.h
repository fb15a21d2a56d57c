/*
 * What a room looks at every so often: who speaks (livekit-protocol.md, 5.10), and how its streams
 * fare (5.11). Main is told of changes, and of figures to be kept.  Thread: the room's worker.
 */
#ifndef SFU_ROUNDS_H
#define SFU_ROUNDS_H

#include <stdint.h>

struct sfu_participant;
struct sfu_room;

/** Somebody came: there will be figures. */
void sfu_rounds_begin(struct sfu_room *r);
/** A loud packet came: the voices are looked at until all are silent. */
void sfu_rounds_voice(struct sfu_room *r);
void sfu_rounds_end(struct sfu_room *r);

/* --- sfu/stats --- */

/** Tells the figures of all streams of a participant, and how it is served where that is news. */
void sfu_stats_tell(struct sfu_participant *p, int64_t now_us);

#endif
