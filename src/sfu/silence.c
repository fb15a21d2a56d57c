/* When, and with which numbers. */
#include "sfu/silence.h"

/* A frame of 20 ms that clients know as silence made by a server (livekit-protocol.md, 5.12). */
const uint8_t sfu_silence_opus[SFU_SILENCE_OPUS_BYTES] = { 0xf8, 0xff, 0xfe };

void sfu_silence_begin(struct sfu_silence *s, bool video, uint16_t first_seq) {
    *s = (struct sfu_silence){ .seq = first_seq - 1, .video = video, .on = true };
}

void sfu_silence_end(struct sfu_silence *s) {
    s->on = false;
}

/* The first time somebody asks, its clock begins: before that the listener was not connected. */
static void start(struct sfu_silence *s, int64_t now_us) {
    s->next_us = now_us + SFU_SILENCE_AFTER_US;
    s->end_us = now_us + SFU_SILENCE_FOR_US;
}

bool sfu_silence_due(struct sfu_silence *s, uint32_t clock_rate, int64_t now_us) {
    if (s->on && s->end_us == 0) {
        start(s, now_us);
    }
    if (!s->on || now_us < s->next_us) {
        return false;
    }
    if (now_us >= s->end_us) {
        s->on = false;
        return false;
    }
    int64_t every = s->video ? SFU_SILENCE_VIDEO_US : SFU_SILENCE_AUDIO_US;
    /* What was missed (the listener was away for a while) is skipped, not sent in one burst. */
    int64_t steps = (now_us - s->next_us) / every + 1;
    s->next_us += steps * every;
    s->seq++;
    s->ts += (uint32_t)(clock_rate * steps * every / 1000000);
    return true;
}
