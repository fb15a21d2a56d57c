/*
 * When may the next packet leave? A bucket that fills at a rate: whoever stays below the rate never
 * waits, bursts leave at once as long as the rate makes up for them in RTC_PACER_BURST_US.
 *
 *     sent  ####  ########                    the third burst is too long: its end waits
 *     left  ####  ####|#|#|#|
 *
 * Thread: any; pure. Zeroed = no rate, nothing waits.
 */
#ifndef RTC_PACER_H
#define RTC_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_PACER_BURST_US 40000 /* a picture, sent in the time between two */
/* Whatever the rate: what waits leaves within so long. Where more comes all the time than the rate
 * lets through, the sender is told elsewhere to send less. */
#define RTC_PACER_WAIT_US 300000

struct rtc_pacer {
    uint64_t bps;       /* 0 = nothing waits */
    int64_t paid_us;    /* what has left is made up for then */
    uint64_t waiting;   /* bytes */
    uint64_t least_bps; /* so that the most that has waited leaves in time, until nothing does */
};

static inline bool rtc_pacer_may(const struct rtc_pacer *p, int64_t now_us) {
    return p->bps == 0 || p->paid_us <= now_us + RTC_PACER_BURST_US;
}

/** A packet of `size` bytes waits. */
static inline void rtc_pacer_waits(struct rtc_pacer *p, size_t size) {
    p->waiting += size;
    uint64_t bps = p->waiting * 8000000 / RTC_PACER_WAIT_US;
    p->least_bps = bps > p->least_bps ? bps : p->least_bps;
}

/** One that waited does not any more: it leaves, or is dropped. */
static inline void rtc_pacer_waited(struct rtc_pacer *p, size_t size) {
    p->waiting -= size;
    p->least_bps = p->waiting == 0 ? 0 : p->least_bps;
}

/** A packet of `size` bytes leaves. */
static inline void rtc_pacer_sent(struct rtc_pacer *p, size_t size, int64_t now_us) {
    if (p->bps != 0) {
        int64_t from_us = p->paid_us > now_us ? p->paid_us : now_us;
        p->paid_us =
            from_us + (int64_t)(size * 8000000 / (p->bps > p->least_bps ? p->bps : p->least_bps));
    }
}

/** When the next may leave. */
static inline int64_t rtc_pacer_next_us(const struct rtc_pacer *p) {
    return p->bps == 0 ? 0 : p->paid_us - RTC_PACER_BURST_US;
}

#endif
