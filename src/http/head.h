/*
 * The head of an HTTP/1.x request, as the acceptor peeks at it: is it whole, is it sound, is it a
 * WebSocket upgrade?
 *
 * Everything that two parsers could read in two ways is refused here (request smuggling: RFC 9112,
 * 6.3 and 11.2), because a proxy in front of us may be the other parser.  Thread: any; pure.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest head we look at. LiveKit's clients put 60 kB into the query of an upgrade. */
#define HTTP_PEEK_MAX (64 * (size_t)1024)
/* Longest head and request target that libmicrohttpd gets: its pool of 32 KiB must hold it parsed.
 */
#define HTTP_HEAD_MAX   (20 * (size_t)1024)
#define HTTP_TARGET_MAX (16 * (size_t)1024)
#define HTTP_FIELDS_MAX 100 /* header lines; browsers behind two proxies send about 30 */

/** Bytes inside the head that was read; no NUL behind them. */
struct http_span {
    const char *s;
    size_t n;
};
struct http_field {
    struct http_span name, value; /* the value without white space around it */
};

bool http_span_is(struct http_span a, const char *text); /* the case counts */
bool http_span_is_caseless(struct http_span a, const char *text);
/** Is `token` one of the comma-separated words of a header's value? In any case. */
bool http_span_lists(struct http_span value, const char *token);

/* What must not be in one request together. Filled field by field, so that it serves a peeked head
 * and libmicrohttpd's list alike. */
struct http_scan {
    int hosts, lengths, codings, upgrades, keys, versions;
    int64_t length; /* Content-Length; -1 = none */
    bool chunked;
    bool to_websocket; /* Upgrade: websocket */
    bool connection;   /* Connection: upgrade */
    bool key, version; /* good Sec-WebSocket-Key, and -Version 13 */
    int status;        /* 0 = nothing wrong so far, else what to answer */
    const char *why;
};

void http_scan_init(struct http_scan *s);
void http_scan_request(struct http_scan *s, struct http_span method, struct http_span target);
void http_scan_field(struct http_scan *s, const struct http_field *f);
/** Judges the whole: 0, or the status to refuse with (`why` says it in words). */
int http_scan_end(struct http_scan *s, bool http_1_1);
/** What is wrong with an upgrade to WebSocket; NULL when it is right. */
const char *http_scan_upgrade_fault(
    const struct http_scan *s, struct http_span method, bool http_1_1);

enum http_head_kind {
    HTTP_HEAD_PARTIAL, /* sound so far, the blank line has not come */
    HTTP_HEAD_ALIEN,   /* not HTTP at all (a TLS hello on the plain port): close without a word */
    HTTP_HEAD_REFUSED, /* answer `status` and close */
    HTTP_HEAD_PLAIN,   /* for libmicrohttpd */
    HTTP_HEAD_UPGRADE, /* a correct upgrade to WebSocket, of any path */
};

struct http_head {
    enum http_head_kind kind;
    int status;      /* REFUSED */
    const char *why; /* REFUSED: static text */
    size_t len;      /* bytes up to and with the blank line; PLAIN and UPGRADE */
    struct http_span method, target;
    bool http_1_1;
    size_t n_fields;
    struct http_field fields[HTTP_FIELDS_MAX];
};

/** Reads the first `n` bytes of a connection. Spans point into `bytes`. */
void http_head_read(const char *bytes, size_t n, struct http_head *ret);
/** The first field of that name, or NULL. */
const struct http_field *http_head_field(const struct http_head *h, const char *name);

#endif
