/* The two clocks and the text of a moment. */
#include "core/clock.h"

#include "test.h"

TEST(core_clock, writes_rfc_3339) {
    static const struct {
        const char *name, *want;
        int64_t ms;
    } rows[] = {
        { "epoch", "1970-01-01T00:00:00.000Z", 0 },
        { "a moment", "2026-11-21T09:30:00.123Z", INT64_C(1795253400123) },
        { "before 1970", "1969-12-31T23:59:59.999Z", -1 },
        { "leap day", "2024-02-29T00:00:00.000Z", INT64_C(1709164800000) },
        { "first", "0000-01-01T00:00:00.000Z", INT64_C(-62167219200000) },
        { "clamped below", "0000-01-01T00:00:00.000Z", INT64_MIN },
        { "last", "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
        { "clamped above", "9999-12-31T23:59:59.999Z", INT64_MAX },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char text[CLOCK_TEXT_SIZE];
        clock_format(r->ms, text);
        CHECK_STR(r->want, text);
    }
}

TEST(core_clock, goes_forward) {
    int64_t before = clock_mono_us();
    CHECK(before > 0);
    CHECK(clock_mono_us() >= before);
    CHECK(clock_wall_ms() > INT64_C(1700000000000)); /* 2023: set at all */
}
