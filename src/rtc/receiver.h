/*
 * The books of one stream that comes in: extended sequence numbers, loss and jitter for receiver
 * reports (RFC 3550, A.1, A.3, A.8), and the sender reports that tie its timestamps to a clock.
 *
 * Thread: any; the one that owns the stream. Nothing allocates.
 */
#ifndef RTC_RECEIVER_H
#define RTC_RECEIVER_H

#include "rtc/rtcp.h"

#include <stdbool.h>
#include <stdint.h>

/* Jumps that may be a source which began anew (RFC 3550, A.1). Behind: what SRTP's replay window
 * (decision 18) would not let through as a late packet; with less, two resends in a row would be
 * taken for a new beginning. */
#define RTC_RECEIVER_DROPOUT_MAX  3000 /* numbers ahead */
#define RTC_RECEIVER_MISORDER_MAX 1024 /* numbers behind */

/** 96 bytes a stream. rtc_receiver_init it. */
struct rtc_receiver {
    int64_t base; /* the first number, extended */
    int64_t highest;
    int64_t sr_arrived_us;
    uint64_t sr_ntp;
    uint64_t received;
    int64_t expected_prior;
    uint64_t received_prior;
    uint32_t sr_rtp_ts;
    uint32_t ssrc;
    uint32_t clock_rate;
    uint32_t jitter_x16; /* ticks, times 16 as in A.8 */
    uint32_t last_ts;
    uint32_t transit; /* ticks between sending and arrival, with an unknown constant */
    uint16_t bad_seq; /* the number that would confirm a jump */
    bool any, bad_any, has_sr;
};

void rtc_receiver_init(struct rtc_receiver *r, uint32_t ssrc, uint32_t clock_rate);

/**
 * A packet came; gives its extended number in `ret_seq`, which counts on from a value above 65,535.
 * False for a lone jump (RTC_RECEIVER_DROPOUT_MAX): stray, and counted nowhere; the next in order
 * behind it says that the source began anew, and the books begin again there.
 */
bool rtc_receiver_packet(
    struct rtc_receiver *r, uint16_t seq, uint32_t ts, int64_t now_us, int64_t *ret_seq);

/** A packet of RTX that was unwrapped: counts as received, but says nothing about jitter. */
void rtc_receiver_recovered(struct rtc_receiver *r);

void rtc_receiver_sr(struct rtc_receiver *r, const struct rtc_rtcp_sr *sr, int64_t now_us);

/** The block for the next report; false when nothing has come at all. Loss is that since the last
 * call. */
bool rtc_receiver_report(struct rtc_receiver *r, int64_t now_us, struct rtc_rtcp_block *ret);

/** Milliseconds of jitter, for statistics. */
double rtc_receiver_jitter_ms(const struct rtc_receiver *r);

/**
 * The NTP time, on the sender's clock, of a timestamp near the latest sender report: what lip-sync
 * and layer switches compare. False before the first report.
 */
bool rtc_receiver_ntp_of(const struct rtc_receiver *r, uint32_t ts, uint64_t *ret_ntp);

#endif
