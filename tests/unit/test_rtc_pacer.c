/* When may the next packet leave? */
#include "rtc/pacer.h"
#include "test.h"

#define MS   INT64_C(1000)
#define RATE 800000        /* bits a second: 1,000 bytes take 10 ms */
#define SIZE INT64_C(1000) /* bytes */
#define NOW  (INT64_C(5000) * MS)

TEST(rtc_pacer, without_a_rate_nothing_waits) {
    struct rtc_pacer p = { 0 };
    for (int i = 0; i < 1000; i++) {
        CHECK(rtc_pacer_may(&p, NOW));
        rtc_pacer_sent(&p, SIZE, NOW);
    }
    CHECK_INT(0, rtc_pacer_next_us(&p));
}

/* How many of a burst leave at once, and when the next does. */
TEST(rtc_pacer, a_burst_leaves_as_far_as_a_picture_time_makes_up_for_it) {
    static const struct {
        const char *name;
        uint64_t bps;
        size_t size;
        unsigned at_once;
    } rows[] = {
        { "four of 10 ms, and the one that crosses the line", RATE, SIZE, 5 },
        { "one that takes longer than all of it", 8000, SIZE, 1 },
        { "small ones", RATE, 100, 41 },
        { "a wide way", 80000000, SIZE, 401 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_pacer p = { .bps = r->bps };
        unsigned n = 0;
        while (rtc_pacer_may(&p, NOW) && n < 1000) {
            rtc_pacer_sent(&p, r->size, NOW);
            n++;
        }
        CHECK_INT(r->at_once, n);
        int64_t next_us = rtc_pacer_next_us(&p);
        CHECK(next_us > NOW && !rtc_pacer_may(&p, next_us - 1) && rtc_pacer_may(&p, next_us));
    }
}

TEST(rtc_pacer, in_the_long_run_the_rate_is_kept) {
    struct rtc_pacer p = { .bps = RATE };
    size_t sent = 0;
    for (int64_t us = 0; us < 10000 * MS; us += MS) {
        while (rtc_pacer_may(&p, NOW + us)) {
            rtc_pacer_sent(&p, SIZE, NOW + us);
            sent += SIZE;
        }
    }
    size_t ten_seconds = RATE / 8 * 10, burst = RATE / 1000 * (RTC_PACER_BURST_US / 1000) / 8;
    CHECK(sent >= ten_seconds && sent <= ten_seconds + burst + SIZE);
}

TEST(rtc_pacer, who_was_silent_has_saved_nothing) {
    struct rtc_pacer p = { .bps = RATE };
    rtc_pacer_sent(&p, SIZE, NOW);
    int64_t later_us = NOW + 60000 * MS;
    unsigned n = 0;
    while (rtc_pacer_may(&p, later_us)) {
        rtc_pacer_sent(&p, SIZE, later_us);
        n++;
    }
    CHECK_INT(5, n); /* as at the beginning */
}

TEST(rtc_pacer, what_waits_leaves_within_its_time_whatever_the_rate) {
    static const uint64_t rates[] = { 8000, 100000, RATE };
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        struct rtc_pacer p = { .bps = rates[i] };
        enum { N = 100 };
        for (int k = 0; k < N; k++) {
            rtc_pacer_waits(&p, SIZE);
        }
        int64_t us = 0;
        for (int k = 0; k < N; us += MS) {
            while (k < N && rtc_pacer_may(&p, NOW + us)) {
                rtc_pacer_sent(&p, SIZE, NOW + us);
                rtc_pacer_waited(&p, SIZE);
                k++;
            }
            if (us > 60000 * MS) {
                CHECK(false);
                return;
            }
        }
        CHECK_INT(0, p.waiting);
        CHECK(us > RTC_PACER_WAIT_US - RTC_PACER_BURST_US - 10 * MS);
        CHECK(us <= RTC_PACER_WAIT_US + 10 * MS);
        rtc_pacer_sent(&p, SIZE, NOW + us); /* nothing waits: the rate holds again */
        CHECK(p.paid_us >= NOW + us + SIZE * 8000000 / (int64_t)rates[i]);
    }
}

TEST(rtc_pacer, another_rate_holds_from_the_next_packet_on) {
    struct rtc_pacer p = { .bps = RATE };
    rtc_pacer_sent(&p, SIZE, NOW);
    CHECK_INT(NOW + 10 * MS, p.paid_us);
    p.bps = RATE * 2;
    rtc_pacer_sent(&p, SIZE, NOW);
    CHECK_INT(NOW + 15 * MS, p.paid_us);
    p.bps = 0;
    CHECK(rtc_pacer_may(&p, NOW));
    CHECK_INT(0, rtc_pacer_next_us(&p));
}
