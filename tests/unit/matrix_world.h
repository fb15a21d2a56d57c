/*
 * A homeserver's client whose HTTP client is only a list of what was asked. Included once by each
 * test program that wants it.
 */
#ifndef TESTS_UNIT_MATRIX_WORLD_H
#define TESTS_UNIT_MATRIX_WORLD_H

#include "matrix/client.h"

#include "core/clock.h"
#include "fake_http.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

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
