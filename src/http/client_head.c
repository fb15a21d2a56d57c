/* The head of an answer, line by line.  Thread: any; pure. */
#include "http/client_head.h"

#include "core/clock.h"
#include "core/mem.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* An HTTP date as Unix ms; `otherwise` when it is none. */
static int64_t read_date(const char *value, int64_t otherwise) {
    time_t when = curl_getdate(value, NULL);
    return when < 0 ? otherwise : (int64_t)when * SEC_MS;
}

static void take_date(struct http_client_head *h, const char *value) {
    h->date_ms = read_date(value, 0);
}

static void take_expires(struct http_client_head *h, const char *value) {
    h->expires_ms = read_date(value, 1); /* RFC 9111, 5.3: "0" and noise lie in the past */
}

static void take_cache_control(struct http_client_head *h, const char *value) {
    size_t n = strlen(h->cache_control);
    snprintf(h->cache_control + n, sizeof(h->cache_control) - n, "%s%s", n > 0 ? "," : "", value);
}

static void keep_line(struct http_client_head *h, const char *line, size_t len) {
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) {
        buf_clear(&h->lines);
        return;
    }
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
        len--;
    }
    if (len > 0) {
        buf_put(&h->lines, line, len);
        buf_putc(&h->lines, '\n');
    }
}

void http_client_head_init(struct http_client_head *h, bool keep) {
    *h = (struct http_client_head){ .keep = keep };
    buf_init(&h->lines, HTTP_CLIENT_HEAD_MAX);
}

void http_client_head_finish(struct http_client_head *h) {
    buf_finish(&h->lines);
}

bool http_client_head_take(struct http_client_head *h, const char *line, size_t len) {
    static const struct {
        const char *name;
        void (*take)(struct http_client_head *h, const char *value);
    } rows[] = {
        { "Date:", take_date },
        { "Expires:", take_expires },
        { "Cache-Control:", take_cache_control },
    };
    char text[HTTP_CACHE_CONTROL_BYTES];
    h->bytes += len;
    if (h->keep) {
        keep_line(h, line, len);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t name = strlen(rows[i].name);
        if (len >= name && strncasecmp(line, rows[i].name, name) == 0) {
            size_t rest = len - name;
            snprintf(text, sizeof(text), "%.*s",
                (int)(rest < sizeof(text) ? rest : sizeof(text) - 1), line + name);
            text[strcspn(text, "\r\n")] = '\0';
            rows[i].take(h, text);
        }
    }
    return h->bytes <= HTTP_CLIENT_HEAD_MAX;
}
