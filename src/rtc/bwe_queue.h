/*
 * How long packets wait on the way: their delay, above the least that was seen lately. The two
 * clocks have nothing to do with each other, only differences count. The trend (rtc/bwe_trend) sees
 * a queue that grows; this sees one that stands, and one that grows faster than a line can be
 * drawn. And how much delays differ from packet to packet, as in RFC 3550, 6.4.1.
 *
 * Thread: any; pure.
 */
#ifndef RTC_BWE_QUEUE_H
#define RTC_BWE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define RTC_BWE_QUEUE_BASE_US 30000000 /* the least delay of so long is the empty way's */
/* One packet's delay is jitter; of several, the least is the queue's. A slow stream's reports are
 * put together, for so long. */
#define RTC_BWE_QUEUE_PACKETS 8
#define RTC_BWE_QUEUE_WAIT_US 400000

/** Zero it to begin. */
struct rtc_bwe_queue {
    int64_t least_us[2];        /* of the running half of the window, and of the one before */
    int64_t half_us;            /* when the running half began */
    int64_t few_us;             /* the least of the few that are being gathered */
    int64_t gather_us;          /* since when they are */
    int64_t now_us;             /* how long packets waited lately */
    int64_t before_us;          /* and before that */
    int64_t jitter_us, last_us; /* mean difference of delays; the last delay */
    unsigned few;
    bool any;
};

/** A packet that came. */
void rtc_bwe_queue_add(struct rtc_bwe_queue *q, int64_t sent_us, int64_t arrived_us);
/** A report has been read. */
void rtc_bwe_queue_end(struct rtc_bwe_queue *q, int64_t now_us);

#endif
