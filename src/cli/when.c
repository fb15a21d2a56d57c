/* Three forms, told apart by their shape. */
#include "cli/when.h"

#include "core/clock.h"
#include "core/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define AGO_DIGITS_MAX 9 /* of "so long ago"; keeps the product inside 64 bits */

/* Reads exactly `digits` digits; -1 when there is anything else. */
static int number(const char **s, int digits) {
    int n = 0;
    for (int i = 0; i < digits; i++, (*s)++) {
        if (**s < '0' || **s > '9') {
            return -1;
        }
        n = n * 10 + (**s - '0');
    }
    return n;
}

static bool skip(const char **s, const char *any_of) {
    if (**s == '\0' || strchr(any_of, **s) == NULL) {
        return false;
    }
    (*s)++;
    return true;
}

static bool within(int n, int min, int max) {
    return n >= min && n <= max;
}

static int days_of_month(int year, int month) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Days from 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day
 * is the last. */
static int64_t days_since_epoch(int year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static bool read_date(const char **s, int64_t *ret) {
    int year = number(s, 4);
    if (!within(year, 1970, 9999) || !skip(s, "-")) {
        return false;
    }
    int month = number(s, 2);
    if (!within(month, 1, 12) || !skip(s, "-")) {
        return false;
    }
    int day = number(s, 2);
    if (!within(day, 1, days_of_month(year, month))) {
        return false;
    }
    *ret = days_since_epoch(year, month, day) * DAY_MS;
    return true;
}

/* ".123": digits behind the third are below what we keep. */
static bool read_fraction(const char **s, int64_t *ret) {
    static const int weights[] = { 100, 10, 1 };
    size_t n = 0;
    int64_t ms = 0;
    for (; **s >= '0' && **s <= '9'; (*s)++, n++) {
        ms += n < COUNT_OF(weights) ? (**s - '0') * weights[n] : 0;
    }
    *ret = ms;
    return n > 0;
}

static bool read_zone(const char **s, int64_t *ret) {
    if (skip(s, "Zz")) {
        *ret = 0;
        return true;
    }
    int sign = **s == '-' ? -1 : 1;
    if (!skip(s, "+-")) {
        return false;
    }
    int hours = number(s, 2);
    if (!within(hours, 0, 23) || !skip(s, ":")) {
        return false;
    }
    int minutes = number(s, 2);
    *ret = sign * (hours * HOUR_MS + minutes * MIN_MS);
    return within(minutes, 0, 59);
}

/* "09:30:00.123+01:00"; a leap second counts as the one before it. */
static bool read_time(const char **s, int64_t *ret) {
    int hour = number(s, 2);
    if (!within(hour, 0, 23) || !skip(s, ":")) {
        return false;
    }
    int minute = number(s, 2);
    if (!within(minute, 0, 59) || !skip(s, ":")) {
        return false;
    }
    int second = number(s, 2);
    int64_t fraction = 0;
    if (!within(second, 0, 60) || (skip(s, ".") && !read_fraction(s, &fraction))) {
        return false;
    }
    int64_t zone;
    if (!read_zone(s, &zone)) {
        return false;
    }
    int64_t seconds = second == 60 ? 59 : second;
    *ret = hour * HOUR_MS + minute * MIN_MS + seconds * SEC_MS + fraction - zone;
    return true;
}

static bool read_moment(const char *s, int64_t *ret) {
    int64_t date;
    int64_t time = 0;
    if (!read_date(&s, &date) || (skip(&s, "Tt ") && !read_time(&s, &time)) || *s != '\0') {
        return false;
    }
    *ret = date + time;
    return true;
}

static bool read_span(const char *s, int64_t *ret_ms) {
    static const struct {
        char unit;
        int64_t ms;
    } units[] = { { 's', SEC_MS }, { 'm', MIN_MS }, { 'h', HOUR_MS }, { 'd', DAY_MS },
        { 'w', 7 * DAY_MS } };
    int64_t n = 0;
    size_t digits = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (++digits > AGO_DIGITS_MAX) {
            return false;
        }
        n = n * 10 + (*s - '0');
    }
    for (size_t i = 0; digits > 0 && i < COUNT_OF(units); i++) {
        if (s[0] == units[i].unit && s[1] == '\0') {
            *ret_ms = n * units[i].ms;
            return true;
        }
    }
    return false;
}

enum err cli_when_read(const char *text, int64_t now_ms, int64_t *ret) {
    int64_t ms;
    if (read_span(text, &ms)) {
        ms = now_ms - ms;
    } else if (!read_moment(text, &ms)) {
        return err_set(ERR_INVALID,
            "must be a time (2026-11-21T09:30:00Z), a date (2026-11-21) or so long ago "
            "(30m, 24h, 7d), not \"%.60s\"",
            text);
    }
    /* 0 means "no bound" to the reports, and nothing was recorded before 1970. */
    *ret = ms < 1 ? 1 : ms;
    return OK;
}

enum err cli_when_read_span(const char *text, int64_t *ret_ms) {
    int64_t ms;
    if (!read_span(text, &ms) || ms == 0) {
        return err_set(ERR_INVALID, "must be a span like 90s, 30m, 6h or 7d, not \"%.60s\"", text);
    }
    *ret_ms = ms;
    return OK;
}
