/* The weights are LiveKit's. */
#include "sfu/quality.h"

#define BEST           100.0
#define EXCELLENT_OVER 80.0
#define GOOD_OVER      40.0
#define RISING         0.4 /* how much of a better window counts, and of a worse one */
#define FALLING        0.8
#define LAYER_COST     35.0
#define VIDEO_WEIGHT   10.0 /* a percent lost costs so much */
#define BEARABLE_MS    160.0

static const double audio_weights[RTC_EMODEL_CODECS] = {
    [RTC_EMODEL_OPUS] = 8.0,
    [RTC_EMODEL_OPUS_FEC] = 8.0 / 1.5,
    [RTC_EMODEL_RED] = 4.0,
    [RTC_EMODEL_RED_FEC] = 4.0 / 1.5,
};

static double delay_cost(const struct sfu_window *w) {
    double ms = w->rtt_ms / 2.0 + 2.0 * w->jitter_ms;
    return ms > BEARABLE_MS ? (ms - 120.0) / 10.0 : ms / 40.0;
}

static double lost_part(const struct sfu_window *w) {
    if (w->expected == 0) {
        return 0;
    }
    return w->lost >= w->expected ? 1 : (double)w->lost / w->expected;
}

static double score_of(const struct sfu_window *w) {
    double weight = w->video ? VIDEO_WEIGHT : audio_weights[w->guard];
    double score = BEST - delay_cost(w) - 100.0 * lost_part(w) * weight -
                   LAYER_COST * (double)w->missing_layers;
    return score > 0 ? score : 0;
}

double sfu_score_add(struct sfu_score *s, const struct sfu_window *w) {
    double below = BEST - score_of(w);
    s->below += (below - s->below) * (below < s->below ? RISING : FALLING);
    return BEST - s->below;
}

enum sfu_quality sfu_quality_of(double score) {
    return score > EXCELLENT_OVER ? SFU_QUALITY_EXCELLENT
           : score > GOOD_OVER    ? SFU_QUALITY_GOOD
                                  : SFU_QUALITY_POOR;
}

double sfu_quality_mos(const struct sfu_window *w, double score) {
    if (w->video) {
        return rtc_emodel_mos(score);
    }
    struct rtc_emodel m = {
        .codec = w->guard, .loss = lost_part(w), .rtt_ms = w->rtt_ms, .jitter_ms = w->jitter_ms
    };
    return rtc_emodel_mos(rtc_emodel_r(&m));
}
