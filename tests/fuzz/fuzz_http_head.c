/*
 * Whatever is peeked at: spans lie inside, a verdict stands however much more comes, a whole head
 * is not whole without its last byte, and nothing with a control character in it is let through.
 */
#include "fuzz.h"

#include "http/head.h"

#include <assert.h>
#include <string.h>

static void check_inside(struct http_span a, const char *bytes, size_t n) {
    assert(a.n == 0 || (a.s >= bytes && a.s + a.n <= bytes + n));
    for (size_t i = 0; i < a.n; i++) {
        unsigned char c = (unsigned char)a.s[i];
        assert((c >= 0x20 || c == '\t') && c != 0x7F);
    }
}

static void check_whole(const struct http_head *h, const char *bytes, size_t n) {
    struct http_head less;
    assert(h->len > 0 && h->len <= n);
    check_inside(h->method, bytes, h->len);
    check_inside(h->target, bytes, h->len);
    for (size_t i = 0; i < h->n_fields; i++) {
        assert(h->fields[i].name.n > 0);
        check_inside(h->fields[i].name, bytes, h->len);
        check_inside(h->fields[i].value, bytes, h->len);
    }
    http_head_read(bytes, h->len, &less);
    assert(less.kind == h->kind && less.len == h->len);
    http_head_read(bytes, h->len - 1, &less);
    assert(less.kind == HTTP_HEAD_PARTIAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *bytes = (const char *)data;
    struct http_head all, half;
    http_head_read(bytes, n, &all);
    assert((all.kind == HTTP_HEAD_REFUSED) == (all.status >= 400 && all.why != NULL));
    if (all.kind == HTTP_HEAD_PLAIN || all.kind == HTTP_HEAD_UPGRADE) {
        check_whole(&all, bytes, n);
    }
    http_head_read(bytes, n / 2, &half);
    assert(half.kind == HTTP_HEAD_PARTIAL || half.kind == all.kind);
    return 0;
}
