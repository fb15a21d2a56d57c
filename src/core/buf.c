/* Growing bytes, and JSON text written into them. */
#include "core/buf.h"

#include "core/mem.h"
#include "core/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, size_t max) {
    *b = (struct buf){ .max = max };
}

void buf_finish(struct buf *b) {
    mem_free(b->data);
    *b = (struct buf){ .max = b->max };
}

void buf_clear(struct buf *b) {
    b->len = 0;
    b->bad = false;
    b->over = false;
    if (b->data != NULL) {
        b->data[0] = '\0';
    }
}

static bool reserve(struct buf *b, size_t n) {
    if (b->bad) {
        return false;
    }
    if (n > SIZE_MAX / 4 || (b->max != 0 && n > b->max - b->len)) {
        b->bad = true;
        b->over = true;
        return false;
    }
    if (b->cap - b->len > n) {
        return true;
    }
    size_t cap = b->cap == 0 ? 128 : b->cap * 2;
    while (cap - b->len <= n) {
        cap *= 2;
    }
    char *data = mem_realloc(b->data, cap);
    if (data == NULL) {
        b->bad = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

uint8_t *buf_room(struct buf *b, size_t n) {
    return reserve(b, n) ? (uint8_t *)b->data + b->len : NULL;
}

void buf_put(struct buf *b, const void *bytes, size_t n) {
    if (reserve(b, n)) {
        if (n > 0) {
            memcpy(b->data + b->len, bytes, n);
        }
        b->len += n;
        b->data[b->len] = '\0';
    }
}

void buf_puts(struct buf *b, const char *s) {
    buf_put(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c) {
    buf_put(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->bad = true;
        return;
    }
    if (reserve(b, (size_t)n)) {
        va_start(ap, fmt);
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
        va_end(ap);
        b->len += (size_t)n;
    }
}

enum err buf_check(const struct buf *b) {
    if (!b->bad) {
        return OK;
    }
    if (b->over) {
        return err_set(ERR_TOO_LARGE, "text is over its limit of %zu bytes", b->max);
    }
    return err_set(ERR_NOMEM, "out of memory");
}

const char *buf_str(const struct buf *b) {
    return b->data == NULL ? "" : b->data;
}

char *buf_take(struct buf *b) {
    char *data = STEAL(b->data);
    buf_finish(b);
    return data;
}

/* --- JSON --- */

static void put_escaped(struct buf *b, unsigned char c) {
    static const char *const named[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"
    };
    if (c == '"' || c == '\\') {
        buf_putc(b, '\\');
        buf_putc(b, (char)c);
    } else if (c < COUNT_OF(named) && named[c] != NULL) {
        buf_puts(b, named[c]);
    } else {
        buf_printf(b, "\\u%04x", c);
    }
}

void buf_json_strn(struct buf *b, const char *s, size_t n) {
    buf_putc(b, '"');
    size_t from = 0;
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i];
        size_t width = utf8_width(s + i, n - i);
        if (c >= 0x20 && c != '"' && c != '\\' && width > 0) {
            i += width;
            continue;
        }
        buf_put(b, s + from, i - from);
        if (width == 0) {
            buf_puts(b, "\xEF\xBF\xBD"); /* U+FFFD */
        } else {
            put_escaped(b, c);
        }
        from = ++i;
    }
    buf_put(b, s + from, n - from);
    buf_putc(b, '"');
}

void buf_json_str(struct buf *b, const char *s) {
    if (s == NULL) {
        buf_puts(b, "null");
    } else {
        buf_json_strn(b, s, strlen(s));
    }
}

void buf_json_key(struct buf *b, const char *key) {
    char last = b->len == 0 ? '{' : b->data[b->len - 1];
    if (last != '{' && last != '[') {
        buf_putc(b, ',');
    }
    buf_json_str(b, key);
    buf_putc(b, ':');
}

void buf_json_field(struct buf *b, const char *key, const char *value) {
    if (value != NULL) {
        buf_json_key(b, key);
        buf_json_str(b, value);
    }
}

void buf_json_int_field(struct buf *b, const char *key, int64_t value) {
    buf_json_key(b, key);
    buf_printf(b, "%" PRId64, value);
}

void buf_json_bool_field(struct buf *b, const char *key, bool value) {
    buf_json_key(b, key);
    buf_puts(b, value ? "true" : "false");
}
