/* A request that waits. The loop is turned here and nowhere else, so nothing happens in between. */
#include "doctor/fetch.h"

#include "core/clock.h"
#include "core/mem.h"
#include "doctor/check.h"
#include "http/client.h"

#include <string.h>
#include <uv.h>

struct doctor_fetcher {
    uv_loop_t loop;
    struct http_client *http;
    json_t *kept; /* an array of all JSON that was given away */
};

struct wait {
    struct doctor *doctor;
    struct doctor_answer *ret;
    bool over;
};

enum err doctor_fetcher_create(struct doctor_fetcher **ret) {
    struct doctor_fetcher *f = mem_zalloc(sizeof(*f));
    if (f == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    if (uv_loop_init(&f->loop) != 0) {
        mem_free(f);
        return err_set(ERR_IO, "the event loop did not start");
    }
    enum err e = http_client_create(&f->loop, &f->http);
    if (e != OK) {
        uv_loop_close(&f->loop);
        mem_free(f);
        return e;
    }
    f->kept = json_array();
    *ret = f;
    return OK;
}

void doctor_fetcher_destroy(struct doctor_fetcher *f) {
    if (f == NULL) {
        return;
    }
    http_client_destroy(f->http);
    uv_run(&f->loop, UV_RUN_DEFAULT); /* until its handles are closed */
    uv_loop_close(&f->loop);
    json_decref(f->kept);
    mem_free(f);
}

static const char *copy(struct doctor *d, const char *s, size_t n) {
    const char *text = arena_strndup(&d->arena, s, n);
    return text == NULL ? "" : text;
}

static void answered(void *arg, const struct http_client_answer *a) {
    struct wait *w = arg;
    struct doctor *d = w->doctor;
    struct doctor_answer *r = w->ret;
    w->over = true;
    r->answered_ms = clock_wall_ms();
    r->err = a->err;
    r->text = copy(d, a->text, strlen(a->text));
    r->status = a->status;
    r->date_ms = a->date_ms;
    r->head = copy(d, a->head, strlen(a->head));
    r->body = copy(d, a->body, a->len);
    r->len = a->len;
    json_t *json = json_loadb(a->body, a->len, 0, NULL);
    if (json_is_object(json) && json_array_append(d->fetcher->kept, json) == 0) {
        r->json = json;
        r->errcode = doctor_text_of(json, "errcode");
    }
    json_decref(json);
}

void doctor_fetch(struct doctor *d, const struct doctor_request *q, struct doctor_answer *ret) {
    struct wait w = { .doctor = d, .ret = ret };
    const struct http_client_spec spec = { .method = q->method == NULL ? "GET" : q->method,
        .url = q->url,
        .bearer = q->bearer,
        .body = q->body,
        .type_line = q->type_line,
        .unix_socket = q->unix_socket,
        .timeout_us = q->timeout_us > 0 ? q->timeout_us : DOCTOR_TIMEOUT_US,
        .answer_max = DOCTOR_ANSWER_MAX,
        .fields = q->fields,
        .n_fields = q->n_fields,
        .wants_head = q->wants_head };
    *ret = (struct doctor_answer){ .text = "", .head = "", .body = "", .errcode = "" };
    ret->asked_ms = clock_wall_ms();
    struct http_client_call *call = NULL;
    ret->err = http_client_send(d->fetcher->http, &spec, answered, &w, &call);
    if (ret->err != OK) {
        ret->text = copy(d, err_text(), strlen(err_text()));
        return;
    }
    bool alive = true;
    while (!w.over && alive) {
        alive = uv_run(&d->fetcher->loop, UV_RUN_ONCE) != 0;
    }
    if (!w.over) { /* nothing is left that could answer: libcurl gave up without a word */
        http_client_cancel(call);
        ret->err = ERR_NOMEM;
        ret->text = "out of memory";
    }
}

const char *doctor_text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text == NULL ? "" : text;
}
