/* Decibels to a level, window by window. */
#include "sfu/speaker.h"

#include <math.h>

#define SMOOTHING  (2.0F / 3) /* exponential, over two windows */
#define DB_PER_TEN 20.0
#define SILENT     127
#define PACKET_US  120000 /* Opus has no longer ones: the rest of a step was not sent at all */
#define GAP_MAX_US SFU_SPEAKER_RESET_US
#define US_PER_S   INT64_C(1000000)
#define US_PER_MS  1000
#define LEAST_US   (SFU_SPEAKER_WINDOW_US / 100 * SFU_SPEAKER_SHARE)

_Static_assert(sizeof(struct sfu_speaker) <= 40, "the header says so");

static float linear(double minus_dbov) {
    return (float)pow(10, -(minus_dbov > 0 ? minus_dbov : 0) / DB_PER_TEN);
}

/* The window is full. A voice that filled half of it counts 6 dB less. */
static void close_window(struct sfu_speaker *s) {
    float level = 0;
    if (s->loud_us >= LEAST_US) {
        double share = (double)s->loud_us / SFU_SPEAKER_WINDOW_US;
        level = linear(s->loudest - DB_PER_TEN * log10(share));
        s->spoken_us += (uint32_t)s->window_us;
    }
    s->level += (level - s->level) * SMOOTHING;
    s->window_us = 0;
    s->loud_us = 0;
    s->loudest = SILENT;
}

static void begin(struct sfu_speaker *s, uint32_t ts, int64_t now_us) {
    *s = (struct sfu_speaker){
        .heard_us = now_us, .ts = ts, .loudest = SILENT, .spoken_us = s->spoken_us, .over = s->over
    };
}

void sfu_speaker_heard(
    struct sfu_speaker *s, uint8_t level, uint32_t ts, uint32_t clock_rate, int64_t now_us) {
    int32_t ticks = (int32_t)(ts - s->ts);
    if (s->heard_us == 0 || now_us - s->heard_us > SFU_SPEAKER_RESET_US) {
        begin(s, ts, now_us);
        return;
    }
    if (ticks <= 0 || clock_rate == 0) {
        return;
    }
    int64_t us = ticks * US_PER_S / clock_rate;
    us = us < GAP_MAX_US ? us : GAP_MAX_US;
    s->ts = ts;
    s->heard_us = now_us;
    s->window_us += (int32_t)us;
    if (level <= SFU_SPEAKER_LOUD) {
        s->loud_us += (int32_t)(us < PACKET_US ? us : PACKET_US);
    }
    s->loudest = level < s->loudest ? level : s->loudest;
    s->over = SILENT - s->loudest > s->over ? (uint8_t)(SILENT - s->loudest) : s->over;
    if (s->window_us >= SFU_SPEAKER_WINDOW_US) {
        close_window(s);
    }
}

struct sfu_speaker_sum sfu_speaker_take(struct sfu_speaker *s) {
    const struct sfu_speaker_sum sum = { .spoken_ms = s->spoken_us / US_PER_MS,
        .loudest_dbov = (int8_t)(s->over - SILENT) };
    s->spoken_us = 0;
    s->over = 0;
    return sum;
}

bool sfu_speaker_lingers(const struct sfu_speaker *s, int64_t now_us) {
    return s->heard_us != 0 && now_us - s->heard_us <= SFU_SPEAKER_RESET_US &&
           (s->level >= linear(SILENT) || s->loud_us > 0);
}

uint8_t sfu_speaker_eighths(const struct sfu_speaker *s, int64_t now_us) {
    if (!sfu_speaker_lingers(s, now_us) || s->level < linear(SFU_SPEAKER_LOUD)) {
        return 0;
    }
    float steps = ceilf(s->level * SFU_SPEAKER_STEPS);
    return steps > SFU_SPEAKER_STEPS ? SFU_SPEAKER_STEPS : (uint8_t)steps;
}
