/*
 * Paths and queries of requests, percent-encoded.  Thread: any; pure.
 */
#include "matrix/path.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static bool byte_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

void mx_path_encode(struct buf *b, const char *s) {
    static const char digits[] = "0123456789ABCDEF";
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (byte_plain(*s)) {
            buf_putc(b, *s);
        } else {
            buf_putc(b, '%');
            buf_putc(b, digits[c >> 4]);
            buf_putc(b, digits[c & 15]);
        }
    }
}

enum err mx_path_append(struct buf *b, const char *pattern, const char *const *parts, size_t n) {
    size_t next = 0;
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p != '$') {
            buf_putc(b, *p);
            continue;
        }
        assert(next < n);
        /* Dots need no encoding, and encoding them would not help: %2E%2E is the same step to most
         * servers. */
        if (strcmp(parts[next], ".") == 0 || strcmp(parts[next], "..") == 0) {
            return err_set(ERR_INVALID, "\"%s\" cannot be part of a path", parts[next]);
        }
        mx_path_encode(b, parts[next]);
        next++;
    }
    assert(next == n);
    return OK;
}

void mx_path_query(struct buf *b, const char *key, const char *value) {
    if (value == NULL) {
        return;
    }
    buf_putc(b, strchr(buf_str(b), '?') == NULL ? '?' : '&');
    buf_puts(b, key);
    buf_putc(b, '=');
    mx_path_encode(b, value);
}
