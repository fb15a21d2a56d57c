/* Round-trip times from echoes, and the units that they come in. */
#include "test.h"

#include "rtc/ntp.h"
#include "rtc/rtt.h"

TEST(rtc_rtt, finds_the_report_that_is_echoed) {
    static const struct {
        const char *name;
        uint32_t lsr, dlsr;
        int64_t now_us;
        bool want;
        int64_t rtt_us;
    } rows[] = {
        { "the second", 2, 65536, 6100000, true, 100000 },
        { "the first, with a longer delay", 1, 2 * 65536, 4050000, true, 50000 },
        { "none", 0, 0, 6100000, false, 0 },
        { "one that was never sent", 9, 0, 6100000, false, 0 },
        { "a delay longer than the time", 2, 65536 * 9, 6100000, false, 0 },
        { "a delay a trifle too long", 2, 65536, 5999500, true, 1 },
        { "an RTT that cannot be", 2, 0, 99000000, false, 0 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_rtt t = { .next = 0 };
        ROW(r->name);
        rtc_rtt_sent(&t, UINT64_C(1) << 16, 2000000);
        rtc_rtt_sent(&t, UINT64_C(2) << 16, 5000000);
        CHECK_INT(r->want, rtc_rtt_echoed(&t, r->lsr, r->dlsr, r->now_us));
        CHECK_INT(r->rtt_us, t.last_us);
        CHECK_INT(r->rtt_us, t.smooth_us);
    }
}

TEST(rtc_rtt, smooths_and_forgets_old_reports) {
    struct rtc_rtt t = { .next = 0 };
    for (uint64_t i = 1; i <= RTC_RTT_SENT + 1; i++) {
        rtc_rtt_sent(&t, i << 16, 0);
    }
    CHECK(!rtc_rtt_echoed(&t, 1, 0, 1000));
    CHECK(rtc_rtt_echoed(&t, 2, 0, 80000) && t.smooth_us == 80000);
    CHECK(rtc_rtt_echoed(&t, 3, 0, 160000) && t.smooth_us == 90000 && t.last_us == 160000);
}

TEST(rtc_ntp, converts) {
    static const struct {
        const char *name;
        int64_t us, ntp;
    } rows[] = {
        { "zero", 0, 0 },
        { "a second", 1000000, INT64_C(1) << 32 },
        { "half a second before", -500000, -(INT64_C(1) << 31) },
        { "a day and a quarter of a second", INT64_C(86400250000),
            (INT64_C(86400) << 32) + (INT64_C(1) << 30) },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->ntp, rtc_us_to_ntp(r->us));
        CHECK_INT(r->us, rtc_ntp_to_us(r->ntp));
    }
    for (int64_t us = -3000000; us < 3000000; us += 997) {
        CHECK_INT(us, rtc_ntp_to_us(rtc_us_to_ntp(us)));
    }
    CHECK(rtc_ntp_of_unix(0) == UINT64_C(0x83AA7E8000000000));
    CHECK_INT(0x7E801234, rtc_ntp_middle(UINT64_C(0x83AA7E8012345678)));
}

TEST(rtc_ntp, bounds_delays) {
    CHECK_INT(0, rtc_us_to_short(-1));
    CHECK_INT(65536 + 32768, rtc_us_to_short(1500000));
    CHECK_INT(UINT32_MAX, rtc_us_to_short(INT64_C(70000) * 1000000));
    CHECK_INT(1500000, rtc_short_to_us(65536 + 32768));
    CHECK_INT(90000, rtc_us_to_ticks(1000000, 90000));
    CHECK_INT(INT64_C(90000) * 86400 * 365, rtc_us_to_ticks(INT64_C(86400000000) * 365, 90000));
}
