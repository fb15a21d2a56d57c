/* The least delay of a report, less the least of the window. */
#include "rtc/bwe_queue.h"

#define JITTER_DIVISOR 16 /* RFC 3550, 6.4.1 */

void rtc_bwe_queue_add(struct rtc_bwe_queue *q, int64_t sent_us, int64_t arrived_us) {
    int64_t delay_us = arrived_us - sent_us;
    if (q->few == 0 || delay_us < q->few_us) {
        q->few_us = delay_us;
    }
    q->few++;
    if (q->any) {
        int64_t off_us = delay_us > q->last_us ? delay_us - q->last_us : q->last_us - delay_us;
        q->jitter_us += (off_us - q->jitter_us) / JITTER_DIVISOR;
    }
    q->last_us = delay_us;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The first half of the window ends, and the second takes its place. */
static void turn_over(struct rtc_bwe_queue *q, int64_t now_us) {
    if (!q->any || now_us - q->half_us > RTC_BWE_QUEUE_BASE_US / 2) {
        q->least_us[1] = q->any ? q->least_us[0] : q->few_us;
        q->least_us[0] = q->few_us;
        q->half_us = now_us;
        q->any = true;
    }
}

void rtc_bwe_queue_end(struct rtc_bwe_queue *q, int64_t now_us) {
    bool enough = q->few >= RTC_BWE_QUEUE_PACKETS ||
                  (q->few > 0 && now_us - q->gather_us >= RTC_BWE_QUEUE_WAIT_US);
    if (!enough) {
        return;
    }
    turn_over(q, now_us);
    q->least_us[0] = least(q->least_us[0], q->few_us);
    q->before_us = q->now_us;
    q->now_us = q->few_us - least(q->least_us[0], q->least_us[1]);
    q->gather_us = now_us;
    q->few = 0;
}
