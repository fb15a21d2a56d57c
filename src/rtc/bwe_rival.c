/* Window by window. */
#include "rtc/bwe_rival.h"

#define EMPTIES 0.6  /* of what it was: less helps */
#define LESS    0.85 /* of what arrived: less was sent indeed; the lowest layer is not sent less */

static void begin(struct rtc_bwe_rival *r, enum rtc_bwe_rival_state state, int64_t now_us) {
    r->state = state;
    r->begun_us = now_us;
    r->least_us = INT64_MAX;
    r->acked_sum = 0;
    r->n = 0;
}

static enum rtc_bwe_rival_state watched(struct rtc_bwe_rival *r) {
    r->before_us = r->least_us;
    r->acked_bps = r->acked_sum / r->n;
    return r->least_us > RTC_BWE_RIVAL_STANDING_US ? RTC_BWE_RIVAL_TRY : RTC_BWE_RIVAL_WATCH;
}

static enum rtc_bwe_rival_state tried(const struct rtc_bwe_rival *r) {
    bool less = r->acked_sum / r->n < LESS * r->acked_bps;
    bool emptied = r->least_us <= RTC_BWE_RIVAL_STANDING_US ||
                   (double)r->least_us < EMPTIES * (double)r->before_us;
    return less && !emptied ? RTC_BWE_RIVAL_THERE : RTC_BWE_RIVAL_WATCH;
}

void rtc_bwe_rival_note(
    struct rtc_bwe_rival *r, int64_t queue_us, uint64_t acked_bps, int64_t now_us) {
    int64_t us = now_us - r->begun_us;
    bool empty = r->state == RTC_BWE_RIVAL_TRY && queue_us < RTC_BWE_RIVAL_STANDING_US;
    if (r->begun_us == 0 || empty) {
        begin(r, RTC_BWE_RIVAL_WATCH, now_us);
    } else if (r->state == RTC_BWE_RIVAL_THERE) {
        if (us >= RTC_BWE_RIVAL_US) {
            begin(r, RTC_BWE_RIVAL_WATCH, now_us);
        }
    } else if (us >= RTC_BWE_RIVAL_WINDOW_US && r->n > 0) {
        begin(r, r->state == RTC_BWE_RIVAL_WATCH ? watched(r) : tried(r), now_us);
    }
    r->least_us = queue_us < r->least_us ? queue_us : r->least_us;
    r->acked_sum += (double)acked_bps;
    r->n++;
}

uint64_t rtc_bwe_rival_bps(const struct rtc_bwe_rival *r, uint64_t bps) {
    uint64_t less = (uint64_t)r->acked_bps / 100 * RTC_BWE_RIVAL_LESS_PERCENT;
    return r->state == RTC_BWE_RIVAL_TRY && less < bps ? less : bps;
}
