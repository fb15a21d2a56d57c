/*
 * Pictures that stood still: a listener's video whose next frame left much later than usual.
 *
 * A freeze is a gap of three usual ones, and of 150 ms more than one at least (W3C webrtc-stats,
 * freezeCount). Whoever pauses on purpose (mute, a hidden window) says so.
 * Thread: the room's worker; pure.
 */
#ifndef SFU_FREEZES_H
#define SFU_FREEZES_H

#include <stdint.h>

#define SFU_FREEZE_EXTRA_US 150000
#define SFU_FREEZE_TIMES    3
#define SFU_FREEZE_SETTLES  8 /* gaps until what is usual is known */

/** 40 bytes. Zero it to begin. */
struct sfu_freezes {
    int64_t last_us; /* 0 = none, or paused */
    int64_t usual_us;
    int64_t total_us;
    uint32_t count;
    uint8_t gaps;
};

/** The last packet of a frame left. */
void sfu_freezes_frame(struct sfu_freezes *f, int64_t now_us);
/** What comes next is no gap. */
void sfu_freezes_pause(struct sfu_freezes *f);

#endif
