/* The units of time that reports come in. */
#include "test.h"

#include "rtc/ntp.h"

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
