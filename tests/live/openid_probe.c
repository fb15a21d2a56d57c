/*
 * Asks matrix/openid about tokens and prints the answers. Reads lines of JSON from standard input,
 * where other users do not see tokens: first the settings, then a list of questions a line, which
 * are asked at once; prints a list of answers a line.
 *
 *     {"own_name": "…", "own_url": "…", "overrides": ["name=url"], "allow": ["127.0.0.0/8"],
 *      "name_servers": "…", "ca_file": "…", "insecure_tls": false, "https_port": 443,
 *      "timeout_ms": 0, "step_timeout_ms": 0}
 *     [{"server": "…", "token": "…", "expires_in_ms": 0}]
 */
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/client.h"
#include "matrix/openid.h"
#include "matrix/outside.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE (1024 * 1024)
#define TEXTS_MAX 16
#define MS_US     1000

struct probe {
    uv_loop_t loop;
    struct http_client *direct;
    struct mx_outside *outside;
    struct mx_openid *openid;
    json_t *answers;
    size_t open;
};

struct question {
    struct probe *probe;
    size_t at;
    int64_t begun_us;
};

static void on_answer(void *arg, const struct mx_openid_answer *a) {
    struct question *q = arg;
    int ms = (int)((clock_mono_us() - q->begun_us) / MS_US);
    json_array_set_new(q->probe->answers, q->at,
        json_pack("{s:s, s:s, s:s, s:s, s:i}", "outcome", mx_openid_outcome_name(a->outcome),
            "user", a->user_id, "server", a->server_name, "text", a->text, "ms", ms));
    q->probe->open--;
    uv_stop(&q->probe->loop);
    mem_free(q);
}

static void ask(struct probe *p, size_t at, const json_t *about) {
    const struct mx_openid_token token = {
        .access_token = json_string_value(json_object_get(about, "token")),
        .matrix_server_name = json_string_value(json_object_get(about, "server")),
        .expires_in_ms = json_integer_value(json_object_get(about, "expires_in_ms")),
    };
    struct question *q = mem_zalloc(sizeof(*q));
    *q = (struct question){ .probe = p, .at = at, .begun_us = clock_mono_us() };
    json_array_append_new(p->answers, json_null());
    p->open++;
    enum err e = mx_openid_verify(p->openid, &token, on_answer, q);
    if (e != OK) {
        json_array_set_new(p->answers, at, json_string(err_name(e)));
        p->open--;
        mem_free(q);
    }
}

static void ask_all(struct probe *p, const json_t *questions) {
    p->answers = json_array();
    for (size_t i = 0; i < json_array_size(questions); i++) {
        ask(p, i, json_array_get(questions, i));
    }
    while (p->open > 0) {
        uv_run(&p->loop, UV_RUN_DEFAULT);
    }
    (void)json_dumpf(p->answers, stdout, JSON_COMPACT);
    putchar('\n');
    (void)fflush(stdout);
    json_decref(p->answers);
}

/* --- life --- */

static const char *text_of(const json_t *settings, const char *key) {
    const char *s = json_string_value(json_object_get(settings, key));
    return s == NULL ? "" : s;
}

static int64_t us_of(const json_t *settings, const char *key) {
    return json_integer_value(json_object_get(settings, key)) * MS_US;
}

static size_t texts_of(const json_t *settings, const char *key, const char *ret[TEXTS_MAX]) {
    const json_t *list = json_object_get(settings, key);
    size_t n = 0;
    for (; n < json_array_size(list) && n < TEXTS_MAX; n++) {
        ret[n] = json_string_value(json_array_get(list, n));
    }
    return n;
}

static enum err begin(struct probe *p, const json_t *s) {
    const char *allow[TEXTS_MAX];
    const char *overrides[TEXTS_MAX];
    const struct mx_outside_config outside = { .allow = allow,
        .n_allow = texts_of(s, "allow", allow),
        .name_servers = text_of(s, "name_servers"),
        .ca_file = text_of(s, "ca_file"),
        .insecure_tls = json_is_true(json_object_get(s, "insecure_tls")),
        .step_timeout_us = us_of(s, "step_timeout_ms"),
        .https_port = (uint16_t)json_integer_value(json_object_get(s, "https_port")) };
    TRY(http_client_create(&p->loop, &p->direct));
    TRY(mx_outside_create(&p->loop, &outside, &p->outside));
    const struct mx_openid_config cfg = { .outside = p->outside,
        .direct = p->direct,
        .own_name = text_of(s, "own_name"),
        .own_url = text_of(s, "own_url"),
        .overrides = overrides,
        .n_overrides = texts_of(s, "overrides", overrides),
        .timeout_us = us_of(s, "timeout_ms"),
        .step_timeout_us = us_of(s, "step_timeout_ms") };
    return mx_openid_create(&p->loop, &cfg, &p->openid);
}

/* NULL at the end of the input. */
static json_t *read_line(void) {
    static char line[LINE_SIZE];
    return fgets(line, sizeof(line), stdin) == NULL ? NULL : json_loads(line, 0, NULL);
}

int main(void) {
    struct probe p = { .open = 0 };
    json_t *settings = read_line();
    log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    uv_loop_init(&p.loop);
    enum err e = begin(&p, settings);
    json_decref(settings);
    if (e != OK) {
        fprintf(stderr, "%s: %s\n", err_name(e), err_text());
    }
    for (json_t *q = NULL; e == OK && (q = read_line()) != NULL; json_decref(q)) {
        ask_all(&p, q);
    }
    mx_openid_destroy(p.openid);
    mx_outside_destroy(p.outside);
    http_client_destroy(p.direct);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    bool leaked = uv_loop_close(&p.loop) != 0 || mem_live() != 0;
    if (leaked) {
        fprintf(stderr, "%llu blocks of memory were left\n", (unsigned long long)mem_live());
    }
    return e != OK || leaked ? 1 : 0;
}
