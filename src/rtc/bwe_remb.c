/* Up to what the receiver says. */
#include "rtc/bwe_remb.h"

#include "rtc/bwe_aimd.h"

#define BITS         8
#define SEC_US       1000000
#define TICK_US      20000
#define BURST_US     100000 /* what could not leave for longer is not made up for */
#define FALL_PERCENT 2      /* less is what rounding does */
#define PERCENT      100
#define REST_FACTOR  2

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

void rtc_bwe_remb_take(struct rtc_bwe_remb *r, uint64_t bps, int64_t now_us) {
    uint64_t before = rtc_bwe_remb_bps(r, now_us);
    if (before == RTC_BWE_NONE || bps < before - before / PERCENT * FALL_PERCENT) {
        bool further = before == RTC_BWE_NONE || before > r->fell_bps;
        r->rest_for_us =
            further ? RTC_BWE_REST_US : least(r->rest_for_us * REST_FACTOR, RTC_BWE_REST_MOST_US);
        r->rest_us = now_us + r->rest_for_us;
        r->fell_bps = before == RTC_BWE_NONE ? 0 : before;
    }
    r->bps = bps;
    r->came_us = now_us;
}

uint64_t rtc_bwe_remb_bps(const struct rtc_bwe_remb *r, int64_t now_us) {
    return r->came_us != 0 && now_us - r->came_us < RTC_BWE_REMB_US ? r->bps : RTC_BWE_NONE;
}

int64_t rtc_bwe_remb_tick(struct rtc_bwe_remb *r, uint64_t useful_bps, int64_t now_us) {
    uint64_t most = rtc_bwe_remb_bps(r, now_us);
    most = most > RTC_BWE_LEAST_BPS ? most : RTC_BWE_LEAST_BPS; /* from nothing nothing comes */
    if (most >= useful_bps || r->spent_bps >= most) {
        r->reckoned_us = r->due = 0;
        return INT64_MAX;
    }
    if (now_us < r->rest_us) {
        r->reckoned_us = r->due = 0;
        return r->rest_us;
    }
    int64_t since_us = r->reckoned_us == 0 ? 0 : least(now_us - r->reckoned_us, BURST_US);
    uint64_t from_bps = r->reckoned_us == 0 ? RTC_BWE_RAMP_FROM_BPS : r->sent_bps;
    from_bps = from_bps > r->spent_bps ? from_bps : r->spent_bps;
    uint64_t sent_bps =
        from_bps + from_bps / PERCENT * RTC_BWE_RAMP_PERCENT * (uint64_t)since_us / SEC_US;
    r->sent_bps = sent_bps < most ? sent_bps : most;
    uint64_t more_bps = r->sent_bps > r->spent_bps ? r->sent_bps - r->spent_bps : 0;
    r->due += (int64_t)(more_bps * (uint64_t)since_us / BITS / SEC_US);
    r->reckoned_us = now_us;
    return now_us + TICK_US;
}

void rtc_bwe_remb_padded(struct rtc_bwe_remb *r, size_t bytes, int64_t now_us) {
    r->due -= (int64_t)bytes;
    if (bytes == 0) {
        r->due = 0;
        r->rest_us = now_us + RTC_BWE_REST_US;
    }
}
