/*
 * A picture at once for a listener who has just come: the packets since the latest key frame, out
 * of the track's history and faster than they came, until the listener is where everybody is. So a
 * hundred who come together need one key frame, and none waits until the publisher may be asked for
 * the next (sfu/keyframes).
 *
 *     key frame ... newest      |  live
 *     next ----> so many a step |  waits, and is taken from the history in its turn
 *
 * The timestamps of what is caught up with lie close together (sfu/rewriter), so that a player
 * shows the newest picture and not the last second.
 *
 * Thread: the room's worker; nothing allocates.  See: sfu.md; livekit-protocol.md, 5.4.
 */
#ifndef SFU_REPLAY_H
#define SFU_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

struct sfu_packet;
struct sfu_subscription;
struct sfu_track;

/* The oldest key frame to begin with; the history has a second. */
#define SFU_REPLAY_AGE_US   900000
#define SFU_REPLAY_STEP     20 /* packets in a step: 37 Mbit/s of full ones */
#define SFU_REPLAY_EVERY_US 5000

/** Zero it to begin. */
struct sfu_replay {
    int64_t next; /* the number to be sent next; 0 = the listener gets what comes */
    uint8_t layer;
};

/** A key frame of its layer begins with this packet. */
void sfu_replay_note_key(struct sfu_track *t, const struct sfu_packet *p);
/** Those that came cannot be begun with any more. */
void sfu_replay_forget_keys(struct sfu_track *t);

/** Begins, for a listener to whom nothing was sent yet; the track's timer does the rest. True also
 * for one whose way is not made yet, and who will most likely find a young key frame then. False
 * when there is nothing to begin with. */
bool sfu_replay_begin(struct sfu_subscription *s);
/** Is it this packet's turn only later? */
static inline bool sfu_replay_holds(const struct sfu_replay *r, unsigned layer, int64_t seq) {
    return r->next != 0 && r->layer == layer && seq >= r->next;
}
/** His layer begins with this packet. Where it came late (lost, and sent again), what is behind it
 * went by already, and follows. */
void sfu_replay_follow(struct sfu_subscription *s, const struct sfu_packet *p);
/** A step for each of the track's listeners who have not caught up. */
void sfu_replay_step(struct sfu_track *t, int64_t now_us);
/** The listener is away, or gone. */
void sfu_replay_end(struct sfu_subscription *s);

#endif
