/* One line an event. The text form is the source; the JSON form is the same words, split. */
#include "core/log.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/utf8.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

const struct log_ctx log_root;

static atomic_int least = LOG_LEVEL_INFO;
static atomic_int format = LOG_FORMAT_TEXT;
static atomic_int out = STDERR_FILENO;

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_level l, enum log_format f) {
    atomic_store(&least, (int)l);
    atomic_store(&format, (int)f);
}

void log_redirect(int fd) {
    atomic_store(&out, fd);
}

bool log_enabled(enum log_level level) {
    return (int)level >= atomic_load_explicit(&least, memory_order_relaxed);
}

static bool plain(const char *s) {
    if (*s == '\0') {
        return false;
    }
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c <= 0x20 || c >= 0x7F || c == '"' || c == '\\' || c == '=') {
            return false;
        }
    }
    return true;
}

const char *log_quote(const char *value) {
    enum { SLOTS = 8, SIZE = 160, ROOM_FOR_ESCAPE = 8 };
    static _Thread_local char slots[SLOTS][SIZE];
    static _Thread_local unsigned turn;
    if (value == NULL) {
        return "-";
    }
    char *ret = slots[turn++ % SLOTS];
    if (plain(value)) {
        snprintf(ret, SIZE, "%s", value);
        return ret;
    }
    size_t n = 0;
    ret[n++] = '"';
    for (const char *s = value; *s != '\0' && n < SIZE - ROOM_FOR_ESCAPE;) {
        unsigned char c = (unsigned char)*s;
        size_t width = utf8_width(s, strlen(s) > 4 ? 4 : strlen(s));
        if (c == '"' || c == '\\') {
            ret[n++] = '\\';
            ret[n++] = *s++;
        } else if (c < 0x20 || c == 0x7F || width == 0) {
            n += (size_t)snprintf(ret + n, SIZE - n, "\\u%04x", c);
            s++;
        } else {
            memcpy(ret + n, s, width);
            n += width;
            s += width;
        }
    }
    ret[n++] = '"';
    ret[n] = '\0';
    return ret;
}

void log_ctx_add(
    struct log_ctx *ctx, const struct log_ctx *parent, const char *key, const char *value) {
    char before[LOG_CTX_SIZE];
    snprintf(before, sizeof(before), "%s", parent == NULL ? "" : parent->text);
    char word[LOG_CTX_SIZE];
    snprintf(word, sizeof(word), "%s%s=%s", before[0] == '\0' ? "" : " ", key, log_quote(value));
    size_t used = strlen(before);
    memcpy(ctx->text, before, used + 1);
    /* An id that no longer fits is left out whole: half an id would mislead. */
    if (used + strlen(word) < sizeof(ctx->text)) {
        memcpy(ctx->text + used, word, strlen(word) + 1);
    }
}

/* Copies one value of a text line (bare or quoted) as a JSON string; gives what follows it. */
static const char *json_value(struct buf *b, const char *s) {
    if (*s != '"') {
        size_t n = strcspn(s, " ");
        buf_json_strn(b, s, n);
        return s + n;
    }
    const char *end = s + 1;
    while (*end != '\0' && *end != '"') {
        end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
    }
    buf_put(b, s, (size_t)(end - s));
    buf_putc(b, '"');
    return *end == '"' ? end + 1 : end;
}

static void json_line(struct buf *b, const char *text) {
    buf_putc(b, '{');
    for (const char *s = text; *s != '\0';) {
        size_t key = strcspn(s, "= ");
        if (s[key] != '=') {
            s += key + (s[key] == ' ');
            continue;
        }
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)(key < 63 ? key : 63), s);
        buf_json_key(b, name);
        s = json_value(b, s + key + 1);
        s += *s == ' ';
    }
    buf_puts(b, "}");
}

void log_write(
    enum log_level level, const struct log_ctx *ctx, const char *event, const char *fmt, ...) {
    char when[CLOCK_TEXT_SIZE];
    clock_format(clock_wall_ms(), when);
    char line[LINE_MAX_BYTES];
    const char *ids = ctx == NULL ? "" : ctx->text;
    int head = snprintf(line, sizeof(line), "time=%s level=%s%s%s event=%s", when,
        level_names[level], ids[0] == '\0' ? "" : " ", ids, event);
    size_t n = (size_t)head;
    if (fmt[0] != '\0' && n < sizeof(line) - 2) {
        line[n++] = ' ';
        va_list ap;
        va_start(ap, fmt);
        int more = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
        va_end(ap);
        n += more < 0 ? 0 : (size_t)more;
    }
    if (n > sizeof(line) - 2) {
        n = sizeof(line) - 2;
    }
    for (size_t i = 0; i < n; i++) { /* one event, one line, whatever a peer sent */
        if ((unsigned char)line[i] < 0x20) {
            line[i] = ' ';
        }
    }
    line[n] = '\0';
    struct buf b;
    buf_init(&b, 0);
    if (atomic_load(&format) == LOG_FORMAT_JSON) {
        json_line(&b, line);
    }
    bool as_json = b.len > 0 && !b.bad;
    line[n] = '\n';
    if (as_json) {
        buf_putc(&b, '\n');
    }
    ssize_t written = as_json && !b.bad ? write(atomic_load(&out), b.data, b.len)
                                        : write(atomic_load(&out), line, n + 1);
    (void)written; /* there is nowhere left to report to */
    buf_finish(&b);
}
