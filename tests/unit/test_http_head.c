/* The head parser: what is whole, what is refused, what is an upgrade. */
#include "http/head.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

#define HOST "Host: h\r\n"
#define WS_REST                                                                                    \
    "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: "                                       \
    "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

TEST(http_head, tells_kinds_apart) {
    static const struct {
        const char *name, *bytes;
        enum http_head_kind want;
        int status;
    } rows[] = {
        { "nothing", "", HTTP_HEAD_PARTIAL, 0 },
        { "half a line", "GET /", HTTP_HEAD_PARTIAL, 0 },
        { "no blank line", "GET / HTTP/1.1\r\n" HOST, HTTP_HEAD_PARTIAL, 0 },
        { "half a blank line", "GET / HTTP/1.1\r\n" HOST "\r", HTTP_HEAD_PARTIAL, 0 },
        { "whole", "GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_HEAD_PLAIN, 0 },
        { "line feeds only", "GET / HTTP/1.1\nHost: h\n\n", HTTP_HEAD_PLAIN, 0 },
        { "empty lines first", "\r\n\nGET / HTTP/1.1\r\n" HOST "\r\n", HTTP_HEAD_PLAIN, 0 },
        { "empty lines only", "\r\n\r\n", HTTP_HEAD_PARTIAL, 0 },
        { "HTTP/1.0 needs no host", "GET / HTTP/1.0\r\n\r\n", HTTP_HEAD_PLAIN, 0 },
        { "TLS hello", "\x16\x03\x01", HTTP_HEAD_ALIEN, 0 },
        { "lower case", "get / HTTP/1.1\r\n", HTTP_HEAD_ALIEN, 0 },
        { "other version", "GET / HTTP/1.2\r\n" HOST "\r\n", HTTP_HEAD_REFUSED, 400 },
        { "bad line is refused before its head ends", "GET /\r\n", HTTP_HEAD_REFUSED, 400 },
        { "control character", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", HTTP_HEAD_REFUSED, 400 },
        { "unknown method", "BREW / HTTP/1.1\r\n" HOST "\r\n", HTTP_HEAD_REFUSED, 400 },
        { "no host", "GET / HTTP/1.1\r\n\r\n", HTTP_HEAD_REFUSED, 400 },
        { "two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", HTTP_HEAD_REFUSED, 400 },
        { "folded", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", HTTP_HEAD_REFUSED, 400 },
        { "length and coding",
            "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            HTTP_HEAD_REFUSED, 400 },
        { "two lengths",
            "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
            HTTP_HEAD_REFUSED, 400 },
        { "length of 18 digits",
            "POST / HTTP/1.1\r\n" HOST "Content-Length: 999999999999999999\r\n\r\n",
            HTTP_HEAD_PLAIN, 0 },
        { "length of 19 digits",
            "POST / HTTP/1.1\r\n" HOST "Content-Length: 9999999999999999999\r\n\r\n",
            HTTP_HEAD_REFUSED, 413 },
        { "space before the colon", "POST / HTTP/1.1\r\n" HOST "Content-Length : 1\r\n\r\n",
            HTTP_HEAD_REFUSED, 400 },
        { "coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            HTTP_HEAD_REFUSED, 400 },
        { "chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n",
            HTTP_HEAD_PLAIN, 0 },
        { "upgrade", "GET /ws HTTP/1.1\r\n" HOST "Upgrade: WebSocket\r\n" WS_REST "\r\n",
            HTTP_HEAD_UPGRADE, 0 },
        { "upgrade by POST", "POST /ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n" WS_REST "\r\n",
            HTTP_HEAD_PLAIN, 0 },
        { "upgrade of something else",
            "GET /ws HTTP/1.1\r\n" HOST "Upgrade: h2c\r\n" WS_REST "\r\n", HTTP_HEAD_PLAIN, 0 },
        { "upgrade with two versions",
            "GET /ws HTTP/1.1\r\n" HOST
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" WS_REST "\r\n",
            HTTP_HEAD_PLAIN, 0 },
        { "upgrade with a body",
            "GET /ws HTTP/1.1\r\n" HOST "Content-Length: 1\r\nUpgrade: websocket\r\n" WS_REST
            "\r\n",
            HTTP_HEAD_PLAIN, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct http_head h;
        http_head_read(r->bytes, strlen(r->bytes), &h);
        CHECK_INT(r->want, h.kind);
        CHECK_INT(r->status, h.status);
        CHECK((h.kind == HTTP_HEAD_REFUSED) == (h.why != NULL));
    }
}

TEST(http_head, points_at_its_parts) {
    static const char bytes[] = "GET /a?b HTTP/1.1\r\nHost:  h \t\r\nX-Empty:\r\n\r\nbody";
    struct http_head h;
    http_head_read(bytes, strlen(bytes), &h);
    CHECK_INT(HTTP_HEAD_PLAIN, h.kind);
    CHECK_INT(strlen(bytes) - 4, h.len);
    CHECK(http_span_is(h.method, "GET"));
    CHECK(http_span_is(h.target, "/a?b"));
    CHECK(http_span_is(http_head_field(&h, "hOST")->value, "h"));
    CHECK(http_span_is(http_head_field(&h, "x-empty")->value, ""));
    CHECK(http_head_field(&h, "other") == NULL);
}

TEST(http_head, finds_words_in_lists) {
    static const struct {
        const char *name, *value;
        bool want;
    } rows[] = {
        { "alone", "upgrade", true },
        { "any case", "UpGrade", true },
        { "last", "keep-alive, upgrade", true },
        { "first", "upgrade ,x", true },
        { "part of a word", "upgraded", false },
        { "empty", "", false },
        { "commas", ",,", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK(http_span_lists((struct http_span){ r->value, strlen(r->value) }, "upgrade") ==
              r->want);
    }
}

/* Builds "GET /aaa… HTTP/1.1", then a header X of some length; gives the status, 0 for accepted or
 * partial. */
static int status_of(size_t target, size_t header, bool whole, bool upgrade) {
    static char bytes[3 * HTTP_PEEK_MAX];
    char *s = bytes + sprintf(bytes, "GET /");
    memset(s, 'a', target);
    s += target;
    s += sprintf(s, " HTTP/1.1\r\n" HOST "X: ");
    memset(s, 'b', header);
    s += header;
    s += sprintf(
        s, "\r\n%s%s", upgrade ? "Upgrade: websocket\r\n" WS_REST : "", whole ? "\r\n" : "");
    size_t n = (size_t)(s - bytes);
    struct http_head h;
    http_head_read(bytes, n < HTTP_PEEK_MAX ? n : HTTP_PEEK_MAX, &h);
    return h.status;
}

TEST(http_head, has_limits) {
    static const struct {
        const char *name;
        size_t target, header;
        bool whole, upgrade;
        int want;
    } rows[] = {
        { "small", 10, 10, true, false, 0 },
        { "longest target", HTTP_TARGET_MAX - 1, 10, true, false, 0 },
        { "target too long", HTTP_TARGET_MAX, 10, true, false, 414 },
        { "head too long", 10, HTTP_HEAD_MAX, true, false, 431 },
        { "long upgrade", 60000, 10, true, true, 0 },
        { "target that never ends", HTTP_PEEK_MAX, 0, false, false, 414 },
        { "head that never ends", 10, HTTP_PEEK_MAX, false, false, 431 },
        { "head that goes on", 10, HTTP_PEEK_MAX / 2, false, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, status_of(r->target, r->header, r->whole, r->upgrade));
    }
}

TEST(http_head, says_what_is_wrong_with_an_upgrade) {
    struct http_scan s;
    struct http_span method = { "GET", 3 };
    http_scan_init(&s);
    s.to_websocket = s.connection = s.key = s.version = true;
    s.upgrades = s.keys = s.versions = 1;
    CHECK(http_scan_upgrade_fault(&s, method, true) == NULL);
    CHECK_STR("A WebSocket upgrade needs HTTP/1.1", http_scan_upgrade_fault(&s, method, false));
    s.version = false;
    CHECK_STR("Sec-WebSocket-Version must be 13", http_scan_upgrade_fault(&s, method, true));
    s.key = false;
    CHECK_STR(
        "Sec-WebSocket-Key is missing or malformed", http_scan_upgrade_fault(&s, method, true));
}
