/*
 * How fast packets arrived lately: bytes that the receiver has acknowledged, over a sliding window
 * of its own clock (draft-ietf-rmcat-gcc-02, 5.5: R_hat, over half a second to a second).
 *
 * Thread: any; pure.
 */
#ifndef RTC_BWE_ACKED_H
#define RTC_BWE_ACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_BWE_ACKED_BUCKET_US 25000
#define RTC_BWE_ACKED_BUCKETS   20     /* half a second: the draft, 5.5 */
#define RTC_BWE_ACKED_LEAST_US  150000 /* of packets, before there is an answer */

/** Zero it to begin. */
struct rtc_bwe_acked {
    int64_t first, newest; /* buckets: arrival / RTC_BWE_ACKED_BUCKET_US */
    int64_t newest_us;
    uint32_t bytes[RTC_BWE_ACKED_BUCKETS];
    bool any;
};

/** A packet of `size` bytes came at this time of the receiver's. */
void rtc_bwe_acked_add(struct rtc_bwe_acked *a, size_t size, int64_t arrived_us);

/** Bits per second; 0 = not known yet. */
uint64_t rtc_bwe_acked_bps(const struct rtc_bwe_acked *a);

#endif
