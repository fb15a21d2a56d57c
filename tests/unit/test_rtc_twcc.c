/* The books of both ends of transport-wide congestion control, one against the other. */
#include "test.h"

#include "rtc/rtcpfb.h"
#include "rtc/twcc.h"
#include "rtc/twcc_fb.h"

#include <string.h>

#define START_US (INT64_C(5000) * 1000000)

static size_t report(struct rtc_twcc_rx *rx, struct rtc_twcc_tx *tx, int64_t now_us,
    struct rtc_twcc_result *ret, size_t cap) {
    uint8_t out[1200];
    size_t n = 0;
    for (;;) {
        struct wr w = wr_make(out, sizeof(out));
        struct rtc_rtcp_part part;
        struct rtc_rtcpfb fb;
        if (!rtc_twcc_rx_write(rx, &w, 1, 2, now_us)) {
            return n;
        }
        struct cur c = cur_make(out, wr_len(&w));
        if (!rtc_rtcp_check(c) || !rtc_rtcp_next(&c, &part) || !rtc_rtcpfb_read(&part, &fb)) {
            CHECK(false);
            return n;
        }
        n += rtc_twcc_tx_feedback(tx, fb.fci, now_us, ret + n, cap - n);
    }
}

TEST(rtc_twcc, tells_the_sender_what_came_and_when) {
    struct rtc_twcc_rx rx = { 0 };
    struct rtc_twcc_tx *tx = NULL;
    struct rtc_twcc_result got[40];
    int64_t now = START_US;
    CHECK_ERR(OK, rtc_twcc_tx_create(1024, &tx));
    for (int i = 0; i < 40; i++, now += 5000) {
        uint16_t seq = rtc_twcc_tx_sent(tx, 1000U + (size_t)i, (uint16_t)(i % 3), now);
        if (i % 10 != 4) {
            rtc_twcc_rx_arrived(&rx, seq, now + 20000 + i * 250);
        }
    }
    CHECK(rtc_twcc_rx_due(&rx, now));
    CHECK_INT(40, report(&rx, tx, now, got, 40));
    for (int i = 0; i < 40; i++) {
        CHECK_INT(i % 10 != 4, got[i].received);
        CHECK_INT(1000 + i, got[i].size);
        CHECK_INT(i % 3, got[i].tag);
        CHECK_INT(START_US + 5000 * i, got[i].sent_us);
        CHECK(!got[i].received || i == 0 ||
              got[i].arrived_us - got[0].arrived_us == i * INT64_C(5250));
    }
    CHECK(!rtc_twcc_rx_due(&rx, now + 1000000));
    rtc_twcc_tx_destroy(tx);
}

TEST(rtc_twcc, follows_through_every_wrap) {
    struct rtc_twcc_rx rx = { 0 };
    struct rtc_twcc_tx *tx = NULL;
    struct rtc_twcc_result got[300];
    /* The low 32 bits of microseconds wrap after 71 minutes; ticks and references after 12 days. */
    int64_t now = (INT64_C(1) << 32) * 250 - INT64_C(100) * 1000000;
    size_t told = 0;
    CHECK_ERR(OK, rtc_twcc_tx_create(1024, &tx));
    for (int i = 0; i < 200000; i++, now += 1000) {
        uint16_t seq = rtc_twcc_tx_sent(tx, 100, 0, now);
        rtc_twcc_rx_arrived(&rx, seq, now);
        if (rtc_twcc_rx_due(&rx, now)) {
            size_t n = report(&rx, tx, now, got, 300);
            for (size_t k = 0; k < n; k++) {
                int64_t off = got[k].arrived_us - got[k].sent_us;
                if (!got[k].received || off > 250 || off < -250 ||
                    got[k].seq != (int64_t)(told + k)) {
                    CHECK_INT(-1, i);
                    rtc_twcc_tx_destroy(tx);
                    return;
                }
            }
            told += n;
        }
    }
    CHECK(told > 199000);
    rtc_twcc_tx_destroy(tx);
}

TEST(rtc_twcc, one_that_comes_late_is_told_after_all) {
    struct rtc_twcc_rx rx = { 0 };
    struct rtc_twcc_tx *tx = NULL;
    struct rtc_twcc_result got[10];
    CHECK_ERR(OK, rtc_twcc_tx_create(16, &tx));
    for (int i = 0; i < 5; i++) {
        uint16_t seq = rtc_twcc_tx_sent(tx, 100, 0, START_US);
        if (seq != 2) {
            rtc_twcc_rx_arrived(&rx, seq, START_US);
        }
    }
    CHECK_INT(5, report(&rx, tx, START_US + 100000, got, 10));
    CHECK(!got[2].received);
    rtc_twcc_rx_arrived(&rx, 2, START_US + 150000);
    CHECK(rtc_twcc_rx_due(&rx, START_US + 200000));
    CHECK_INT(1, report(&rx, tx, START_US + 200000, got, 10)); /* the others were told already */
    CHECK(got[0].received && got[0].seq == 2);
    rtc_twcc_rx_arrived(&rx, 2, START_US + 250000); /* once more: nothing new */
    CHECK(!rtc_twcc_rx_due(&rx, START_US + 900000));
    rtc_twcc_tx_destroy(tx);
}

TEST(rtc_twcc, feedback_is_due_in_time) {
    struct rtc_twcc_rx rx = { 0 };
    CHECK(!rtc_twcc_rx_due(&rx, START_US));
    rtc_twcc_rx_arrived(&rx, 65500, START_US);
    CHECK(!rtc_twcc_rx_due(&rx, START_US + RTC_TWCC_INTERVAL_US - 1));
    CHECK(rtc_twcc_rx_due(&rx, START_US + RTC_TWCC_INTERVAL_US));
    for (int i = 1; i < RTC_TWCC_EARLY - 1; i++) {
        rtc_twcc_rx_arrived(&rx, (uint16_t)(65500 + i), START_US);
    }
    CHECK(!rtc_twcc_rx_due(&rx, START_US));
    rtc_twcc_rx_arrived(&rx, (uint16_t)(65500 + RTC_TWCC_EARLY - 1), START_US);
    CHECK(rtc_twcc_rx_due(&rx, START_US));
}

/* Packets that the next feedbacks speak of. */
static size_t reported(struct rtc_twcc_rx *rx, int64_t now_us) {
    uint8_t out[1200];
    size_t n = 0;
    for (;;) {
        struct wr w = wr_make(out, sizeof(out));
        struct rtc_twcc_fb fb;
        if (!rtc_twcc_rx_write(rx, &w, 1, 2, now_us)) {
            return n;
        }
        CHECK(rtc_twcc_fb_read(cur_make(out + 12, wr_len(&w) - 12), &fb));
        n += fb.left;
    }
}

TEST(rtc_twcc, jumps_leave_the_window_behind) {
    static const struct {
        const char *name;
        uint16_t jump;
        size_t want;
    } rows[] = {
        { "next", 1, 2 },
        { "within", 500, 501 },
        { "the whole window", RTC_TWCC_WINDOW - 1, RTC_TWCC_WINDOW },
        { "beyond", RTC_TWCC_WINDOW, 1 },
        { "far beyond", 30000, 1 },
        { "the one before", (uint16_t)-1, 2 },
        { "too old to be taken", 40000, 1 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_twcc_rx rx = { 0 };
        ROW(r->name);
        rtc_twcc_rx_arrived(&rx, 0, START_US);
        rtc_twcc_rx_arrived(&rx, r->jump, START_US + 1000);
        CHECK_INT(r->want, reported(&rx, START_US + 100000));
        CHECK_INT(0, reported(&rx, START_US + 200000));
    }
}

TEST(rtc_twcc, long_silence_makes_several_feedbacks) {
    struct rtc_twcc_rx rx = { 0 };
    uint8_t out[1200];
    struct wr w = wr_make(out, sizeof(out));
    rtc_twcc_rx_arrived(&rx, 0, START_US);
    rtc_twcc_rx_arrived(&rx, 1, START_US + INT64_C(9000000)); /* more than 8.19 s: two bytes */
    CHECK(rtc_twcc_rx_write(&rx, &w, 1, 2, START_US + INT64_C(9000000)));
    size_t first = wr_len(&w);
    CHECK(rtc_twcc_rx_write(&rx, &w, 1, 2, START_US + INT64_C(9000000)));
    CHECK(!rtc_twcc_rx_write(&rx, &w, 1, 2, START_US + INT64_C(9000000)));
    CHECK_INT(2 * first, wr_len(&w));
    CHECK(rtc_rtcp_check(cur_make(out, wr_len(&w))));
    CHECK_INT(out[19] + 1, out[first + 19]); /* the feedbacks count */
}

TEST(rtc_twcc, forgets_what_the_history_no_longer_holds) {
    static const uint8_t fci[] = { 0, 0, 0, 30, 0, 0, 1, 0, 0x20, 30, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    struct rtc_twcc_tx *tx = NULL;
    struct rtc_twcc_result got[40];
    CHECK_ERR(OK, rtc_twcc_tx_create(16, &tx));
    CHECK_INT(0, rtc_twcc_tx_feedback(tx, cur_make(fci, sizeof(fci)), START_US, got, 40));
    for (int i = 0; i < 20; i++) {
        (void)rtc_twcc_tx_sent(tx, 100000, 5, START_US);
    }
    CHECK_INT(16, rtc_twcc_tx_feedback(tx, cur_make(fci, sizeof(fci)), START_US, got, 40));
    CHECK_INT(4, got[0].seq);
    CHECK_INT(65535, got[0].size);
    CHECK_INT(0, rtc_twcc_tx_feedback(tx, cur_make(fci, sizeof(fci)), START_US, got, 40));
    CHECK_INT(0, rtc_twcc_tx_feedback(tx, cur_make(fci, 9), START_US, got, 40));
    rtc_twcc_tx_destroy(tx);
}

TEST(rtc_twcc, a_history_widens_where_more_is_under_way) {
    static const struct {
        const char *name;
        int before, told, after, held; /* packets: that left, that were told of, that left then */
    } rows[] = {
        { "half of it is under way", 20, 20, 8, 16 },
        { "more than half", 20, 20, 9, 32 },
        { "nothing was told of yet", 9, 0, 0, 32 },
        { "it is as wide as it may be", 0, 0, 40, 32 },
        { "nothing has left", 0, 0, 0, 16 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_twcc_rx rx = { 0 }, all = { 0 };
        struct rtc_twcc_tx *tx = NULL;
        struct rtc_twcc_result got[64];
        int64_t now = START_US;
        CHECK_ERR(OK, rtc_twcc_tx_create(16, &tx));
        for (int i = 0; i < r->before; i++) {
            uint16_t seq = rtc_twcc_tx_sent(tx, (size_t)i, 0, now);
            if (i < r->told) {
                rtc_twcc_rx_arrived(&rx, seq, now);
            }
        }
        (void)report(&rx, tx, now, got, COUNT_OF(got));
        for (int i = 0; i < r->after; i++) {
            (void)rtc_twcc_tx_sent(tx, (size_t)(r->before + i), 0, now);
        }
        rtc_twcc_tx_widen(&tx, 32);
        rtc_twcc_tx_widen(&tx, 32); /* not beyond */
        int left = r->before + r->after, known = left < 16 ? left : 16;
        for (; left - r->before - r->after < r->held - known; left++) { /* until it is full */
            (void)rtc_twcc_tx_sent(tx, (size_t)left, 0, now);
        }
        for (int i = 0; i < left; i++) {
            rtc_twcc_rx_arrived(&all, (uint16_t)i, now);
        }
        size_t n = report(&all, tx, now, got, COUNT_OF(got));
        size_t told = r->told > left - r->held ? (size_t)(r->told - (left - r->held)) : 0;
        CHECK_INT(r->held - (int)told, n);
        for (size_t i = 0; i < n; i++) { /* each what it was, and in its order */
            CHECK_INT(left - (int)n + (int)i, got[i].seq);
            CHECK_INT(got[i].seq, got[i].size);
        }
        rtc_twcc_tx_destroy(tx);
    }
}

TEST_ALLOC(rtc_twcc, survives_no_memory) {
    struct rtc_twcc_tx *tx = NULL;
    TRY(rtc_twcc_tx_create(64, &tx));
    for (int i = 0; i < 40; i++) {
        (void)rtc_twcc_tx_sent(tx, 100, 0, START_US);
    }
    rtc_twcc_tx_widen(&tx, 128);
    CHECK_INT(40, rtc_twcc_tx_sent(tx, 100, 0, START_US));
    rtc_twcc_tx_destroy(tx);
    rtc_twcc_tx_destroy(NULL);
    return OK;
}
