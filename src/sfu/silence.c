/* When, and with which numbers. */
#include "sfu/silence.h"

/* A frame of 20 ms that clients know as silence made by a server (livekit-protocol.md, 5.12). */
const uint8_t sfu_silence_opus[SFU_SILENCE_OPUS_BYTES] = { 0xf8, 0xff, 0xfe };

void sfu_silence_begin(struct sfu_silence *s, bool video, uint16_t first_seq, int64_t now_us) {
    *s = (struct sfu_silence){ .next_us = now_us + SFU_SILENCE_AFTER_US,
        .end_us = now_us + SFU_SILENCE_FOR_US,
        .seq = first_seq - 1,
        .video = video };
}

void sfu_silence_end(struct sfu_silence *s) {
    s->next_us = 0;
}

bool sfu_silence_due(struct sfu_silence *s, uint32_t clock_rate, int64_t now_us) {
    if (s->next_us == 0 || now_us < s->next_us) {
        return false;
    }
    if (now_us >= s->end_us) {
        s->next_us = 0;
        return false;
    }
    int64_t every = s->video ? SFU_SILENCE_VIDEO_US : SFU_SILENCE_AUDIO_US;
    s->next_us += every;
    s->seq++;
    s->ts += (uint32_t)(clock_rate * every / 1000000);
    s->any = true;
    return true;
}
