/* Loss, jitter, extended numbers and reports of one stream. */
#include "test.h"

#include "rtc/ntp.h"
#include "rtc/receiver.h"

#include <string.h>

#define FRAME_US    INT64_C(20000)
#define FRAME_TICKS 960

TEST(rtc_receiver, counts_loss_across_the_wrap) {
    static const struct {
        const char *name;
        uint16_t seq[8];
        size_t n;
        int32_t lost;
        uint8_t fraction;
        uint32_t highest;
    } rows[] = {
        { "none", { 10, 11, 12, 13 }, 4, 0, 0, 13 },
        { "half", { 10, 13 }, 2, 2, 128, 13 },
        { "wrap", { 65534, 65535, 0, 1 }, 4, 0, 0, 65536 + 1 },
        { "loss at the wrap", { 65534, 1 }, 2, 2, 128, 65536 + 1 },
        { "reordered", { 10, 12, 11, 13 }, 4, 0, 0, 13 },
        { "repeated", { 10, 11, 11, 11 }, 4, -2, 0, 11 },
        { "before the first", { 10, 9, 11 }, 3, -1, 0, 11 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_receiver v;
        struct rtc_rtcp_block b;
        int64_t seq;
        ROW(r->name);
        rtc_receiver_init(&v, 99, 48000);
        CHECK(!rtc_receiver_report(&v, 0, &b));
        for (size_t i = 0; i < r->n; i++) {
            CHECK(rtc_receiver_packet(&v, r->seq[i], 0, 0, &seq));
        }
        CHECK(rtc_receiver_report(&v, 0, &b));
        CHECK_INT(99, b.ssrc);
        CHECK_INT(r->lost, b.lost);
        CHECK_INT(r->fraction, b.fraction_lost);
        CHECK_INT(r->highest, b.highest_seq);
        CHECK(b.lsr == 0 && b.dlsr == 0);
        CHECK(rtc_receiver_report(&v, 0, &b));
        CHECK_INT(0, b.fraction_lost); /* nothing new since the last */
    }
}

TEST(rtc_receiver, resends_count_as_received) {
    struct rtc_receiver v;
    struct rtc_rtcp_block b;
    int64_t seq;
    rtc_receiver_init(&v, 1, 90000);
    CHECK(rtc_receiver_packet(&v, 1, 0, 0, &seq) && rtc_receiver_packet(&v, 4, 0, 0, &seq));
    rtc_receiver_recovered(&v);
    CHECK(rtc_receiver_report(&v, 0, &b));
    CHECK_INT(1, b.lost);
    CHECK_INT(64, b.fraction_lost);
}

TEST(rtc_receiver, extends_numbers_over_many_wraps) {
    struct rtc_receiver v;
    int64_t seq, before = 0;
    rtc_receiver_init(&v, 1, 90000);
    for (int64_t i = 65000; i < 300000; i++) {
        CHECK(rtc_receiver_packet(&v, (uint16_t)i, 0, 0, &seq));
        if (before != 0 && seq != before + 1) {
            CHECK_INT(before + 1, seq);
            return;
        }
        before = seq;
    }
}

TEST(rtc_receiver, a_jump_needs_a_second_packet) {
    struct rtc_receiver v;
    struct rtc_rtcp_block b;
    int64_t seq = 0;
    rtc_receiver_init(&v, 1, 90000);
    CHECK(rtc_receiver_packet(&v, 100, 0, 0, &seq));
    CHECK(!rtc_receiver_packet(&v, 100 + RTC_RECEIVER_DROPOUT_MAX, 0, 0, &seq));
    CHECK(rtc_receiver_packet(&v, 101, 0, 0, &seq)); /* the old ones go on: it was stray */
    CHECK(!rtc_receiver_packet(&v, 30000, 0, 0, &seq));
    CHECK(!rtc_receiver_packet(&v, 40000, 0, 0, &seq));
    CHECK(rtc_receiver_packet(&v, 40001, 0, 0, &seq));
    CHECK(rtc_receiver_report(&v, 0, &b));
    CHECK(b.highest_seq == 40001 && b.lost == 0);
    CHECK(rtc_receiver_packet(&v, 40001 - RTC_RECEIVER_MISORDER_MAX + 1, 0, 0, &seq));
    CHECK(!rtc_receiver_packet(&v, 40001 - RTC_RECEIVER_MISORDER_MAX, 0, 0, &seq));
    CHECK(!rtc_receiver_packet(&v, 5, 0, 0, &seq));
    CHECK(rtc_receiver_packet(&v, 6, 0, 0, &seq));
}

TEST(rtc_receiver, measures_jitter) {
    static const struct {
        const char *name;
        int64_t late_us; /* every other packet */
        uint32_t ts, least, most;
    } rows[] = {
        { "even", 0, 0, 0, 0 },
        { "even across the timestamp's wrap", 0, UINT32_MAX - 2000, 0, 0 },
        { "5 ms to and fro", 5000, 0, 225, 240 },
        { "5 ms across the wrap", 5000, UINT32_MAX - 48000, 225, 240 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_receiver v;
        struct rtc_rtcp_block b;
        int64_t seq, now = INT64_C(1) << 40;
        uint32_t ts = r->ts;
        ROW(r->name);
        rtc_receiver_init(&v, 1, 48000);
        for (uint16_t i = 0; i < 200; i++, now += FRAME_US, ts += FRAME_TICKS) {
            CHECK(rtc_receiver_packet(&v, i, ts, now + (i % 2 ? r->late_us : 0), &seq));
        }
        CHECK(rtc_receiver_report(&v, now, &b));
        CHECK(b.jitter >= r->least && b.jitter <= r->most);
        double ms = rtc_receiver_jitter_ms(&v);
        CHECK(ms >= r->least / 48.0 && ms <= (r->most + 1) / 48.0);
    }
}

TEST(rtc_receiver, packets_of_one_frame_are_no_jitter) {
    struct rtc_receiver v;
    struct rtc_rtcp_block b;
    int64_t seq, now = 0;
    rtc_receiver_init(&v, 1, 90000);
    for (uint16_t i = 0; i < 100; i++) {
        now += i % 10 == 0 ? 33333 - 9 * 500 : 500; /* ten packets a frame, paced */
        CHECK(rtc_receiver_packet(&v, i, i / 10 * 3000U, now, &seq));
    }
    CHECK(rtc_receiver_report(&v, now, &b));
    CHECK(b.jitter <= 10);
}

TEST(rtc_receiver, echoes_sender_reports) {
    struct rtc_receiver v;
    struct rtc_rtcp_block b;
    int64_t seq;
    const struct rtc_rtcp_sr sr = { .ntp = UINT64_C(0x1122334455667788), .rtp_ts = 1000 };
    rtc_receiver_init(&v, 1, 48000);
    rtc_receiver_sr(&v, &sr, 1000000);
    CHECK(!rtc_receiver_report(&v, 1000000, &b)); /* no packet yet */
    CHECK(rtc_receiver_packet(&v, 1, 0, 0, &seq));
    CHECK(rtc_receiver_report(&v, 3500000, &b));
    CHECK_INT(0x33445566, b.lsr);
    CHECK_INT(2 * 65536 + 32768, b.dlsr);
}

TEST(rtc_receiver, ties_timestamps_to_the_senders_clock) {
    static const struct {
        const char *name;
        uint32_t sr_ts, ts;
        int64_t want_us; /* from the report's time on */
    } rows[] = {
        { "at the report", 5000, 5000, 0 },
        { "a second later", 5000, 53000, 1000000 },
        { "half a second before", 48000, 24000, -500000 },
        { "later, over the wrap", UINT32_MAX - 23999, 24000, 1000000 },
        { "before, over the wrap", 24000, UINT32_MAX - 23999, -1000000 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_receiver v;
        uint64_t ntp;
        const struct rtc_rtcp_sr sr = { .ntp = UINT64_C(0xE000000000000000), .rtp_ts = r->sr_ts };
        ROW(r->name);
        rtc_receiver_init(&v, 1, 48000);
        CHECK(!rtc_receiver_ntp_of(&v, r->ts, &ntp));
        rtc_receiver_sr(&v, &sr, 0);
        CHECK(rtc_receiver_ntp_of(&v, r->ts, &ntp));
        CHECK_INT(r->want_us, rtc_ntp_to_us((int64_t)(ntp - sr.ntp)));
    }
}
