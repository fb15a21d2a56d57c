/*
 * Who speaks: the level of one voice, from what its packets say of themselves (RFC 6464), also when
 * nobody here can listen to them.
 *
 *     packets of 400 ms of media -> how long was it loud, how loud at most? -> a level, smoothed
 *
 * Thread: the room's worker; pure, and no packet costs more than a few comparisons.
 * See: livekit-protocol.md, 5.10.
 */
#ifndef SFU_SPEAKER_H
#define SFU_SPEAKER_H

#include <stdbool.h>
#include <stdint.h>

#define SFU_SPEAKER_WINDOW_US 400000 /* of media; also how often changes are told */
#define SFU_SPEAKER_LOUD      35     /* -dBov: at least this loud is speech */
#define SFU_SPEAKER_SHARE     40     /* percent of the window that must be */
#define SFU_SPEAKER_RESET_US  800000 /* without packets */
#define SFU_SPEAKER_STEPS     8      /* what is told has so many steps */

/** 40 bytes a voice. Zero it to begin. */
struct sfu_speaker {
    int64_t heard_us; /* 0 = never */
    int32_t window_us, loud_us;
    uint32_t ts;        /* of the newest packet */
    float level;        /* linear, 0 to 1 */
    uint32_t spoken_us; /* since it was last taken: windows of speech */
    uint8_t loudest;    /* of this window */
    uint8_t over;       /* since it was last taken: the loudest is so much over -127 dBov */
};

/* What is kept of it for later. */
struct sfu_speaker_sum {
    uint32_t spoken_ms;
    int8_t loudest_dbov; /* -127 = silence, or levels were not told */
};

/** A packet came. `level` in -dBov, 0 the loudest; `ts` its timestamp, of `clock_rate`. Late ones
 * count nothing; what a gap (DTX) left out counts as silence. */
void sfu_speaker_heard(
    struct sfu_speaker *s, uint8_t level, uint32_t ts, uint32_t clock_rate, int64_t now_us);

/** How loud it is now, in steps of an eighth, rounded up; 0 = does not speak. */
uint8_t sfu_speaker_eighths(const struct sfu_speaker *s, int64_t now_us);

/** What came since the last time. */
struct sfu_speaker_sum sfu_speaker_take(struct sfu_speaker *s);

/** Will it be heard of again without a packet? False once a voice has been silent for long enough
 * that nothing of it is left. */
bool sfu_speaker_lingers(const struct sfu_speaker *s, int64_t now_us);

#endif
