/* Bytes in buckets of arrival time. */
#include "rtc/bwe_acked.h"

#define BITS   8
#define SEC_US 1000000

static uint32_t *bucket(struct rtc_bwe_acked *a, int64_t at) {
    return &a->bytes[(uint64_t)at % RTC_BWE_ACKED_BUCKETS];
}

static void advance(struct rtc_bwe_acked *a, int64_t at) {
    int64_t from = a->newest + 1;
    if (at - from >= RTC_BWE_ACKED_BUCKETS) { /* nothing came for the whole window */
        from = at - RTC_BWE_ACKED_BUCKETS + 1;
    }
    for (int64_t i = from; i <= at; i++) {
        *bucket(a, i) = 0;
    }
    a->newest = at;
    if (a->first <= at - RTC_BWE_ACKED_BUCKETS) {
        a->first = at - RTC_BWE_ACKED_BUCKETS + 1;
    }
}

void rtc_bwe_acked_add(struct rtc_bwe_acked *a, size_t size, int64_t arrived_us) {
    int64_t at = arrived_us / RTC_BWE_ACKED_BUCKET_US;
    if (!a->any) {
        *a = (struct rtc_bwe_acked){ .any = true, .first = at, .newest = at };
    } else if (at > a->newest) {
        advance(a, at);
    } else if (at < a->first) {
        return;
    }
    *bucket(a, at) += (uint32_t)size;
    a->newest_us = arrived_us > a->newest_us ? arrived_us : a->newest_us;
}

uint64_t rtc_bwe_acked_bps(const struct rtc_bwe_acked *a) {
    int64_t span_us = a->newest_us - a->first * RTC_BWE_ACKED_BUCKET_US;
    if (!a->any || span_us < RTC_BWE_ACKED_LEAST_US) {
        return 0;
    }
    uint64_t bytes = 0;
    for (unsigned i = 0; i < RTC_BWE_ACKED_BUCKETS; i++) {
        bytes += a->bytes[i];
    }
    return bytes * BITS * SEC_US / (uint64_t)span_us;
}
