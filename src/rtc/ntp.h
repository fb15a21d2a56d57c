/*
 * NTP times (RFC 3550, 4: seconds since 1900 in the upper 32 bits, their fraction in the lower),
 * their middle 32 bits ("short", 1/65,536 s, as reports echo them), and ticks of an RTP clock.
 * Thread: any; pure.
 */
#ifndef RTC_NTP_H
#define RTC_NTP_H

#include <stdint.h>

#define RTC_NTP_UNIX INT64_C(2208988800) /* seconds between 1900 and 1970 */

/** A difference of microseconds as one of NTP time; both may be negative. Within 68 years. */
static inline int64_t rtc_us_to_ntp(int64_t us) {
    int64_t seconds = us / 1000000;
    int64_t rest = us % 1000000;
    return seconds * (INT64_C(1) << 32) + rest * (INT64_C(1) << 32) / 1000000;
}

/** The other way, rounded to the nearest microsecond. */
static inline int64_t rtc_ntp_to_us(int64_t ntp) {
    int64_t seconds = ntp / (INT64_C(1) << 32);
    int64_t rest = ntp % (INT64_C(1) << 32);
    int64_t half = rest < 0 ? -(INT64_C(1) << 31) : INT64_C(1) << 31;
    return seconds * 1000000 + (rest * 1000000 + half) / (INT64_C(1) << 32);
}

/** The NTP time of microseconds since 1970. */
static inline uint64_t rtc_ntp_of_unix(int64_t unix_us) {
    return ((uint64_t)RTC_NTP_UNIX << 32) + (uint64_t)rtc_us_to_ntp(unix_us);
}

static inline uint32_t rtc_ntp_middle(uint64_t ntp) {
    return (uint32_t)(ntp >> 16);
}

/** A delay in 1/65,536 s: 0 for less than nothing, the most for more than 18 hours. */
static inline uint32_t rtc_us_to_short(int64_t us) {
    int64_t units = us < 0 ? 0 : us / 1000000 * 65536 + us % 1000000 * 65536 / 1000000;
    return units > UINT32_MAX ? UINT32_MAX : (uint32_t)units;
}

static inline int64_t rtc_short_to_us(uint32_t units) {
    return (int64_t)units * 1000000 / 65536;
}

/** Ticks of a clock of `rate` Hz in that time; wrap it to 32 bits for a timestamp. */
static inline int64_t rtc_us_to_ticks(int64_t us, uint32_t rate) {
    return us / 1000000 * rate + us % 1000000 * rate / 1000000;
}

#endif
