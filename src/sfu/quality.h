/*
 * How good a stream is: what was lost, late and left out, as LiveKit's clients know it: a score
 * from 0 to 100, and its three names.  Thread: any; pure.  See: livekit-protocol.md, 5.11.
 */
#ifndef SFU_QUALITY_H
#define SFU_QUALITY_H

#include "core/clock.h"
#include "rtc/emodel.h"
#include "sfu/events.h"

#include <stdbool.h>
#include <stdint.h>

#define SFU_QUALITY_LOST_US                                                                        \
    (10 * SEC_US) /* nothing at all came: LOST, sooner than its transport is */

/* What became of it in one window of SFU_STATS_US. */
struct sfu_window {
    bool video;
    enum rtc_emodel_codec guard; /* of audio */
    uint32_t expected, lost;     /* packets */
    uint32_t rtt_ms, jitter_ms;
    unsigned missing_layers; /* below what is wanted */
};

/** Zero it to begin: at the best. */
struct sfu_score {
    double below; /* 100 - score, smoothed: it falls faster than it rises */
};

/** One window more. Gives the score now, 0 to 100. A window without packets (mute, DTX) is a good
 * one as far as loss goes: silence alone never makes a connection bad. */
double sfu_score_add(struct sfu_score *s, const struct sfu_window *w);
/** Never LOST: a browser that is told so begins all over again. */
enum sfu_quality sfu_quality_of(double score);
/** Of a window of audio by the E-model, of video by its score. */
double sfu_quality_mos(const struct sfu_window *w, double score);

#endif
