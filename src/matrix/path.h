/*
 * Paths and queries of requests: every part that comes from outside is percent-encoded, so that no
 * room id, state key or user id can reach another path.  Pure, any thread.  See: RFC 3986, 2.3
 * and 3.3.
 */
#ifndef MATRIX_PATH_H
#define MATRIX_PATH_H

#include "core/buf.h"
#include "core/err.h"

#include <stddef.h>

/** Appends `s` with everything but letters, digits, "-", ".", "_" and "~" as %XX. */
void mx_path_encode(struct buf *b, const char *s);
/** Appends `pattern` in which each $ stands for the next of `parts`, encoded: "/rooms/$/state".
 * ERR_INVALID: a part "." or
 *  "..", which would be a step and not a name. The failures of `b` stick in it. */
MUST_CHECK enum err mx_path_append(
    struct buf *b, const char *pattern, const char *const *parts, size_t n);
/** Appends "?key=value", or "&key=value" behind a first one; a NULL value appends nothing. */
void mx_path_query(struct buf *b, const char *key, const char *value);

#endif
