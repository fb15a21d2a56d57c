/*
 * The two clocks. Wall time is what Matrix speaks: milliseconds since 1970 (`_ms`); monotonic time
 * is for timers and durations: microseconds (`_us`). Only doors and services read them; the domain
 * gets `now_ms` as an argument.  Thread: any.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define SEC_MS  INT64_C(1000)
#define MIN_MS  (60 * SEC_MS)
#define HOUR_MS (60 * MIN_MS)
#define DAY_MS  (24 * HOUR_MS)
#define SEC_US  INT64_C(1000000)

int64_t clock_wall_ms(void);
int64_t clock_mono_us(void);

#define CLOCK_TEXT_SIZE 32
/** Writes "2026-11-21T09:30:00.123Z" (RFC 3339, UTC); years outside 0000..9999 are clamped. */
void clock_format(int64_t wall_ms, char ret[CLOCK_TEXT_SIZE]);

#endif
