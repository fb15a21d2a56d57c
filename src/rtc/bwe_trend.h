/*
 * Does a queue grow on the way? Packets that left together are a group; how much later each group
 * came than it left, compared with the group before, says how the delay changes (the draft, 5.1 to
 * 5.4, with the trend line by least squares in place of its filter, as browsers have it).
 *
 *     arrival - sending of each group, summed and smoothed:   . . . . : ' '   the line's slope
 *
 * The slope is compared with a threshold that adapts, so that a flow which fills queues (TCP) does
 * not starve this one.  Thread: any; pure.  See: draft-ietf-rmcat-gcc-02.
 */
#ifndef RTC_BWE_TREND_H
#define RTC_BWE_TREND_H

#include <stdbool.h>
#include <stdint.h>

#define RTC_BWE_TREND_POINTS 20 /* groups on the line */

enum rtc_bwe_usage {
    RTC_BWE_NORMAL,
    RTC_BWE_OVER,  /* the queue grows */
    RTC_BWE_UNDER, /* it empties */
};

struct rtc_bwe_group {
    int64_t first_sent_us, last_sent_us;
    int64_t first_arrived_us, last_arrived_us;
    bool any;
};

/** 600 bytes. rtc_bwe_trend_init it. */
struct rtc_bwe_trend {
    struct rtc_bwe_group group, before; /* the one being gathered, and the last whole one */
    double delay_ms, smooth_ms;         /* sum of the differences, and that smoothed */
    double times_ms[RTC_BWE_TREND_POINTS], delays_ms[RTC_BWE_TREND_POINTS];
    int64_t begun_us; /* of the line, the receiver's clock */
    unsigned n, next; /* points on it */
    unsigned deltas;
    double slope, threshold_ms;
    int64_t adapted_us;
    double over_ms; /* for how long it has been above the threshold */
    unsigned overs;
    enum rtc_bwe_usage usage;
};

void rtc_bwe_trend_init(struct rtc_bwe_trend *t);
/** A packet that came, in the order of sending. */
void rtc_bwe_trend_add(struct rtc_bwe_trend *t, int64_t sent_us, int64_t arrived_us);
/** Begins the line anew; the threshold stays. */
void rtc_bwe_trend_forget(struct rtc_bwe_trend *t);

#endif
