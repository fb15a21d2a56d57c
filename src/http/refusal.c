/* Raw refusals. */
#include "http/refusal.h"

#include "core/buf.h"
#include "core/mem.h"
#include "http/exchange.h"

#include <string.h>
#include <sys/socket.h>

static const char *phrase(int status) {
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status == status) {
            return rows[i].text;
        }
    }
    return status >= 500 ? "Internal Server Error" : "Refused";
}

static void send_all(int fd, int status, const char *type, const struct buf *body, bool cors) {
    CLEANUP(buf_finish) struct buf all;
    buf_init(&all, 0);
    buf_printf(&all,
        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n",
        status, phrase(status), type, body->len);
    for (size_t i = 0; cors && i < HTTP_CORS_FIELDS; i++) {
        buf_printf(&all, "%s: %s\r\n", http_cors_fields[i].name, http_cors_fields[i].value);
    }
    buf_printf(&all, "\r\n%s", buf_str(body));
    if (!body->bad && !all.bad) {
        ssize_t sent = send(fd, all.data, all.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent; /* whoever does not take it gets the close alone */
    }
}

void http_refusal_send(int fd, int status, const char *errcode, const char *text, bool cors) {
    CLEANUP(buf_finish) struct buf body;
    buf_init(&body, 0);
    buf_putc(&body, '{');
    buf_json_field(&body, "errcode", errcode);
    buf_json_field(&body, "error", text);
    buf_putc(&body, '}');
    send_all(fd, status, "application/json", &body, cors);
}

void http_refusal_send_text(int fd, int status, const char *text, bool cors) {
    CLEANUP(buf_finish) struct buf body;
    buf_init(&body, 0);
    buf_puts(&body, text);
    send_all(fd, status, "text/plain; charset=utf-8", &body, cors);
}
