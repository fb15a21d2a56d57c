/* Reads a peeked head. Strict where leniency has been used to smuggle requests past a proxy. */
#include "http/head.h"

#include "core/mem.h"

#include <string.h>
#include <strings.h>

bool http_span_is(struct http_span a, const char *text) {
    return strlen(text) == a.n && memcmp(a.s, text, a.n) == 0;
}

bool http_span_is_caseless(struct http_span a, const char *text) {
    return strlen(text) == a.n && strncasecmp(a.s, text, a.n) == 0;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static struct http_span trim(struct http_span a) {
    while (a.n > 0 && is_space(a.s[0])) {
        a.s++;
        a.n--;
    }
    while (a.n > 0 && is_space(a.s[a.n - 1])) {
        a.n--;
    }
    return a;
}

bool http_span_lists(struct http_span value, const char *token) {
    while (value.n > 0) {
        const char *comma = memchr(value.s, ',', value.n);
        size_t n = comma == NULL ? value.n : (size_t)(comma - value.s);
        if (http_span_is_caseless(trim((struct http_span){ value.s, n }), token)) {
            return true;
        }
        size_t step = comma == NULL ? n : n + 1;
        value.s += step;
        value.n -= step;
    }
    return false;
}

/* --- the scan --- */

static void refuse(struct http_scan *s, int status, const char *why) {
    if (s->status == 0) {
        s->status = status;
        s->why = why;
    }
}

void http_scan_init(struct http_scan *s) {
    *s = (struct http_scan){ .length = -1 };
}

void http_scan_request(struct http_scan *s, struct http_span method, struct http_span target) {
    static const char *const methods[] = { "GET", "PUT", "POST", "OPTIONS", "DELETE", "HEAD",
        "PATCH" };
    bool known = false;
    for (size_t i = 0; i < COUNT_OF(methods) && !known; i++) {
        known = http_span_is(method, methods[i]);
    }
    if (!known) {
        refuse(s, 400, "The method is not known here");
    }
    if (target.n == 0 || target.s[0] != '/') {
        refuse(s, 400, "The request target must be a path");
    }
    if (target.n > HTTP_TARGET_MAX && !s->to_websocket) {
        refuse(s, 414, "The request target is too long");
    }
}

static void scan_length(struct http_scan *s, struct http_span v) {
    enum { DIGITS_MAX = 18 }; /* fits an int64_t */
    s->lengths++;
    bool digits = v.n > 0;
    int64_t length = 0;
    for (size_t i = 0; i < v.n && digits; i++) {
        digits = v.s[i] >= '0' && v.s[i] <= '9';
        if (digits && i < DIGITS_MAX) {
            length = length * 10 + (v.s[i] - '0');
        }
    }
    if (!digits) {
        refuse(s, 400, "Content-Length must be one decimal number");
    } else if (v.n > DIGITS_MAX) {
        refuse(s, 413, "The body is too large");
    }
    s->length = length;
}

static void scan_coding(struct http_scan *s, struct http_span v) {
    s->codings++;
    s->chunked = http_span_is_caseless(v, "chunked");
    if (!s->chunked) {
        refuse(s, 400, "The only transfer coding known here is chunked");
    }
}

static void scan_host(struct http_scan *s, struct http_span v) {
    (void)v;
    s->hosts++;
}

static void scan_expect(struct http_scan *s, struct http_span v) {
    if (!http_span_is_caseless(v, "100-continue")) {
        refuse(s, 400, "The only expectation known here is 100-continue");
    }
}

static void scan_upgrade(struct http_scan *s, struct http_span v) {
    s->upgrades++;
    s->to_websocket = s->to_websocket || http_span_lists(v, "websocket");
}

static void scan_connection(struct http_scan *s, struct http_span v) {
    s->connection = s->connection || http_span_lists(v, "upgrade");
}

/* RFC 6455, 4.1: 16 bytes in base64, so 22 characters and "==". */
static void scan_key(struct http_scan *s, struct http_span v) {
    enum { KEY_TEXT = 24 };
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    s->keys++;
    s->key = v.n == KEY_TEXT && v.s[KEY_TEXT - 1] == '=' && v.s[KEY_TEXT - 2] == '=';
    for (size_t i = 0; i < KEY_TEXT - 2 && s->key; i++) {
        s->key = memchr(alphabet, v.s[i], sizeof(alphabet) - 1) != NULL;
    }
}

static void scan_version(struct http_scan *s, struct http_span v) {
    s->versions++;
    s->version = http_span_is(v, "13");
}

static bool token_char(unsigned char c) { /* RFC 9110, 5.6.2 */
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool sound_name(struct http_span name) {
    bool fine = name.n > 0;
    for (size_t i = 0; i < name.n && fine; i++) {
        fine = token_char((unsigned char)name.s[i]);
    }
    return fine;
}

static bool sound_value(struct http_span v) {
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.s[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) {
            return false;
        }
    }
    return true;
}

void http_scan_field(struct http_scan *s, const struct http_field *f) {
    static const struct {
        const char *name;
        void (*scan)(struct http_scan *s, struct http_span value);
    } rows[] = {
        { "Host", scan_host },
        { "Content-Length", scan_length },
        { "Transfer-Encoding", scan_coding },
        { "Expect", scan_expect },
        { "Upgrade", scan_upgrade },
        { "Connection", scan_connection },
        { "Sec-WebSocket-Key", scan_key },
        { "Sec-WebSocket-Version", scan_version },
    };
    if (!sound_name(f->name)) { /* white space before the colon ends here too */
        refuse(s, 400, "A header name is malformed");
        return;
    }
    if (!sound_value(f->value)) {
        refuse(s, 400, "A header value holds a control character");
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (http_span_is_caseless(f->name, rows[i].name)) {
            rows[i].scan(s, f->value);
            return;
        }
    }
}

int http_scan_end(struct http_scan *s, bool http_1_1) {
    if (s->hosts > 1) {
        refuse(s, 400, "There must be one Host header");
    }
    if (s->hosts == 0 && http_1_1) {
        refuse(s, 400, "There must be a Host header");
    }
    if (s->lengths > 1) {
        refuse(s, 400, "There must be one Content-Length");
    }
    if (s->codings > 0 && s->lengths > 0) {
        refuse(s, 400, "Transfer-Encoding and Content-Length exclude each other");
    }
    if (s->codings > 1 || (s->codings > 0 && !http_1_1)) {
        refuse(s, 400, "Transfer-Encoding cannot be used like this");
    }
    return s->status;
}

const char *http_scan_upgrade_fault(
    const struct http_scan *s, struct http_span method, bool http_1_1) {
    const struct {
        bool wrong;
        const char *why;
    } rows[] = {
        { !http_span_is(method, "GET"), "A WebSocket upgrade must be a GET" },
        { !http_1_1, "A WebSocket upgrade needs HTTP/1.1" },
        { s->length > 0 || s->chunked, "A WebSocket upgrade has no body" },
        { !s->to_websocket || s->upgrades != 1, "The Upgrade header must say websocket" },
        { !s->connection, "The Connection header must say upgrade" },
        { !s->key || s->keys != 1, "Sec-WebSocket-Key is missing or malformed" },
        { !s->version || s->versions != 1, "Sec-WebSocket-Version must be 13" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].wrong) {
            return rows[i].why;
        }
    }
    return NULL;
}

/* --- the head --- */

static void refuse_head(struct http_head *h, int status, const char *why) {
    h->kind = HTTP_HEAD_REFUSED;
    h->status = status;
    h->why = why;
}

/* Takes one line off `left`, without its end; false when no end has come. */
static bool take_line(struct http_span *left, struct http_span *ret) {
    const char *end = memchr(left->s, '\n', left->n);
    if (end == NULL) {
        return false;
    }
    size_t n = (size_t)(end - left->s);
    *ret = (struct http_span){ left->s, n > 0 && left->s[n - 1] == '\r' ? n - 1 : n };
    left->s += n + 1;
    left->n -= n + 1;
    return true;
}

/* "GET /path HTTP/1.1": single spaces, nothing else that a space could be. */
static bool read_request_line(struct http_head *h, struct http_span line) {
    const char *space = memchr(line.s, ' ', line.n);
    if (space == NULL) {
        return false;
    }
    h->method = (struct http_span){ line.s, (size_t)(space - line.s) };
    struct http_span rest = { space + 1, line.n - h->method.n - 1 };
    space = memchr(rest.s, ' ', rest.n);
    if (space == NULL) {
        return false;
    }
    h->target = (struct http_span){ rest.s, (size_t)(space - rest.s) };
    struct http_span version = { space + 1, rest.n - h->target.n - 1 };
    for (size_t i = 0; i < h->target.n; i++) {
        unsigned char c = (unsigned char)h->target.s[i];
        if (c <= 0x20 || c == 0x7F) {
            return false;
        }
    }
    h->http_1_1 = http_span_is(version, "HTTP/1.1");
    return h->http_1_1 || http_span_is(version, "HTTP/1.0");
}

static bool read_field(struct http_head *h, struct http_span line) {
    const char *colon = memchr(line.s, ':', line.n);
    if (colon == NULL ||
        is_space(line.s[0])) { /* a folded line (RFC 9112, 5.2) begins with a space */
        refuse_head(h, 400, "A header line is malformed");
        return false;
    }
    if (h->n_fields == HTTP_FIELDS_MAX) {
        refuse_head(h, 431, "There are too many header lines");
        return false;
    }
    size_t n = (size_t)(colon - line.s);
    h->fields[h->n_fields++] = (struct http_field){
        .name = { line.s, n },
        .value = trim((struct http_span){ colon + 1, line.n - n - 1 }),
    };
    return true;
}

/* The head is whole and its lines are well formed: what is it? */
static void judge(struct http_head *h) {
    struct http_scan s;
    http_scan_init(&s);
    for (size_t i = 0; i < h->n_fields; i++) {
        http_scan_field(&s, &h->fields[i]);
    }
    http_scan_request(&s, h->method, h->target);
    if (http_scan_end(&s, h->http_1_1) != 0) {
        refuse_head(h, s.status, s.why);
    } else if (http_scan_upgrade_fault(&s, h->method, h->http_1_1) == NULL) {
        h->kind = HTTP_HEAD_UPGRADE;
    } else if (h->target.n > HTTP_TARGET_MAX) {
        refuse_head(h, 414, "The request target is too long");
    } else if (h->len > HTTP_HEAD_MAX) {
        refuse_head(h, 431, "The request head is too long");
    } else {
        h->kind = HTTP_HEAD_PLAIN;
    }
}

static bool starts_like_http(struct http_span left) {
    char c = left.s[0];
    return (c >= 'A' && c <= 'Z') || c == '\r' || c == '\n';
}

void http_head_read(const char *bytes, size_t n, struct http_head *ret) {
    ret->kind = HTTP_HEAD_PARTIAL;
    ret->status = 0;
    ret->why = NULL;
    ret->len = 0;
    ret->method = ret->target = (struct http_span){ "", 0 };
    ret->http_1_1 = false;
    ret->n_fields = 0;
    struct http_span left = { bytes, n };
    struct http_span line;
    if (n > 0 && !starts_like_http(left)) {
        ret->kind = HTTP_HEAD_ALIEN;
        return;
    }
    do { /* empty lines before a request are left over from an old client's body (RFC 9112, 2.2) */
        if (!take_line(&left, &line)) {
            if (n >= HTTP_PEEK_MAX) {
                refuse_head(ret, 414, "The request target is too long");
            }
            return;
        }
    } while (line.n == 0);
    if (!read_request_line(ret, line)) {
        refuse_head(ret, 400, "The request line is malformed");
        return;
    }
    while (take_line(&left, &line)) {
        if (line.n == 0) {
            ret->len = n - left.n;
            judge(ret);
            return;
        }
        if (!read_field(ret, line)) {
            return;
        }
    }
    if (n >= HTTP_PEEK_MAX) {
        refuse_head(ret, 431, "The request head is too long");
    }
}

const struct http_field *http_head_field(const struct http_head *h, const char *name) {
    for (size_t i = 0; i < h->n_fields; i++) {
        if (http_span_is_caseless(h->fields[i].name, name)) {
            return &h->fields[i];
        }
    }
    return NULL;
}
