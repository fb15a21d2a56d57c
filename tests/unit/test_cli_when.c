/* Moments as people type them. */
#include "cli/when.h"

#include "core/clock.h"
#include "test.h"

#define NOW INT64_C(1795255200123) /* 2026-11-21T10:00:00.123Z */

TEST(cli_when, reads_three_forms) {
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "a moment", "2026-11-21T09:30:00Z", "2026-11-21T09:30:00.000Z" },
        { "milliseconds", "2026-11-21T09:30:00.123Z", "2026-11-21T09:30:00.123Z" },
        { "one digit of a fraction", "2026-11-21T09:30:00.5Z", "2026-11-21T09:30:00.500Z" },
        { "digits below a millisecond", "2026-11-21T09:30:00.123999999Z",
            "2026-11-21T09:30:00.123Z" },
        { "east", "2026-11-21T01:30:00+02:00", "2026-11-20T23:30:00.000Z" },
        { "west", "2026-11-21T23:30:00-05:30", "2026-11-22T05:00:00.000Z" },
        { "small letters", "2026-11-21t09:30:00z", "2026-11-21T09:30:00.000Z" },
        { "a space between", "2026-11-21 09:30:00Z", "2026-11-21T09:30:00.000Z" },
        { "a leap second", "2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z" },
        { "a date", "2026-11-21", "2026-11-21T00:00:00.000Z" },
        { "a leap day", "2024-02-29", "2024-02-29T00:00:00.000Z" },
        { "the leap day of a century", "2000-02-29", "2000-02-29T00:00:00.000Z" },
        { "the first of March", "2100-03-01", "2100-03-01T00:00:00.000Z" },
        { "the last day", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z" },
        { "before 1970 is cut", "1970-01-01T00:00:00+10:00", "1970-01-01T00:00:00.001Z" },
        { "seconds", "90s", "2026-11-21T09:58:30.123Z" },
        { "minutes", "30m", "2026-11-21T09:30:00.123Z" },
        { "hours", "24h", "2026-11-20T10:00:00.123Z" },
        { "days", "7d", "2026-11-14T10:00:00.123Z" },
        { "weeks", "2w", "2026-11-07T10:00:00.123Z" },
        { "none ago", "0s", "2026-11-21T10:00:00.123Z" },
        { "very long ago", "999999999w", "1970-01-01T00:00:00.001Z" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        int64_t ms = 0;
        char got[CLOCK_TEXT_SIZE];
        CHECK_ERR(OK, cli_when_read(r->text, NOW, &ms));
        clock_format(ms, got);
        CHECK_STR(r->want, got);
    }
}

TEST(cli_when, refuses_everything_else) {
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "nothing", "" },
        { "a word", "yesterday" },
        { "no unit", "24" },
        { "an unknown unit", "24y" },
        { "two units", "1d2h" },
        { "a sign", "-24h" },
        { "too many digits", "1234567890s" },
        { "only a unit", "h" },
        { "no zone", "2026-11-21T09:30:00" },
        { "no seconds", "2026-11-21T09:30Z" },
        { "nothing behind the point", "2026-11-21T09:30:00.Z" },
        { "nothing behind the T", "2026-11-21T" },
        { "month 13", "2026-13-01" },
        { "month 0", "2026-00-01" },
        { "day 0", "2026-01-00" },
        { "30 February", "2026-02-30" },
        { "29 February of no leap year", "2100-02-29" },
        { "hour 24", "2026-11-21T24:00:00Z" },
        { "minute 60", "2026-11-21T09:60:00Z" },
        { "second 61", "2026-11-21T09:30:61Z" },
        { "zone 24", "2026-11-21T09:30:00+24:00" },
        { "zone minute 60", "2026-11-21T09:30:00+01:60" },
        { "1969", "1969-12-31" },
        { "five digits of a year", "12026-11-21" },
        { "a tail", "2026-11-21T09:30:00Z!" },
        { "a space behind", "2026-11-21 " },
        { "an Arabic digit", "\xD9\xA2h" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        int64_t ms = 4711;
        CHECK_ERR(ERR_INVALID, cli_when_read(r->text, NOW, &ms));
        CHECK_INT(4711, ms);
    }
}

TEST(cli_when, reads_spans) {
    static const struct {
        const char *name;
        int64_t ms; /* 0 = refused */
    } rows[] = {
        { "90s", 90 * SEC_MS },
        { "30m", 30 * MIN_MS },
        { "6h", 6 * HOUR_MS },
        { "7d", 7 * DAY_MS },
        { "2w", 14 * DAY_MS },
        { "0s", 0 },
        { "6", 0 },
        { "", 0 },
        { "2026-11-21", 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        int64_t ms = 0;
        CHECK_ERR(r->ms > 0 ? OK : ERR_INVALID, cli_when_read_span(r->name, &ms));
        CHECK_INT(r->ms, ms);
    }
}
