/*
 * A homeserver's client whose HTTP client is only a list of what was asked. Included once by each
 * test program that wants it.
 */
#ifndef TESTS_UNIT_MATRIX_WORLD_H
#define TESTS_UNIT_MATRIX_WORLD_H

#include "matrix/client.h"

#include "core/clock.h"
#include "http/client.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

/* --- the HTTP client --- */

struct http_client {
    size_t sent;
    char asked[1024]; /* the latest: "GET url [bearer] [body]" */
    struct http_client_call *call;
};
struct http_client_call {
    struct http_client *http;
    http_client_done *done;
    void *arg;
};

enum err http_client_send(struct http_client *c, const struct http_client_spec *spec,
    http_client_done *done, void *arg, struct http_client_call **ret_call) {
    struct http_client_call *call = mem_zalloc(sizeof *call);
    if (call == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    *call = (struct http_client_call){ c, done, arg };
    c->sent++;
    c->call = call;
    snprintf(c->asked, sizeof c->asked, "%s %s%s%s%s%s", spec->method, spec->url,
        spec->bearer != NULL ? " " : "", spec->bearer != NULL ? spec->bearer : "",
        spec->body != NULL ? " " : "", spec->body != NULL ? spec->body : "");
    *ret_call = call;
    return OK;
}

void http_client_cancel(struct http_client_call *call) {
    call->http->call = NULL;
    mem_free(call);
}

static inline void answer(struct http_client *c, const struct http_client_answer *a) {
    struct http_client_call *call = STEAL(c->call);
    CHECK(call != NULL);
    if (call != NULL) {
        call->done(call->arg, a);
        mem_free(call);
    }
}

static inline void answer_text(struct http_client *c, int status, const char *body) {
    answer(c, &(struct http_client_answer){
                  .status = status, .body = body, .len = strlen(body), .text = "" });
}

/* --- the asker --- */

struct asker {
    int answers;
    enum err err;
    int status;
    char text[512];
    char errcode[128];
    bool json;
    size_t topic_len;
};

static inline void on_answer(void *arg, const struct mx_answer *a) {
    struct asker *asker = arg;
    asker->answers++;
    asker->err = a->err;
    asker->status = a->status;
    asker->json = a->json != NULL;
    asker->topic_len = json_string_length(json_object_get(a->json, "topic"));
    snprintf(asker->text, sizeof asker->text, "%s", a->text);
    snprintf(asker->errcode, sizeof asker->errcode, "%s", a->errcode);
}

struct world {
    uv_loop_t loop;
    struct http_client http;
    struct mx_client *client;
    struct asker asker;
};

static inline enum err world_init(struct world *w) {
    memset(w, 0, sizeof *w);
    uv_loop_init(&w->loop);
    const struct mx_client_config cfg = { .url = "http://hs:8008/", .as_token = "secret" };
    return mx_client_create(&w->loop, &w->http, &cfg, &w->client);
}

static inline void world_finish(struct world *w) {
    mx_client_destroy(w->client);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&w->loop));
}

/* Turns the loop until the client has asked `sent` times; at most 10 s. */
static inline void wait_sent(struct world *w, size_t sent) {
    int64_t end_us = clock_mono_us() + 10 * SEC_US;
    while (w->http.sent < sent && clock_mono_us() < end_us && uv_loop_alive(&w->loop)) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
}

#endif
