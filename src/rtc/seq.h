/*
 * Counters that wrap: sequence numbers (16 bits), timestamps (32), picture ids (7 or 15). The one
 * place that compares and extends them; whoever writes `a < b` for two such counters is wrong
 * twice a minute.
 *
 * Of two values, the newer is the one less than half the range ahead (RFC 1982); exactly half the
 * range apart, neither is.  Thread: any; pure.
 */
#ifndef RTC_SEQ_H
#define RTC_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/** a - b for counters of `bits` bits (1 to 32): -2^(bits-1) up to 2^(bits-1) - 1. */
static inline int32_t rtc_wrap_diff(uint32_t a, uint32_t b, unsigned bits) {
    int64_t range = INT64_C(1) << bits;
    int64_t ahead = (a - b) & (range - 1);
    return (int32_t)(ahead < range / 2 ? ahead : ahead - range);
}

/** The number nearest to `near` whose low `bits` bits are `low`. `near` may be negative. */
static inline int64_t rtc_wrap_extend(int64_t near, uint32_t low, unsigned bits) {
    return near + rtc_wrap_diff(low, (uint32_t)(uint64_t)near, bits);
}

/** a - b of two sequence numbers: how far a is ahead. */
static inline int32_t rtc_seq_diff(uint16_t a, uint16_t b) {
    return rtc_wrap_diff(a, b, 16);
}

/** Is `a` behind `b` in the order of sending? */
static inline bool rtc_seq_newer(uint16_t a, uint16_t b) {
    return rtc_seq_diff(a, b) > 0;
}

/** The extended number nearest to `near`, e.g. the highest so far. */
static inline int64_t rtc_seq_extend(int64_t near, uint16_t seq) {
    return rtc_wrap_extend(near, seq, 16);
}

/** a - b of two RTP timestamps, in ticks. */
static inline int32_t rtc_ts_diff(uint32_t a, uint32_t b) {
    return rtc_wrap_diff(a, b, 32);
}

static inline bool rtc_ts_newer(uint32_t a, uint32_t b) {
    return rtc_ts_diff(a, b) > 0;
}

static inline int64_t rtc_ts_extend(int64_t near, uint32_t ts) {
    return rtc_wrap_extend(near, ts, 32);
}

#endif
