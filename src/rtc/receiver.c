/* Receiver statistics: RFC 3550, A.1 (validity), A.3 (loss), A.8 (jitter). */
#include "rtc/receiver.h"

#include "rtc/ntp.h"
#include "rtc/seq.h"

#include <string.h>

#define FIRST_CYCLE INT64_C(0x10000) /* so that what comes before the first is not negative */

_Static_assert(sizeof(struct rtc_receiver) <= 96, "the header says so");

void rtc_receiver_init(struct rtc_receiver *r, uint32_t ssrc, uint32_t clock_rate) {
    memset(r, 0, sizeof(*r));
    r->ssrc = ssrc;
    r->clock_rate = clock_rate;
}

static void begin_at(struct rtc_receiver *r, uint16_t seq) {
    r->base = FIRST_CYCLE + seq;
    r->highest = r->base;
    r->received = 0;
    r->expected_prior = 0;
    r->received_prior = 0;
    r->jitter_x16 = 0;
    r->transit = 0;
    r->any = true;
    r->bad_any = false;
}

/* Two numbers in a row behind a jump: the source began anew. One alone is stray. */
static bool restarts(struct rtc_receiver *r, uint16_t seq) {
    bool confirmed = r->bad_any && seq == r->bad_seq;
    r->bad_any = true;
    r->bad_seq = (uint16_t)(seq + 1);
    return confirmed;
}

/* By the first packet of each timestamp: those of one frame leave one behind the other, and late
 * ones are resends. */
static void book_jitter(struct rtc_receiver *r, uint32_t ts, int64_t now_us) {
    if (r->received > 1 && !rtc_ts_newer(ts, r->last_ts)) {
        return;
    }
    int64_t arrival = rtc_us_to_ticks(now_us, r->clock_rate);
    uint32_t transit = (uint32_t)(uint64_t)arrival - ts;
    if (r->received > 1) {
        int64_t d = rtc_ts_diff(transit, r->transit);
        d = d < 0 ? -d : d;
        r->jitter_x16 = (uint32_t)(r->jitter_x16 + d - ((r->jitter_x16 + 8) >> 4));
    }
    r->transit = transit;
    r->last_ts = ts;
}

bool rtc_receiver_packet(
    struct rtc_receiver *r, uint16_t seq, uint32_t ts, int64_t now_us, int64_t *ret_seq) {
    if (!r->any) {
        begin_at(r, seq);
    }
    int64_t at = rtc_seq_extend(r->highest, seq);
    int64_t ahead = at - r->highest;
    if (ahead >= RTC_RECEIVER_DROPOUT_MAX || ahead <= -RTC_RECEIVER_MISORDER_MAX) {
        if (!restarts(r, seq)) {
            return false;
        }
        begin_at(r, seq);
        r->has_sr = false; /* its timestamps may have begun anew, too */
        at = r->base;
    }
    r->bad_any = false;
    r->highest = at > r->highest ? at : r->highest;
    r->received++;
    book_jitter(r, ts, now_us);
    *ret_seq = at;
    return true;
}

void rtc_receiver_recovered(struct rtc_receiver *r) {
    r->received++;
}

void rtc_receiver_sr(struct rtc_receiver *r, const struct rtc_rtcp_sr *sr, int64_t now_us) {
    r->sr_ntp = sr->ntp;
    r->sr_rtp_ts = sr->rtp_ts;
    r->sr_arrived_us = now_us;
    r->has_sr = true;
}

/* Of 256; repeats can make it less than nothing, which is nothing. */
static uint8_t fraction(int64_t lost, int64_t expected) {
    return lost <= 0 || expected <= 0 ? 0
                                      : (uint8_t)(lost >= expected ? 255 : lost * 256 / expected);
}

bool rtc_receiver_report(struct rtc_receiver *r, int64_t now_us, struct rtc_rtcp_block *ret) {
    if (!r->any) {
        return false;
    }
    int64_t expected = r->highest - r->base + 1;
    int64_t lost = expected - (int64_t)r->received;
    int64_t since = expected - r->expected_prior;
    int64_t lost_since = since - (int64_t)(r->received - r->received_prior);
    r->expected_prior = expected;
    r->received_prior = r->received;
    *ret = (struct rtc_rtcp_block){
        .ssrc = r->ssrc,
        .fraction_lost = fraction(lost_since, since),
        .lost = (int32_t)(lost > INT32_MAX   ? INT32_MAX
                          : lost < INT32_MIN ? INT32_MIN
                                             : lost),
        .highest_seq = (uint32_t)(uint64_t)(r->highest - FIRST_CYCLE),
        .jitter = r->jitter_x16 >> 4,
        .lsr = r->has_sr ? rtc_ntp_middle(r->sr_ntp) : 0,
        .dlsr = r->has_sr ? rtc_us_to_short(now_us - r->sr_arrived_us) : 0,
    };
    return true;
}

double rtc_receiver_jitter_ms(const struct rtc_receiver *r) {
    return r->clock_rate == 0 ? 0 : (r->jitter_x16 / 16.0) * 1000.0 / r->clock_rate;
}

bool rtc_receiver_ntp_of(const struct rtc_receiver *r, uint32_t ts, uint64_t *ret_ntp) {
    if (!r->has_sr || r->clock_rate == 0) {
        return false;
    }
    int64_t ticks = rtc_ts_diff(ts, r->sr_rtp_ts);
    *ret_ntp = r->sr_ntp + (uint64_t)rtc_us_to_ntp(ticks * 1000000 / r->clock_rate);
    return true;
}
