/*
 * Made-up packets for a track from which nothing comes yet: clients that show a track only when its
 * first packet is there (the Go SDK) would never count a muted one as subscribed.
 *
 * Opus silence fifty times a second, or padding ten times a second for video, from 100 ms after
 * packets could be sent to the listener until something real comes, for five seconds at most.
 * End-to-end encrypted audio gets none: a client would take it for a frame that was tampered with.
 *
 * Thread: the room's worker; pure.  See: livekit-protocol.md, 5.12.
 */
#ifndef SFU_SILENCE_H
#define SFU_SILENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFU_SILENCE_AFTER_US 100000
#define SFU_SILENCE_FOR_US   5000000
#define SFU_SILENCE_AUDIO_US 20000
#define SFU_SILENCE_VIDEO_US 100000

struct sfu_silence {
    int64_t next_us, end_us; /* 0 until the first question */
    uint32_t ts;
    uint16_t seq; /* of the newest */
    bool video;
    bool on;
};

void sfu_silence_begin(struct sfu_silence *s, bool video, uint16_t first_seq);
void sfu_silence_end(struct sfu_silence *s);
/** Is a packet due? Then `seq` and `ts` are its. `clock_rate` in ticks a second. Asked only while
 * packets can be sent to the listener: the first time, its clock begins. */
bool sfu_silence_due(struct sfu_silence *s, uint32_t clock_rate, int64_t now_us);

/** The payload of one packet of Opus silence. */
#define SFU_SILENCE_OPUS_BYTES 80
extern const uint8_t sfu_silence_opus[SFU_SILENCE_OPUS_BYTES];

#endif
