/* The kinds of settings: how each is read from text, printed, compared and copied. */
#include "core/buf.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/config_row.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* --- numbers with units --- */

struct unit {
    const char *name;
    int64_t worth;
};

/* The largest first, so that printing finds it. */
static const struct unit times[] = { { "d", DAY_MS }, { "h", HOUR_MS }, { "m", MIN_MS },
    { "s", SEC_MS }, { "ms", 1 } };
static const struct unit sizes[] = { { "GiB", (int64_t)(1024 * MIB) }, { "MiB", (int64_t)MIB },
    { "KiB", (int64_t)KIB }, { "B", 1 } };
static const struct unit plain[] = { { "", 1 } };

/* Reads digits and one of the units; a bare 0 needs none. */
static bool read_number(const char *s, const struct unit *units, size_t n, int64_t *ret) {
    int64_t value = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value)) {
            return false;
        }
    }
    if (p == s) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(p, units[i].name) == 0) {
            return !__builtin_mul_overflow(value, units[i].worth, ret);
        }
    }
    *ret = 0;
    return value == 0 && *p == '\0';
}

static void print_number(struct buf *b, int64_t value, const struct unit *units, size_t n) {
    size_t i = 0;
    while (i + 1 < n && (value == 0 || value % units[i].worth != 0)) {
        i++;
    }
    buf_printf(b, "%" PRId64 "%s", value / units[i].worth, units[i].name);
}

static bool in_range(const struct config_row *row, int64_t v) {
    return v >= row->min && v <= row->max;
}

static bool one(struct config_words w) {
    return w.n == 1 && !w.list;
}

static bool read_in_range(const struct config_row *row, struct config_words w,
    const struct unit *units, size_t n, int64_t *ret) {
    return one(w) && read_number(w.items[0], units, n, ret) && in_range(row, *ret);
}

/* --- int --- */

static enum err int_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    (void)a;
    int64_t v = 0;
    if (!read_in_range(row, w, plain, COUNT_OF(plain), &v)) {
        return ERR_INVALID;
    }
    *(int *)slot = (int)v;
    return OK;
}

static void int_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(b, "%" PRId64 "..%" PRId64, row->min, row->max);
}

static void int_print(const struct config_row *row, const void *slot, struct buf *b) {
    (void)row;
    buf_printf(b, "%d", *(const int *)slot);
}

static bool int_equal(const void *x, const void *y) {
    return *(const int *)x == *(const int *)y;
}

static enum err int_copy(struct arena *a, const void *from, void *to) {
    (void)a;
    *(int *)to = *(const int *)from;
    return OK;
}

const struct config_kind config_int = { NULL, int_read, int_allowed, int_print, int_equal,
    int_copy };

/* --- size --- */

static enum err size_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    (void)a;
    int64_t v = 0;
    if (!read_in_range(row, w, sizes, COUNT_OF(sizes), &v)) {
        return ERR_INVALID;
    }
    *(size_t *)slot = (size_t)v;
    return OK;
}

static void size_allowed(const struct config_row *row, struct buf *b) {
    buf_puts(b, "a size in B, KiB, MiB or GiB from ");
    print_number(b, row->min, sizes, COUNT_OF(sizes));
    buf_puts(b, " to ");
    print_number(b, row->max, sizes, COUNT_OF(sizes));
}

static void size_print(const struct config_row *row, const void *slot, struct buf *b) {
    (void)row;
    print_number(b, (int64_t) * (const size_t *)slot, sizes, COUNT_OF(sizes));
}

static bool size_equal(const void *x, const void *y) {
    return *(const size_t *)x == *(const size_t *)y;
}

static enum err size_copy(struct arena *a, const void *from, void *to) {
    (void)a;
    *(size_t *)to = *(const size_t *)from;
    return OK;
}

const struct config_kind config_size = { NULL, size_read, size_allowed, size_print, size_equal,
    size_copy };

/* --- durations: the same texts, kept in two units --- */

static enum err time_ms_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    (void)a;
    int64_t v = 0;
    if (!read_in_range(row, w, times, COUNT_OF(times), &v)) {
        return ERR_INVALID;
    }
    *(int64_t *)slot = v;
    return OK;
}

static enum err time_us_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    int64_t ms = 0;
    TRY(time_ms_read(row, a, w, &ms));
    *(int64_t *)slot = ms * 1000; /* rows allow days, far from overflow */
    return OK;
}

static void time_allowed(const struct config_row *row, struct buf *b) {
    buf_puts(b, "a duration in ms, s, m, h or d from ");
    print_number(b, row->min, times, COUNT_OF(times));
    buf_puts(b, " to ");
    print_number(b, row->max, times, COUNT_OF(times));
}

static void time_ms_print(const struct config_row *row, const void *slot, struct buf *b) {
    (void)row;
    print_number(b, *(const int64_t *)slot, times, COUNT_OF(times));
}

static void time_us_print(const struct config_row *row, const void *slot, struct buf *b) {
    (void)row;
    print_number(b, *(const int64_t *)slot / 1000, times, COUNT_OF(times));
}

static bool time_equal(const void *x, const void *y) {
    return *(const int64_t *)x == *(const int64_t *)y;
}

static enum err time_copy(struct arena *a, const void *from, void *to) {
    (void)a;
    *(int64_t *)to = *(const int64_t *)from;
    return OK;
}

const struct config_kind config_time_ms = { NULL, time_ms_read, time_allowed, time_ms_print,
    time_equal, time_copy };
const struct config_kind config_time_us = { NULL, time_us_read, time_allowed, time_us_print,
    time_equal, time_copy };

/* --- bool --- */

static enum err bool_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };
    (void)row;
    (void)a;
    for (size_t i = 0; i < COUNT_OF(words) && one(w); i++) {
        if (strcasecmp(w.items[0], words[i]) == 0) {
            *(bool *)slot = i % 2 == 1;
            return OK;
        }
    }
    return ERR_INVALID;
}

static void bool_allowed(const struct config_row *row, struct buf *b) {
    (void)row;
    buf_puts(b, "true or false");
}

static void bool_print(const struct config_row *row, const void *slot, struct buf *b) {
    (void)row;
    buf_puts(b, *(const bool *)slot ? "true" : "false");
}

static bool bool_equal(const void *x, const void *y) {
    return *(const bool *)x == *(const bool *)y;
}

static enum err bool_copy(struct arena *a, const void *from, void *to) {
    (void)a;
    *(bool *)to = *(const bool *)from;
    return OK;
}

const struct config_kind config_bool = { NULL, bool_read, bool_allowed, bool_print, bool_equal,
    bool_copy };

/* --- one of several words; the slot is an enum, which has the size of an int --- */

_Static_assert(sizeof(enum log_level) == sizeof(int), "a choice is kept as an int");
_Static_assert(sizeof(enum log_format) == sizeof(int), "a choice is kept as an int");
_Static_assert(sizeof(enum rtc_membership) == sizeof(int), "a choice is kept as an int");

static enum err choice_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    (void)a;
    for (int i = 0; row->choices[i] != NULL && one(w); i++) {
        if (strcmp(w.items[0], row->choices[i]) == 0) {
            *(int *)slot = i;
            return OK;
        }
    }
    return ERR_INVALID;
}

static void choice_allowed(const struct config_row *row, struct buf *b) {
    for (int i = 0; row->choices[i] != NULL; i++) {
        const char *before = i == 0 ? "" : row->choices[i + 1] == NULL ? " or " : ", ";
        buf_printf(b, "%s%s", before, row->choices[i]);
    }
}

static void choice_print(const struct config_row *row, const void *slot, struct buf *b) {
    buf_puts(b, row->choices[*(const int *)slot]);
}

const struct config_kind config_choice = { NULL, choice_read, choice_allowed, choice_print,
    int_equal, int_copy };
