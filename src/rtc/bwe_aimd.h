/*
 * The bound by delay: grows while nothing is wrong, falls below what arrives when a queue grows
 * (draft-ietf-rmcat-gcc-02, 5.5).
 *
 *     over-use: 0.85 of what arrived | normal: up, by 8 % a second, or by a packet an RTT where the
 *     limit was last found            | under-use: wait until the queue is empty
 *
 * It begins without a bound: there is one from the first over-use on.  Thread: any; pure.
 */
#ifndef RTC_BWE_AIMD_H
#define RTC_BWE_AIMD_H

#include "rtc/bwe_trend.h"

#include <stdbool.h>
#include <stdint.h>

#define RTC_BWE_NONE      UINT64_MAX /* no bound */
#define RTC_BWE_LEAST_BPS 30000      /* no bound is lower: audio's worth */

/** rtc_bwe_aimd_init it. */
struct rtc_bwe_aimd {
    uint64_t bps;
    double limit_bps;     /* where over-use was found: mean of what arrived then; 0 = not known */
    double limit_spread;  /* of it: variance over mean */
    int64_t changed_us;   /* when bps was looked at last */
    int64_t decreased_us; /* 0 = never */
    int64_t probed_us;    /* when the latest probe began; 0 = never */
    uint64_t before_bps;  /* what arrived until then, within the bound */
    bool hold;            /* the queue empties */
};

/** What one report came to. */
struct rtc_bwe_sign {
    enum rtc_bwe_usage usage;
    bool still;         /* do not grow now */
    uint64_t acked_bps; /* 0 = not known */
    int64_t rtt_us;
};

void rtc_bwe_aimd_init(struct rtc_bwe_aimd *a);
void rtc_bwe_aimd_update(struct rtc_bwe_aimd *a, const struct rtc_bwe_sign *sign, int64_t now_us);
/** Where over-use was found says nothing any more: grow as where none was. */
void rtc_bwe_aimd_forget(struct rtc_bwe_aimd *a);
/** A probe begins: what has arrived until now is more than nothing, and fits. 0 = not known. */
void rtc_bwe_aimd_probe(struct rtc_bwe_aimd *a, uint64_t acked_bps, int64_t now_us);
/** It found that so much fits; RTC_BWE_NONE takes the bound away. */
void rtc_bwe_aimd_raise(struct rtc_bwe_aimd *a, uint64_t bps, int64_t now_us);
/** Nothing arrives at all, or something else said so: at most this from now on. */
void rtc_bwe_aimd_lower(struct rtc_bwe_aimd *a, uint64_t bps, int64_t now_us);

#endif
