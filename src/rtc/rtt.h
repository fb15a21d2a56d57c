/*
 * Round-trip times, from reports that echo a time of ours: LSR and DLSR of a report block answer a
 * sender report, DLRR answers an RRTR. The echo is looked up among the last few that we sent and
 * not computed: the sender reports that subscribers get carry their publisher's clock, not ours.
 *
 * Thread: any; the one that owns the stream. Nothing allocates.
 */
#ifndef RTC_RTT_H
#define RTC_RTT_H

#include <stdbool.h>
#include <stdint.h>

#define RTC_RTT_SENT   4 /* reports remembered: one every 3 s, an RTT is shorter */
#define RTC_RTT_MAX_US (INT64_C(20000000)) /* more is a peer that lies, or slept */

/** 80 bytes. Zero it to begin. */
struct rtc_rtt {
    int64_t sent_us[RTC_RTT_SENT];
    int64_t smooth_us; /* 0 = not known yet */
    int64_t last_us;
    uint32_t echo[RTC_RTT_SENT]; /* the middle of the NTP time; 0 = none */
    uint8_t next;
};

/** A report with this NTP time leaves now. */
void rtc_rtt_sent(struct rtc_rtt *r, uint64_t ntp, int64_t now_us);

/** An echo came: `lsr` and `dlsr` of a block, or `lrr` and `dlrr`. False when it is none of the
 * last few, or makes no sense; smooth_us (RFC 6298's 1/8) is then as it was. */
bool rtc_rtt_echoed(struct rtc_rtt *r, uint32_t lsr, uint32_t dlsr, int64_t now_us);

#endif
