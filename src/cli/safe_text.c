/* One walk over the characters; only how a dangerous one is written differs. */
#include "cli/safe_text.h"

#include "core/buf.h"
#include "core/mem.h"
#include "core/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Code points a terminal acts on or a reader is misled by. */
static const struct {
    uint32_t first, last;
} dangerous[] = {
    { 0x00, 0x1F },     /* C0 */
    { 0x7F, 0x9F },     /* DEL, C1 */
    { 0x200E, 0x200F }, /* direction marks */
    { 0x2028, 0x202E }, /* line and paragraph separators, embeddings, overrides */
    { 0x2066, 0x2069 }, /* isolates */
    { 0x061C, 0x061C }, /* Arabic letter mark */
    { 0xFEFF, 0xFEFF }, /* zero width no-break space */
};

static bool is_dangerous(uint32_t c) {
    for (size_t i = 0; i < COUNT_OF(dangerous); i++) {
        if (c >= dangerous[i].first && c <= dangerous[i].last) {
            return true;
        }
    }
    return false;
}

/* The code point of a valid character of `width` bytes. */
static uint32_t decode(const char *s, size_t width) {
    static const unsigned char masks[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    uint32_t c = (unsigned char)s[0] & masks[width];
    for (size_t i = 1; i < width; i++) {
        c = c << 6 | ((unsigned char)s[i] & 0x3F);
    }
    return c;
}

size_t cli_safe_text(struct buf *b, const char *s) {
    size_t left = strlen(s);
    size_t shown = 0;
    while (left > 0) {
        size_t width = utf8_width(s, left);
        uint32_t c = width == 0 ? (unsigned char)*s : decode(s, width);
        size_t start = b->len;
        if (width == 0 || (c < 0x100 && is_dangerous(c))) {
            buf_printf(b, "\\x%02x", (unsigned)c);
            shown += b->len - start;
        } else if (is_dangerous(c)) {
            buf_printf(b, "\\u{%x}", (unsigned)c);
            shown += b->len - start;
        } else {
            buf_put(b, s, width);
            shown++;
        }
        size_t step = width == 0 ? 1 : width;
        s += step;
        left -= step;
    }
    return shown;
}

void cli_safe_json(struct buf *b, const char *json, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t width = utf8_width(json + i, n - i);
        uint32_t c = width == 0 ? 0xFFFD : decode(json + i, width);
        if (c != '\n' && is_dangerous(c)) {
            buf_printf(b, "\\u%04x", (unsigned)c);
        } else if (width == 0) {
            buf_puts(b, "\xEF\xBF\xBD"); /* U+FFFD */
        } else {
            buf_put(b, json + i, width);
        }
        i += width == 0 ? 1 : width;
    }
}
