/*
 * Moments and spans as people type them: an RFC 3339 time, a date, or so long ago; so long. Thread:
 * any; pure.
 */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include "core/err.h"

#include <stdint.h>

/**
 * Reads "2026-11-21T09:30:00Z" (fraction and ±hh:mm allowed, seconds not left out), "2026-11-21"
 * (its first moment in UTC), or a number and one of s m h d w: so long before `now_ms`.
 * @ret  Unix milliseconds, from 1 (1970) to the end of 9999; untouched on error
 * Errors: ERR_INVALID.  See: RFC 3339, 5.6.
 */
MUST_CHECK enum err cli_when_read(const char *text, int64_t now_ms, int64_t *ret);
/** Reads a number from 1 and one of s m h d w, as a span of milliseconds. ERR_INVALID. */
MUST_CHECK enum err cli_when_read_span(const char *text, int64_t *ret_ms);

#endif
