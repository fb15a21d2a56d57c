/*
 * Whose queue is it? Ours empties when we send less. One that somebody else fills (a large
 * download: TCP) does not: who sends less and less for it starves, and nobody waits the less. So
 * where a queue stands, less is sent for a moment. If that does not empty it, it is another's, and
 * for a while no reason to send less. (Copa tells its rivals apart in a like way: NSDI 2018, 2.2.)
 *
 *     queue  ____.-------.____       ____.------------------
 *     sent   """"""""""""____""      """""""""""""____"""""""
 *            watched     tried       watched      tried  another's
 *
 * Thread: any; pure.
 */
#ifndef RTC_BWE_RIVAL_H
#define RTC_BWE_RIVAL_H

#include <stdbool.h>
#include <stdint.h>

#define RTC_BWE_RIVAL_WINDOW_US    3000000  /* longer than TCP takes from loss to loss, mostly */
#define RTC_BWE_RIVAL_STANDING_US  25000    /* all the window: packets wait so long at least */
#define RTC_BWE_RIVAL_LESS_PERCENT 70       /* so much is sent of what arrives, to try */
#define RTC_BWE_RIVAL_US           20000000 /* then it is tried again */

/** Zero it to begin. */
struct rtc_bwe_rival {
    enum rtc_bwe_rival_state {
        RTC_BWE_RIVAL_WATCH,
        RTC_BWE_RIVAL_TRY,
        RTC_BWE_RIVAL_THERE, /* it is another's */
    } state;
    int64_t begun_us;            /* of the window, or of the state */
    int64_t least_us;            /* queue: least of the window */
    int64_t before_us;           /* and of the one before the trial */
    double acked_sum, acked_bps; /* what arrived: in the window, and before the trial */
    uint32_t n;
};

/** After each report. */
void rtc_bwe_rival_note(
    struct rtc_bwe_rival *r, int64_t queue_us, uint64_t acked_bps, int64_t now_us);
/** What of `bps` may be sent, while it is tried whether that helps. */
uint64_t rtc_bwe_rival_bps(const struct rtc_bwe_rival *r, uint64_t bps);

#endif
