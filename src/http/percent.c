/* Percent-decoding, once. */
#include "http/percent.h"

#include "core/mem.h"

static int digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool http_percent_sound(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '%') {
            continue;
        }
        if (n - i < 3 || digit(s[i + 1]) < 0 || digit(s[i + 2]) < 0) {
            return false;
        }
        if (s[i + 1] == '0' && s[i + 2] == '0') {
            return false;
        }
        i += 2;
    }
    return true;
}

size_t http_percent_decode(const char *s, size_t n, char *ret) {
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '%' && n - i >= 3) {
            ret[out++] = (char)(digit(s[i + 1]) * 16 + digit(s[i + 2]));
            i += 2;
        } else {
            ret[out++] = s[i];
        }
    }
    ret[out] = '\0';
    return out;
}

char *http_percent_text(struct arena *a, const char *s, size_t n) {
    char *ret = arena_alloc(a, n + 1);
    if (ret != NULL) {
        http_percent_decode(s, n, ret);
    }
    return ret;
}
