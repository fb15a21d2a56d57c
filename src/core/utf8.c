/* UTF-8, RFC 3629, section 4: the table of well-formed byte sequences. */
#include "core/utf8.h"

static bool in(unsigned char c, unsigned char low, unsigned char high) {
    return c >= low && c <= high;
}

size_t utf8_width(const char *s, size_t n) {
    const unsigned char *p = (const unsigned char *)s;
    if (n == 0) {
        return 0;
    }
    if (p[0] < 0x80) {
        return 1;
    }
    if (in(p[0], 0xC2, 0xDF)) {
        return n >= 2 && in(p[1], 0x80, 0xBF) ? 2 : 0;
    }
    if (in(p[0], 0xE0, 0xEF)) {
        unsigned char low = p[0] == 0xE0 ? 0xA0 : 0x80;
        unsigned char high = p[0] == 0xED ? 0x9F : 0xBF;
        return n >= 3 && in(p[1], low, high) && in(p[2], 0x80, 0xBF) ? 3 : 0;
    }
    if (in(p[0], 0xF0, 0xF4)) {
        unsigned char low = p[0] == 0xF0 ? 0x90 : 0x80;
        unsigned char high = p[0] == 0xF4 ? 0x8F : 0xBF;
        return n >= 4 && in(p[1], low, high) && in(p[2], 0x80, 0xBF) && in(p[3], 0x80, 0xBF) ? 4
                                                                                             : 0;
    }
    return 0;
}

bool utf8_valid(const char *s, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t width = utf8_width(s + i, n - i);
        if (width == 0) {
            return false;
        }
        i += width;
    }
    return true;
}

size_t utf8_prefix(const char *s, size_t n, size_t max) {
    if (n <= max) {
        return n;
    }
    while (max > 0 && ((unsigned char)s[max] & 0xC0) == 0x80) {
        max--;
    }
    return max;
}
