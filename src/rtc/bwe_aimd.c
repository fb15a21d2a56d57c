/* Additive or multiplicative increase, multiplicative decrease. */
#include "rtc/bwe_aimd.h"

#include <math.h>

#define BETA           0.85 /* the draft, 5.5 */
#define GROWTH         1.08 /* a second, the draft, 5.5 */
#define AHEAD          1.5  /* times what arrives: further, the bound says nothing */
#define AHEAD_BPS      10000
#define RESPONSE_US    100000 /* besides the RTT: until a report tells of it */
#define PACKET_BITS    9600.0 /* 1,200 bytes */
#define FRAMES         30.0   /* a second */
#define ADDITIVE_LEAST 4000.0 /* bps a second */
#define SPREAD_WEIGHT  0.05
#define SPREAD_MIN     0.4e3 /* of kbit/s, in bps: variance over mean */
#define SPREAD_MAX     2.5e3
#define DEVIATIONS     3
/* A probe leaves a queue, or promises too much. What was sent before it did fit: that is gone back
 * to, or to so much of what arrives that the queue empties. */
#define PROBED_US 1500000
#define EMPTIES   0.9
#define SEC_US    1e6

void rtc_bwe_aimd_init(struct rtc_bwe_aimd *a) {
    *a = (struct rtc_bwe_aimd){ .bps = RTC_BWE_NONE, .limit_spread = SPREAD_MIN };
}

static void set(struct rtc_bwe_aimd *a, double bps) {
    a->bps = bps > RTC_BWE_LEAST_BPS ? (uint64_t)bps : RTC_BWE_LEAST_BPS;
}

/* --- where the limit is --- */

static double deviation(const struct rtc_bwe_aimd *a) {
    return sqrt(a->limit_spread * a->limit_bps);
}

static void note_limit(struct rtc_bwe_aimd *a, double bps) {
    if (a->limit_bps == 0) {
        a->limit_bps = bps;
        return;
    }
    a->limit_bps += SPREAD_WEIGHT * (bps - a->limit_bps);
    double off = bps - a->limit_bps;
    double spread =
        (1 - SPREAD_WEIGHT) * a->limit_spread + SPREAD_WEIGHT * off * off / a->limit_bps;
    a->limit_spread = fmin(fmax(spread, SPREAD_MIN), SPREAD_MAX);
}

/* --- steps --- */

static double lowered(const struct rtc_bwe_aimd *a, double acked, int64_t now_us) {
    double before = (double)a->before_bps;
    bool probed = a->probed_us != 0 && now_us - a->probed_us < PROBED_US && acked > before;
    return fmax(BETA * acked, probed ? fmin(before, EMPTIES * acked) : 0);
}

static void decrease(struct rtc_bwe_aimd *a, uint64_t acked_bps, int64_t now_us) {
    double acked = (double)acked_bps;
    if (acked_bps == 0) {
        return;
    }
    if (a->limit_bps > 0 && fabs(acked - a->limit_bps) > DEVIATIONS * deviation(a)) {
        a->limit_bps = 0; /* the way has changed */
    }
    double to = lowered(a, acked, now_us);
    if (a->bps == RTC_BWE_NONE || to < (double)a->bps) {
        set(a, to);
    }
    note_limit(a, acked);
    a->decreased_us = now_us;
    a->hold = true;
}

static double grown(const struct rtc_bwe_aimd *a, int64_t rtt_us, double seconds) {
    double bps = (double)a->bps;
    if (a->limit_bps == 0) {
        return bps * pow(GROWTH, fmin(seconds, 1));
    }
    double frame = bps / FRAMES;
    double packet = frame / ceil(frame / PACKET_BITS);
    double a_second = packet * SEC_US / (double)(rtt_us + RESPONSE_US);
    return bps + fmax(a_second, ADDITIVE_LEAST) * fmin(seconds, 1);
}

static void increase(struct rtc_bwe_aimd *a, const struct rtc_bwe_sign *sign, int64_t now_us) {
    double acked = (double)sign->acked_bps;
    if (a->limit_bps > 0 && acked > a->limit_bps + DEVIATIONS * deviation(a)) {
        a->limit_bps = 0;
    }
    double to = grown(a, sign->rtt_us, (double)(now_us - a->changed_us) / SEC_US);
    if (acked > 0) {
        to = fmin(to, fmax((double)a->bps, AHEAD * acked + AHEAD_BPS));
    }
    set(a, to);
}

void rtc_bwe_aimd_update(struct rtc_bwe_aimd *a, const struct rtc_bwe_sign *sign, int64_t now_us) {
    if (sign->usage == RTC_BWE_OVER) {
        decrease(a, sign->acked_bps, now_us);
    } else if (sign->usage == RTC_BWE_UNDER) {
        a->hold = true;
    } else if (a->hold) {
        a->hold = false;
    } else if (a->bps != RTC_BWE_NONE && !sign->still) {
        increase(a, sign, now_us);
    }
    a->changed_us = now_us;
}

void rtc_bwe_aimd_forget(struct rtc_bwe_aimd *a) {
    a->limit_bps = 0;
}

void rtc_bwe_aimd_probe(struct rtc_bwe_aimd *a, uint64_t acked_bps, int64_t now_us) {
    a->before_bps = acked_bps < a->bps ? acked_bps : a->bps;
    a->probed_us = now_us;
}

void rtc_bwe_aimd_raise(struct rtc_bwe_aimd *a, uint64_t bps, int64_t now_us) {
    if (a->bps == RTC_BWE_NONE || bps <= a->bps) {
        return;
    }
    a->bps = bps;
    a->changed_us = now_us;
    if (a->limit_bps > 0 && (double)bps > a->limit_bps + DEVIATIONS * deviation(a)) {
        a->limit_bps = 0;
    }
}

void rtc_bwe_aimd_lower(struct rtc_bwe_aimd *a, uint64_t bps, int64_t now_us) {
    if (bps < a->bps) {
        set(a, (double)bps);
        a->decreased_us = a->changed_us = now_us;
    }
}
