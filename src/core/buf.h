/*
 * A byte buffer that grows, and the writer of JSON text over it.
 *
 * Every append may fail for lack of memory or because `max` is reached; the failure sticks in `bad`
 * and later appends do nothing, so a writer checks once at the end.  Thread: any; one owner.
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* NUL behind the last byte whenever not NULL */
    size_t len;
    size_t cap;
    size_t max; /* 0 = no limit */
    bool bad;
    bool over; /* bad because of max, not of memory */
};

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b);
/** Forgets the bytes, keeps the memory. */
void buf_clear(struct buf *b);
void buf_put(struct buf *b, const void *bytes, size_t n);
/** Room for n bytes behind the text, for a writer of its own; NULL when an append would fail. What
 * was written there counts once b->len says so, with a NUL behind it. */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *fmt, ...);
/** ERR_NOMEM or ERR_TOO_LARGE when an append failed. */
MUST_CHECK enum err buf_check(const struct buf *b);
/** The text so far; "" when empty. Borrowed until the next append. */
const char *buf_str(const struct buf *b);
/** Gives the bytes (mem_free) and leaves the buffer empty; NULL when nothing was written. */
char *buf_take(struct buf *b);

/** Writes `s` as a JSON string with its quotes; NULL writes null. Bytes that are not UTF-8 become
 * U+FFFD, so that the result is always valid JSON. */
void buf_json_str(struct buf *b, const char *s);
void buf_json_strn(struct buf *b, const char *s, size_t n);
/** Writes `"key":`, with a comma before it unless it is the first thing behind { or [. */
void buf_json_key(struct buf *b, const char *key);
/** `"key":"value"`; a NULL value writes nothing at all. */
void buf_json_field(struct buf *b, const char *key, const char *value);
void buf_json_int_field(struct buf *b, const char *key, int64_t value);
void buf_json_bool_field(struct buf *b, const char *key, bool value);

#endif
