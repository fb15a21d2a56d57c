/*
 * The homeserver as a client sees it: one way for all calls (matrix/requests lists them): build the
 * address, send, perhaps once more, read the answer.
 *
 *     mx_client_… -> mx_call_begin -> call_send -> http -> on_http -> mx_answer_read -> `done`
 *                                      ^------ timer ------'  (a second attempt, at most one)
 *
 * Thread: main.
 */
#include "matrix/client.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/client.h"
#include "matrix/answer.h"
#include "matrix/body.h"
#include "matrix/call.h"
#include "matrix/ids.h"
#include "matrix/path.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define TIMEOUT_US         (10 * SEC_US) /* matrix-calls, 5: where the configuration says 0 */
#define RETRY_MS           250 /* before a GET is asked again after 5xx or a broken connection */
#define RETRY_AFTER_MAX_MS (5 * SEC_MS) /* longer waits are the asker's to plan */
#define ANSWER_MAX_BYTES   (32 * MIB)   /* the state or the members of the largest rooms */
#define PENDING_MAX        1000         /* calls under way; askers keep themselves below this */

#define REQUESTS(outcome)                                                                          \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_homeserver_requests_total",                           \
        "outcome=\"" outcome "\"",                                                                 \
        "Requests to the homeserver by how they ended, repeated ones counted twice.")
static struct metric requests[MX_OUT_COUNT] = {
    [MX_OUT_OK] = REQUESTS("ok"),
    [MX_OUT_REFUSED] = REQUESTS("refused"),
    [MX_OUT_LIMITED] = REQUESTS("limited"),
    [MX_OUT_SERVER] = REQUESTS("server_error"),
    [MX_OUT_UNREACHABLE] = REQUESTS("unreachable"),
    [MX_OUT_TIMEOUT] = REQUESTS("timeout"),
};
METRIC_HISTOGRAM(
    request_seconds, "parley_homeserver_request_seconds", "Time to the homeserver's answer.");
METRIC_COUNTER(unreadable, "parley_homeserver_values_unreadable_total",
    "Values in lists of the homeserver, mostly state events, that are no JSON to us.");

struct mx_client {
    uv_loop_t *loop;
    struct http_client *http;
    char *url;
    char *tokens[2]; /* secrets: as_token, and the one before it or NULL */
    int token;       /* the one that was not refused last */
    int64_t timeout_us;
    struct call *calls; /* under way */
    size_t n_calls;
};

/* One call, from the asker's question to the answer. */
struct call {
    struct mx_client *client;
    struct call *prev, *next;
    const char *name;   /* for logs; a literal */
    const char *method; /* a literal */
    char *url;
    char *body; /* NULL = none */
    bool bearer;
    char *stranger;    /* secret: the token of somebody else to ask with; NULL = ours */
    int token;         /* which of ours it was sent with */
    bool both_tried;   /* of our tokens */
    bool in_use_is_ok; /* M_USER_IN_USE is what was wanted */
    bool repeated;
    mx_done *done;
    void *arg;
    int64_t sent_us;
    struct http_client_call *under_way; /* NULL: waiting for the second attempt */
    uv_timer_t timer;
    bool timer_open;
};

static void on_timer_closed(uv_handle_t *h) {
    mem_free(h->data);
}

/* Takes it off the list and frees it; libuv may need the memory one turn longer. */
static void call_destroy(struct call *call) {
    DL_DELETE(call->client->calls, call);
    call->client->n_calls--;
    if (call->under_way != NULL) {
        http_client_cancel(call->under_way);
    }
    mem_free(call->url);
    mem_free(call->body);
    mem_free_secret(call->stranger);
    call->stranger = NULL;
    if (call->timer_open) {
        uv_close((uv_handle_t *)&call->timer, on_timer_closed);
    } else {
        mem_free(call);
    }
}

/* --- attempts --- */

/* How long to wait before asking again; -1 = do not. */
static int64_t retry_wait_ms(
    const struct call *call, const struct http_client_answer *h, const json_t *json) {
    bool get = strcmp(call->method, "GET") == 0;
    if (call->repeated) {
        return -1;
    }
    if (h->err == ERR_UNREACHABLE || (h->err == OK && h->status >= 500)) {
        return get ? RETRY_MS : -1;
    }
    if (h->err != OK || h->status != 429) {
        return -1;
    }
    /* The header is the newer place (Matrix 1.10); the member of the body is where all servers have
     * it. Nothing was done yet, so every method may come again. */
    int64_t wait = h->retry_after_ms;
    if (wait <= 0) {
        wait = json_integer_value(json_object_get(json, "retry_after_ms"));
    }
    return wait > 0 && wait <= RETRY_AFTER_MAX_MS ? wait : -1;
}

static void on_http(void *arg, const struct http_client_answer *h);

static const char *bearer_of(const struct call *call) {
    if (call->stranger != NULL) {
        return call->stranger;
    }
    return call->bearer ? call->client->tokens[call->token] : NULL;
}

static enum err call_send(struct call *call) {
    call->token = call->client->token;
    const struct http_client_spec spec = {
        .method = call->method,
        .url = call->url,
        .bearer = bearer_of(call),
        .body = call->body,
        .timeout_us = call->client->timeout_us,
        .answer_max = ANSWER_MAX_BYTES,
    };
    call->sent_us = clock_mono_us();
    return http_client_send(call->client->http, &spec, on_http, call, &call->under_way);
}

/* The last thing that happens to a call. */
static void call_finish(struct call *call, const struct mx_answer *a) {
    mx_done *done = call->done;
    void *arg = call->arg;
    LOG_DEBUG(&log_root, "homeserver_answered", "call=%s status=%d ms=%lld text=%s", call->name,
        a->status, (long long)((clock_mono_us() - call->sent_us) / 1000), LOG_Q(a->text));
    call_destroy(call);
    done(arg, a);
}

static void call_again(struct call *call) {
    enum err e = call_send(call);
    if (e != OK) {
        call_finish(call, &(struct mx_answer){ .err = e, .text = err_text(), .errcode = "" });
    }
}

static void on_retry_due(uv_timer_t *timer) {
    call_again(timer->data);
}

static void call_repeat(struct call *call, int64_t wait_ms) {
    int failed = uv_timer_init(call->client->loop, &call->timer);
    assert(failed == 0);
    call->repeated = true;
    call->timer_open = true;
    call->timer.data = call;
    uv_update_time(
        call->timer.loop); /* never before the homeserver wants it, however long this turn is */
    failed = uv_timer_start(&call->timer, on_retry_due, (uint64_t)wait_ms + 1, 0);
    assert(failed == 0);
    (void)failed;
}

/* While our token is being changed the homeserver knows one of two: the old one until it has read
 * the new registration, then the new one. Its refusal says which, and nothing was done yet. */
static bool other_token(struct call *call, const struct mx_answer *a) {
    struct mx_client *c = call->client;
    if (!call->bearer || call->stranger != NULL || call->both_tried || c->tokens[1] == NULL ||
        strcmp(a->errcode, "M_UNKNOWN_TOKEN") != 0) {
        return false;
    }
    call->both_tried = true;
    if (c->token == call->token) {
        c->token = !c->token;
        LOG_INFO(&log_root, "as_token_changed", "to=%s", c->token == 0 ? "new" : "old");
    }
    return true;
}

static void on_http(void *arg, const struct http_client_answer *h) {
    struct call *call = arg;
    call->under_way = NULL;
    json_t *json = NULL;
    if (h->err == OK) {
        size_t dropped = 0;
        json = mx_body_read(h->body, h->len, &dropped);
        metric_add(&unreadable, (int64_t)dropped);
    }
    struct mx_answer_texts texts;
    struct mx_answer a = { .err = h->err, .text = h->text, .errcode = "" };
    if (h->err == OK) {
        mx_answer_read(h, json, &texts, &a);
    }
    if (call->in_use_is_ok && strcmp(a.errcode, "M_USER_IN_USE") == 0) {
        a.err = OK;
        a.text = "";
    }
    metric_add(&requests[mx_answer_outcome(h, &a)], 1);
    metric_observe_us(&request_seconds, clock_mono_us() - call->sent_us);
    int64_t wait_ms = retry_wait_ms(call, h, json);
    if (other_token(call, &a)) {
        call_again(call);
    } else if (wait_ms >= 0) {
        call_repeat(call, wait_ms);
    } else {
        call_finish(call, &a);
    }
    json_decref(json);
}

/* --- beginning one --- */

static enum err call_url(const struct mx_client *c, const struct mx_call_spec *spec, char **ret) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, c->url);
    TRY(mx_path_append(&b, spec->path, spec->parts, spec->n_parts));
    mx_path_query(&b, "user_id", spec->as_user);
    if (spec->query != NULL) {
        mx_path_query(&b, spec->query, spec->query_value);
    }
    char sticky[24];
    snprintf(sticky, sizeof(sticky), "%" PRId64, spec->sticky_ms);
    mx_path_query(&b, "org.matrix.msc4354.sticky_duration_ms", spec->sticky_ms > 0 ? sticky : NULL);
    TRY(buf_check(&b));
    *ret = buf_take(&b);
    return OK;
}

enum err mx_call_begin(
    struct mx_client *c, const struct mx_call_spec *spec, mx_done *done, void *arg) {
    CLEANUP(mem_freep) char *body = spec->body;
    CLEANUP(mem_freep) char *url = NULL;
    if (spec->as_user != NULL && !mx_user_id_valid(spec->as_user)) {
        return err_set(ERR_INVALID, "%s is no user id", LOG_Q(spec->as_user));
    }
    if (c->n_calls >= PENDING_MAX) {
        return err_set(ERR_LIMIT, "%d calls to the homeserver are under way", PENDING_MAX);
    }
    TRY(call_url(c, spec, &url));
    struct call *call = mem_zalloc(sizeof *call);
    if (call == NULL) {
        return err_set(ERR_NOMEM, "no memory for a call to the homeserver");
    }
    call->client = c;
    call->name = spec->name;
    call->method = spec->method;
    call->url = STEAL(url);
    call->body = STEAL(body);
    call->bearer = !spec->no_bearer;
    call->in_use_is_ok = spec->in_use_is_ok;
    call->done = done;
    call->arg = arg;
    DL_APPEND(c->calls, call);
    c->n_calls++;
    if (spec->stranger != NULL && (call->stranger = mem_strdup(spec->stranger)) == NULL) {
        call_destroy(call);
        return err_set(ERR_NOMEM, "no memory for a call to the homeserver");
    }
    enum err e = call_send(call);
    if (e != OK) {
        call_destroy(call);
    }
    return e;
}

/* What a header can carry. */
enum err mx_token_check(const char *what, const char *token) {
    for (const char *p = token; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f) {
            return err_set(ERR_INVALID, "%s: want printable characters without spaces", what);
        }
    }
    return OK;
}

/* --- the client --- */

static enum err config_check(const struct mx_client_config *cfg) {
    if (strncmp(cfg->url, "http://", 7) != 0 && strncmp(cfg->url, "https://", 8) != 0) {
        return err_set(ERR_INVALID, "homeserver.url: want http:// or https://");
    }
    TRY(mx_token_check("as_token", cfg->as_token));
    return cfg->as_token_old == NULL ? OK : mx_token_check("as_token", cfg->as_token_old);
}

enum err mx_client_set_tokens(struct mx_client *c, const char *as_token, const char *as_token_old) {
    char *now = mem_strdup(as_token);
    char *before = as_token_old == NULL ? NULL : mem_strdup(as_token_old);
    if (now == NULL || (as_token_old != NULL && before == NULL)) {
        mem_free_secret(now);
        mem_free_secret(before);
        return err_set(ERR_NOMEM, "no memory for the homeserver's client");
    }
    mem_free_secret(c->tokens[0]);
    mem_free_secret(c->tokens[1]);
    c->tokens[0] = now;
    c->tokens[1] = before;
    c->token = 0;
    return OK;
}

enum err mx_client_create(uv_loop_t *loop, struct http_client *http,
    const struct mx_client_config *cfg, struct mx_client **ret) {
    TRY(config_check(cfg));
    struct mx_client *c = mem_zalloc(sizeof *c);
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for the homeserver's client");
    }
    c->loop = loop;
    c->http = http;
    c->timeout_us = cfg->timeout_us > 0 ? cfg->timeout_us : TIMEOUT_US;
    c->url = mem_strdup(cfg->url);
    enum err e = c->url == NULL ? err_set(ERR_NOMEM, "no memory for the homeserver's client")
                                : mx_client_set_tokens(c, cfg->as_token, cfg->as_token_old);
    if (e != OK) {
        mx_client_destroy(c);
        return e;
    }
    for (size_t n = strlen(c->url); n > 0 && c->url[n - 1] == '/'; n--) {
        c->url[n - 1] = '\0';
    }
    for (size_t i = 0; i < MX_OUT_COUNT; i++) {
        metrics_register(&requests[i]);
    }
    metrics_register(&request_seconds);
    metrics_register(&unreadable);
    *ret = c;
    return OK;
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    struct call *call = NULL;
    struct call *next = NULL;
    DL_FOREACH_SAFE(c->calls, call, next) {
        if (call->arg == arg) {
            call_destroy(call);
        }
    }
}

void mx_client_destroy(struct mx_client *c) {
    if (c == NULL) {
        return;
    }
    while (c->calls != NULL) {
        call_destroy(c->calls);
    }
    mem_free(c->url);
    mem_free_secret(c->tokens[0]);
    mem_free_secret(c->tokens[1]);
    mem_free(c);
}
