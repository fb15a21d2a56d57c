/* Wall and monotonic time. */
#include "core/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

#define YEAR_0000_MS INT64_C(-62167219200000)
#define YEAR_9999_MS INT64_C(253402300799999)

void clock_format(int64_t wall_ms, char ret[CLOCK_TEXT_SIZE]) {
    if (wall_ms < YEAR_0000_MS) {
        wall_ms = YEAR_0000_MS;
    }
    if (wall_ms > YEAR_9999_MS) {
        wall_ms = YEAR_9999_MS;
    }
    int64_t ms = wall_ms % 1000;
    time_t seconds = (time_t)(wall_ms / 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char date[16];
    strftime(date, sizeof(date), "-%m-%dT%H:%M:%S", &tm);
    /* The year by hand: the C library's %Y does not pad one below 1000. */
    snprintf(ret, CLOCK_TEXT_SIZE, "%04u%s.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000, date,
        (unsigned)ms % 1000);
}
