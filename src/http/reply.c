/* Answers, and the one table that turns a cause into a status and an errcode. */
#include "http/reply.h"

#include "core/buf.h"
#include "core/log.h"
#include "http/exchange.h"
#include "http/request.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RETRY_UNKNOWN_MS 1000 /* ERR_LIMIT from a room that cannot say when to come again */

/* Matrix asks for these on every answer (Client-Server API, "Web browser clients"); the last four
 * headers are what token services of MatrixRTC allow. */
const struct http_pair http_cors_fields[HTTP_CORS_FIELDS] = {
    { "Access-Control-Allow-Origin", "*" },
    { "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, PATCH, OPTIONS" },
    { "Access-Control-Allow-Headers",
        "X-Requested-With, Content-Type, Authorization, Accept, Content-Length, Accept-Encoding, "
        "X-CSRF-Token" },
};

/* A NULL text: the sentence of err_set goes out. */
static const struct {
    int status;
    const char *errcode;
    const char *text;
} causes[ERR_COUNT] = {
    [OK] = { 500, "M_UNKNOWN", "Internal error" },
    [ERR_NOMEM] = { 503, "M_UNKNOWN", "The server is out of memory; try again" },
    [ERR_INVALID] = { 400, "M_INVALID_PARAM", NULL },
    [ERR_NOT_FOUND] = { 404, "M_NOT_FOUND", NULL },
    [ERR_CONFLICT] = { 409, "M_CALL_STATE", NULL },
    [ERR_GONE] = { 410, "M_GONE", NULL },
    [ERR_UNAUTHORIZED] = { 401, "M_UNKNOWN_TOKEN", NULL },
    [ERR_FORBIDDEN] = { 403, "M_FORBIDDEN", NULL },
    [ERR_TOO_LARGE] = { 413, "M_TOO_LARGE", NULL },
    [ERR_LIMIT] = { 429, "M_LIMIT_EXCEEDED", NULL },
    [ERR_TIMEOUT] = { 504, "M_TIMEOUT", NULL },
    [ERR_UNREACHABLE] = { 502, "M_HOMESERVER_UNREACHABLE", NULL },
    [ERR_DATABASE] = { 503, "M_DATABASE_UNAVAILABLE", "The database is not available; try again" },
    [ERR_IO] = { 500, "M_UNKNOWN", "Internal error" },
};

int http_reply_status(enum err e, bool known, const char **ret_errcode) {
    size_t i = (unsigned)e < ERR_COUNT ? (size_t)e : 0;
    *ret_errcode = e == ERR_UNAUTHORIZED && !known ? "M_MISSING_TOKEN" : causes[i].errcode;
    return causes[i].status;
}

const char *http_reply_text(enum err e) {
    size_t i = (unsigned)e < ERR_COUNT ? (size_t)e : 0;
    return causes[i].text == NULL ? err_text() : causes[i].text;
}

const char *http_reply_errcode(int status) {
    static const struct {
        int status;
        const char *errcode;
    } rows[] = {
        { 404, "M_UNRECOGNIZED" },
        { 405, "M_UNRECOGNIZED" },
        { 413, "M_TOO_LARGE" },
        { 414, "M_TOO_LARGE" },
        { 429, "M_LIMIT_EXCEEDED" },
        { 431, "M_TOO_LARGE" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status == status) {
            return rows[i].errcode;
        }
    }
    return "M_UNKNOWN";
}

/* Everything the answer needs is set. `r` may be freed by this. */
static void finish(struct http_request *r) {
    assert(r->deliver != NULL && r->stage != HTTP_STAGE_ANSWERED);
    r->stage = HTTP_STAGE_ANSWERED;
    r->deliver(r);
}

static void finish_without_memory(struct http_request *r) {
    static const char text[] =
        "{\"errcode\":\"M_UNKNOWN\",\"error\":\"The server is out of memory; try again\"}";
    r->status = 503;
    r->content_type = "application/json";
    r->answer = text;
    r->answer_len = sizeof(text) - 1;
    finish(r);
}

void http_reply_bytes(
    struct http_request *r, int status, const char *content_type, const void *bytes, size_t len) {
    char *copy = arena_alloc(&r->arena, len + 1);
    char *type = arena_strdup(&r->arena, content_type);
    if (copy == NULL || (content_type != NULL && type == NULL)) {
        finish_without_memory(r);
        return;
    }
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    r->status = status;
    r->content_type = type;
    r->answer = copy;
    r->answer_len = len;
    finish(r);
}

enum err http_reply_upgrade(struct http_request *r, int status, const char *text) {
    char *copy = arena_strdup(&r->arena, text);
    r->status = status;
    r->answer = copy == NULL ? "" : copy;
    return err_set(ERR_FORBIDDEN, "%s", text);
}

void http_reply_json(struct http_request *r, int status, const char *json) {
    http_reply_bytes(r, status, "application/json", json, strlen(json));
}

/* Writes the error with what else belongs into its object. */
static void reply_object(struct http_request *r, int status, const char *errcode, const char *text,
    int64_t retry_after_ms) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_putc(&b, '{');
    buf_json_field(&b, "errcode", errcode);
    buf_json_field(&b, "error", text);
    if (retry_after_ms > 0) {
        buf_json_int_field(&b, "retry_after_ms", retry_after_ms);
    }
    buf_putc(&b, '}');
    if (b.bad) {
        finish_without_memory(r);
    } else {
        http_reply_json(r, status, buf_str(&b));
    }
}

void http_reply_error(struct http_request *r, int status, const char *errcode, const char *text) {
    reply_object(r, status, errcode, text, 0);
}

static void reply_later(struct http_request *r, const char *text, int64_t retry_after_ms) {
    char seconds[24];
    snprintf(seconds, sizeof(seconds), "%" PRId64, (retry_after_ms + 999) / 1000);
    http_reply_header(r, "Retry-After", seconds);
    reply_object(r, 429, "M_LIMIT_EXCEEDED", text, retry_after_ms);
}

void http_reply_limited(struct http_request *r, int64_t retry_after_ms) {
    reply_later(r, "Too many requests", retry_after_ms);
}

void http_reply_err(struct http_request *r, enum err e) {
    bool known = http_request_bearer(r) != NULL || http_request_query(r, "access_token") != NULL;
    const char *errcode;
    int status = http_reply_status(e, known, &errcode);
    struct log_ctx ctx;
    log_ctx_add(&ctx, NULL, "peer", r->peer);
    enum log_level level = status >= 500 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;
    LOG_AT(level, &ctx, "request_failed", "method=%s path=%s status=%d cause=%s text=%s", r->method,
        LOG_Q(r->path), status, err_name(e), LOG_Q(err_text()));
    if (e == ERR_LIMIT) {
        reply_later(r, http_reply_text(e), RETRY_UNKNOWN_MS);
    } else {
        http_reply_error(r, status, errcode, http_reply_text(e));
    }
}

/* A value with a line end in it would let its author write headers of their own. */
static bool sound(const char *s) {
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7F) {
            return false;
        }
    }
    return true;
}

void http_reply_header(struct http_request *r, const char *name, const char *value) {
    if (r->n_answer_fields == HTTP_ANSWER_FIELDS_MAX || !sound(name) || !sound(value)) {
        LOG_ERROR(NULL, "answer_header_dropped", "name=%s path=%s", LOG_Q(name), LOG_Q(r->path));
        return;
    }
    struct http_pair f = { arena_strdup(&r->arena, name), arena_strdup(&r->arena, value) };
    if (f.name != NULL && f.value != NULL) {
        r->answer_fields[r->n_answer_fields++] = f;
    }
}
