/*
 * Percent-encoding (RFC 3986, 2.1) as request targets carry it. `+` is a plus here, not a space:
 * tokens in queries are base64.  Thread: any; pure.
 */
#ifndef HTTP_PERCENT_H
#define HTTP_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/** Is every `%` followed by two hex digits, and none of them a NUL byte in disguise? */
bool http_percent_sound(const char *s, size_t n);
/** Decodes sound text once into `ret`, which has room for n + 1 bytes; gives the length without the
 * NUL. */
size_t http_percent_decode(const char *s, size_t n, char *ret);
/** The same into an arena; NULL when memory is gone. */
char *http_percent_text(struct arena *a, const char *s, size_t n);

#endif
