/*
 * The HTTP door as the unit tests of appservice/ see it: a request that is a struct, and answers
 * that are noted in it. Include it in one file of a program; it defines the functions of
 * http/request.h and http/reply.h that are used.
 */
#ifndef TESTS_UNIT_APPSERVICE_HTTP_H
#define TESTS_UNIT_APPSERVICE_HTTP_H

#include "core/clock.h"
#include "http/reply.h"
#include "http/request.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

struct http_request {
    const char *txn_id;
    const char *body;
    const char *bearer;
    const char *access_token;
    struct arena arena;
    int answers;
    int status; /* 0: http_reply_err was given `cause` */
    enum err cause;
    char answer[128]; /* the JSON, or the errcode */
    char retry_after[8];
};

/* The arena goes with the answer, as the real one does. */
static void note_answer(struct http_request *r, int status, const char *answer) {
    r->answers++;
    r->status = status;
    snprintf(r->answer, sizeof(r->answer), "%s", answer);
    arena_finish(&r->arena);
}

const char *http_request_param(const struct http_request *r, const char *name) {
    CHECK_STR("txnId", name);
    return r->txn_id;
}

const char *http_request_query(const struct http_request *r, const char *name) {
    CHECK_STR("access_token", name);
    return r->access_token;
}

const char *http_request_bearer(const struct http_request *r) {
    return r->bearer;
}

const char *http_request_body(const struct http_request *r, size_t *len) {
    *len = strlen(r->body);
    return r->body;
}

struct arena *http_request_arena(struct http_request *r) {
    return &r->arena;
}

int64_t http_request_arrived_us(const struct http_request *r) {
    (void)r;
    return clock_mono_us();
}

void http_reply_json(struct http_request *r, int status, const char *json) {
    note_answer(r, status, json);
}

void http_reply_error(struct http_request *r, int status, const char *errcode, const char *text) {
    CHECK(text != NULL && text[0] != '\0');
    note_answer(r, status, errcode);
}

void http_reply_err(struct http_request *r, enum err e) {
    r->cause = e;
    note_answer(r, 0, err_name(e));
}

void http_reply_header(struct http_request *r, const char *name, const char *value) {
    CHECK_STR("Retry-After", name);
    snprintf(r->retry_after, sizeof(r->retry_after), "%s", value);
}

#endif
