/* The pattern of a name: the id with everything escaped that is no letter or digit, and what may
 * not follow it. */
#include "store/purge_name.h"

#include <string.h>

/* What would make the server name a longer one (its grammar: Matrix, appendices, server name). A
 * colon with digits is a port; device ids behind a colon are letters in practice. */
#define NOT_LONGER "(?![A-Za-z0-9-]|\\.[A-Za-z0-9]|:[0-9]{1,5}(?![A-Za-z0-9]))"

static void put_escaped(struct buf *b, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c & 0x80) != 0;
        if (!plain) {
            buf_putc(b, '\\');
        }
        buf_putc(b, c);
    }
}

void store_purge_pattern(struct buf *b, const char *user) {
    struct buf json;
    buf_init(&json, 0);
    buf_json_str(&json, user);
    buf_puts(b, "(?:");
    put_escaped(b, user, strlen(user));
    if (!json.bad && json.len > 2 && strncmp(json.data + 1, user, json.len - 2) != 0) {
        buf_putc(b, '|');
        put_escaped(b, json.data + 1, json.len - 2);
    }
    buf_puts(b, ")" NOT_LONGER);
    b->bad = b->bad || json.bad;
    buf_finish(&json);
}
