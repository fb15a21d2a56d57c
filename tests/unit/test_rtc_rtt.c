/* Round-trip times from echoes. */
#include "test.h"

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
