/*
 * Key frames of one layer: asked of the publisher once, however many listeners want one, and no
 * more often than it can stand.  Thread: the room's worker; pure.  See: livekit-protocol.md, 5.4.
 */
#ifndef SFU_KEYFRAMES_H
#define SFU_KEYFRAMES_H

#include <stdbool.h>
#include <stdint.h>

/* Between two requests: a low layer's key frame is small, the others' are not. */
#define SFU_KEYFRAME_LOW_US  500000
#define SFU_KEYFRAME_HIGH_US 1000000

/** Zero it to begin. */
struct sfu_keyframes {
    int64_t asked_us; /* 0 = never */
    bool wanted;      /* somebody waits */
};

/** A listener needs one. */
void sfu_keyframes_want(struct sfu_keyframes *k);
/** One began: nobody waits any more. */
void sfu_keyframes_came(struct sfu_keyframes *k);
/** Send a PLI now? Then it is taken as sent. `layer` 0 is the lowest. */
bool sfu_keyframes_due(struct sfu_keyframes *k, unsigned layer, int64_t now_us);
/** When to ask sfu_keyframes_due next; INT64_MAX when nobody waits. */
int64_t sfu_keyframes_next_us(const struct sfu_keyframes *k, unsigned layer);

#endif
