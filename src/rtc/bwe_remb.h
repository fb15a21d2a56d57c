/*
 * The receiver's own estimate (REMB), and what is sent besides so that it can rise: receivers raise
 * it to half as much again as what comes, and no further. Where a low layer is all that fits, the
 * next one is seldom so near.
 *
 *     useful   ---------------------
 *     REMB     ...............           up to the lower of both,
 *     padding  :::::::::::::::           besides what the videos have,
 *     videos   ========                  while there is more to be had
 *
 * When it falls nothing is added for a while: the queue that was found must empty, and sound waits
 * behind it.
 *
 * Thread: any; pure.  See: draft-alvestrand-rmcat-remb-03; draft-ietf-rmcat-gcc-02, 5.5.
 */
#ifndef RTC_BWE_REMB_H
#define RTC_BWE_REMB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_BWE_REMB_US      10000000 /* a REMB holds so long: clients send one a second */
#define RTC_BWE_REST_US      1000000  /* nothing is added for so long after a fall */
#define RTC_BWE_REST_MOST_US 4000000  /* and longer, up to this, while it gets no further */
/* What is sent grows by so much a second, a receiver's estimate by 8 mostly (the draft): else one
 * that jumped would fill a queue before the next says so. */
#define RTC_BWE_RAMP_PERCENT  25
#define RTC_BWE_RAMP_FROM_BPS 100000 /* at least, where all is paused */

/** Zero it to begin. */
struct rtc_bwe_remb {
    uint64_t bps;
    int64_t came_us;     /* 0 = never */
    uint64_t spent_bps;  /* of videos; RTC_BWE_NONE = all there is to have */
    uint64_t sent_bps;   /* of videos and what is added */
    uint64_t fell_bps;   /* from here it fell */
    int64_t rest_us;     /* nothing is added before then */
    int64_t rest_for_us; /* after the next fall */
    int64_t reckoned_us; /* until then, what should be added is in `due`; 0 = nothing goes on */
    int64_t due;         /* bytes; below 0, the last packet was more */
};

void rtc_bwe_remb_take(struct rtc_bwe_remb *r, uint64_t bps, int64_t now_us);
/** RTC_BWE_NONE: none was said, or too long ago. */
uint64_t rtc_bwe_remb_bps(const struct rtc_bwe_remb *r, int64_t now_us);

/** Reckons what should be added by now. Gives when to call again; INT64_MAX = when something has
 * changed. */
int64_t rtc_bwe_remb_tick(struct rtc_bwe_remb *r, uint64_t useful_bps, int64_t now_us);
/** So many bytes were added; 0 = nothing can be, just now. */
void rtc_bwe_remb_padded(struct rtc_bwe_remb *r, size_t bytes, int64_t now_us);

#endif
