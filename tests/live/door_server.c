/*
 * A small program that is nothing but the HTTP door, for the tests test_door_… in tests/live.
 *
 *     door_server [--listen ADDRESS]… [--cors] [--connections N] [--head-ms N] [--body-ms N]
 *                 [--idle-ms N] [--rate N] [--burst N] [--trust BLOCK]…
 *
 * Prints "listening PORT" for each listener, in order. SIGTERM drains for up to 5 s, ends with 0.
 */
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/client.h"
#include "http/hold.h"
#include "http/relay.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "http/server.h"
#include "http/socket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTENERS_MAX 4
#define TRUSTED_MAX   4
#define DRAIN_US      (5 * SEC_US)

static uv_loop_t *loop;
static struct http_router *router;
static struct http_sockets *sockets;
static struct http_client *client;
static struct http_server *servers[LISTENERS_MAX];
static size_t n_servers;
static size_t draining;
static int waiting; /* requests that nobody has answered */
static int gone;    /* of these, how often the client's leaving was told */
static uv_signal_t on_term;

static int64_t number(const struct http_request *r, const char *name, int64_t otherwise) {
    const char *v = http_request_query(r, name);
    return v == NULL ? otherwise : strtoll(v, NULL, 10);
}

/* --- answers at once --- */

static void echo(struct http_request *r, void *arg) {
    (void)arg;
    size_t len;
    const char *body = http_request_body(r, &len);
    const char *type = http_request_header(r, "Content-Type");
    http_reply_bytes(r, 200, type == NULL ? "application/octet-stream" : type, body, len);
}

/* For bodies too long to send back: how long, and a sum that notices a lost or swapped byte. */
static void sum(struct http_request *r, void *arg) {
    (void)arg;
    size_t len;
    const unsigned char *body = (const unsigned char *)http_request_body(r, &len);
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < len; i++) { /* Adler-32, RFC 1950 */
        a = (a + body[i]) % 65521;
        b = (b + a) % 65521;
    }
    char json[96];
    snprintf(json, sizeof(json), "{\"len\":%zu,\"adler\":%" PRIu32 "}", len, b << 16 | a);
    http_reply_json(r, 200, json);
}

static void show(struct http_request *r, void *arg) {
    (void)arg;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_putc(&b, '{');
    buf_json_field(&b, "method", http_request_method(r));
    buf_json_field(&b, "path", http_request_path(r));
    buf_json_field(&b, "x", http_request_param(r, "x"));
    buf_json_field(&b, "q", http_request_query(r, "q"));
    buf_json_field(&b, "bearer", http_request_bearer(r));
    buf_json_field(&b, "peer", http_request_peer(r));
    buf_json_field(&b, "header", http_request_header(r, "x-test"));
    buf_putc(&b, '}');
    http_reply_json(r, 200, buf_str(&b));
}

static void many_bytes(struct http_request *r, void *arg) {
    (void)arg;
    size_t n = (size_t)number(r, "n", 0);
    char *bytes = mem_alloc(n);
    if (bytes == NULL) {
        http_reply_err(r, err_set(ERR_NOMEM, "no memory"));
        return;
    }
    memset(bytes, 'x', n);
    http_reply_bytes(r, 200, "application/octet-stream", bytes, n);
    mem_free(bytes);
}

static void fail(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_err(r, err_set((enum err)number(r, "e", ERR_INVALID), "the sentence"));
}

static void live(struct http_request *r, void *arg) {
    (void)arg;
    char json[128];
    snprintf(json, sizeof(json),
        "{\"blocks\":%" PRIu64 ",\"waiting\":%d,\"gone\":%d,\"sockets\":%u}", mem_live(), waiting,
        gone, http_sockets_count(sockets));
    http_reply_json(r, 200, json);
}

static void metrics(struct http_request *r, void *arg) {
    (void)arg;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    metrics_print(&b);
    http_reply_bytes(r, 200, "text/plain; version=0.0.4", buf_str(&b), b.len);
}

/* --- answers later --- */

struct later {
    uv_timer_t timer;
    struct http_request *request;
};

static void free_later(uv_handle_t *h) {
    mem_free(h->data);
}

static void answer_later(uv_timer_t *timer) {
    struct later *l = timer->data;
    waiting--;
    echo(l->request, NULL);
    uv_close((uv_handle_t *)timer, free_later);
}

static void note_gone(void *arg) {
    (void)arg;
    gone++;
}

/* Where the client leaves early, the answer still comes at its time, into the void. */
static void slow(struct http_request *r, void *arg) {
    (void)arg;
    struct later *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        http_reply_err(r, err_set(ERR_NOMEM, "no memory"));
        return;
    }
    l->request = r;
    l->timer.data = l;
    waiting++;
    http_request_on_gone(r, note_gone, NULL);
    uv_timer_init(loop, &l->timer);
    uv_timer_start(&l->timer, answer_later, (uint64_t)number(r, "ms", 100), 0);
}

static void answer_gone(void *arg) {
    gone++;
    waiting--;
    http_reply_json(arg, 200, "{}");
}

/* Waits until the client leaves. */
static void never(struct http_request *r, void *arg) {
    (void)arg;
    waiting++;
    http_request_on_gone(r, answer_gone, r);
}

/* --- asks others --- */

static struct http_client_call *cancelled;

static void fetched(void *arg, const struct http_client_answer *a) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_putc(&b, '{');
    buf_json_field(&b, "err", err_name(a->err));
    buf_json_field(&b, "text", a->text);
    buf_json_field(&b, "body", a->len < 4096 ? a->body : NULL);
    buf_json_int_field(&b, "status", a->status);
    buf_json_int_field(&b, "len", (int64_t)a->len);
    buf_json_int_field(&b, "date_ms", a->date_ms);
    buf_json_int_field(&b, "retry_after_ms", a->retry_after_ms);
    buf_putc(&b, '}');
    http_reply_json(arg, 200, buf_str(&b));
}

static void cancel(uv_timer_t *timer) {
    struct later *l = timer->data;
    http_client_cancel(STEAL(cancelled));
    http_reply_json(l->request, 200, "{\"err\":\"cancelled\"}");
    uv_close((uv_handle_t *)timer, free_later);
}

static void fetch(struct http_request *r, void *arg) {
    (void)arg;
    size_t len;
    const char *body = http_request_body(r, &len);
    const struct http_client_spec spec = {
        .method = len > 0 ? "PUT" : "GET",
        .url = http_request_query(r, "url"),
        .bearer = http_request_query(r, "bearer"),
        .body = len > 0 ? body : NULL,
        .timeout_us = number(r, "timeout_ms", 0) * 1000,
        .answer_max = (size_t)number(r, "max", 0),
    };
    bool ends = number(r, "cancel", 0) != 0;
    struct later *l = ends ? mem_zalloc(sizeof(*l)) : NULL;
    enum err e = http_client_send(client, &spec, fetched, r, &cancelled);
    if (e != OK || l == NULL) {
        mem_free(l);
        if (e != OK) {
            http_reply_err(r, e);
        }
        return;
    }
    l->request = r;
    l->timer.data = l;
    uv_timer_init(loop, &l->timer);
    uv_timer_start(&l->timer, cancel, 50, 0);
}

/* --- tables --- */

static enum err guard(struct http_request *r, void *arg) {
    const char *token = http_request_bearer(r);
    if (token == NULL) {
        return err_set(ERR_UNAUTHORIZED, "A token is needed");
    }
    return strcmp(token, arg) == 0 ? OK : err_set(ERR_FORBIDDEN, "This token opens nothing");
}

static const struct http_route routes[] = {
    { "GET", "/echo", echo, 0 },
    { "POST", "/echo", echo, 8 * MIB },
    { "PUT", "/echo", echo, 8 * MIB },
    { "POST", "/sum", sum, 32 * MIB },
    { "GET", "/show", show, 0 },
    { "GET", "/show/{x}", show, 0 },
    { "GET", "/show/fixed", show, 0 },
    { "GET", "/rest/{x...}", show, 0 },
    { "GET", "/bytes", many_bytes, 0 },
    { "GET", "/fail", fail, 0 },
    { "GET", "/live", live, 0 },
    { "GET", "/metrics", metrics, 0 },
    { "GET", "/slow", slow, 0 },
    { "POST", "/slow", slow, 8 * MIB },
    { "GET", "/never", never, 0 },
    { "GET", "/fetch", fetch, 0 },
    { "POST", "/fetch", fetch, 64 * KIB },
    /* Where reverse proxies let requests through. */
    { "POST", "/api/echo", echo, 8 * MIB },
    { "POST", "/api/small", echo, 64 * KIB },
    { "GET", "/api/show/{x...}", show, 0 },
};
static char password[] = "sesame";
static const struct http_route guarded[] = { { "POST", "/guarded", sum, 32 * MIB } };

/* --- WebSocket --- */

struct visitor {
    struct http_socket *socket;
};

static enum err ws_accept(struct http_request *r, void *arg, void **ret_state) {
    const char *token = http_request_query(r, "token");
    if (arg != NULL && token == NULL) {
        return err_set(ERR_UNAUTHORIZED, "A token is needed");
    }
    if (arg != NULL && strcmp(token, arg) != 0) {
        return err_set(ERR_FORBIDDEN, "This token opens nothing");
    }
    struct visitor *v = mem_zalloc(sizeof(*v));
    if (v == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    *ret_state = v;
    return OK;
}

/* A client that is held back until the loop's next turn: `then` is "again", "refuse", the address
 * of a server that answers, or "wait". */
struct held {
    struct http_hold *hold;
    uv_timer_t timer;
    char then[64];
};

static void held_free(uv_handle_t *h) {
    mem_free(h->data);
}

static void held_end(void *arg) {
    uv_close((uv_handle_t *)&((struct held *)arg)->timer, held_free);
}

static void held_decide(uv_timer_t *t) {
    struct held *h = t->data;
    if (strcmp(h->then, "again") == 0) {
        http_hold_decide(h->hold);
    } else if (strcmp(h->then, "refuse") == 0) {
        http_hold_refuse(h->hold, 404, "not here");
    } else {
        const struct http_relay_to to = { "the other", h->then, "X-Relayed: by door_server" };
        http_hold_relay(h->hold, &to);
    }
    held_end(h);
}

static enum err held_accept(struct http_request *r, void *arg, void **ret_state) {
    const char *then = http_request_query(r, "then");
    if (http_hold_was(r) || http_request_header(r, "X-Relayed") != NULL) {
        return ws_accept(r, arg, ret_state);
    }
    struct held *h = mem_zalloc(sizeof(*h));
    if (h == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    snprintf(h->then, sizeof(h->then), "%s", then == NULL ? "again" : then);
    uv_timer_init(loop, &h->timer);
    h->timer.data = h;
    enum err e = http_hold_begin(r, held_end, h, &h->hold);
    if (h->hold == NULL) {
        held_end(h);
    } else if (strcmp(h->then, "wait") != 0) {
        uv_timer_start(&h->timer, held_decide, 0, 0);
    }
    return e;
}

static void ws_open(struct http_socket *s, void *state) {
    ((struct visitor *)state)->socket = s;
}

static void say(struct http_socket *s, const void *bytes, size_t len, bool binary) {
    enum err e = http_socket_send(s, bytes, len, binary);
    if (e != OK) {
        LOG_INFO(NULL, "send_failed", "cause=%s", err_name(e));
    }
}

/* "flood" fills the queue until it is refused, "close" closes with 4001, anything else comes back.
 */
static void ws_message(
    struct http_socket *s, void *state, const char *bytes, size_t len, bool binary) {
    static char block[64 * 1024];
    (void)state;
    if (strcmp(bytes, "close") == 0) {
        http_socket_close(s, 4001, "as you wish");
    } else if (strcmp(bytes, "flood") == 0) {
        while (http_socket_send(s, block, sizeof(block), true) == OK) {
            continue;
        }
    } else {
        say(s, bytes, len, binary);
    }
}

static void ws_close(void *state, int code) {
    LOG_INFO(NULL, "socket_closed", "code=%d", code);
    mem_free(state);
}

#define WS_TALK .open = ws_open, .message = ws_message, .close = ws_close
static const struct http_socket_path paths[] = {
    { .path = "/ws", .protocol = "chat", .accept = ws_accept, WS_TALK },
    { .path = "/rtc", .accept = ws_accept, WS_TALK },
    { .path = "/rtc/v1", .arg = password, .accept = ws_accept, WS_TALK },
    { .path = "/ws/held", .accept = held_accept, WS_TALK },
    { .path = "/ws/token", .arg = password, .message_max = 1000, .accept = ws_accept, WS_TALK },
};

/* --- life --- */

static void finish(void) {
    for (size_t i = 0; i < n_servers; i++) {
        http_server_destroy(servers[i]);
    }
    http_sockets_destroy(sockets);
    http_client_destroy(client);
    uv_close((uv_handle_t *)&on_term, NULL);
}

static void drained(void *arg) {
    (void)arg;
    if (--draining == 0) {
        finish();
    }
}

static void drain(uv_signal_t *handle, int signal) {
    (void)signal;
    uv_signal_stop(handle);
    draining = n_servers + 1;
    http_sockets_drain(sockets, HTTP_SOCKET_RESTARTING, DRAIN_US, drained, NULL);
    for (size_t i = 0; i < n_servers; i++) {
        http_server_drain(servers[i], DRAIN_US, drained, NULL);
    }
}

struct arguments {
    const char *listen[LISTENERS_MAX];
    size_t n_listen;
    const char *trusted[TRUSTED_MAX];
    struct http_server_config cfg;
};

static bool read_argument(struct arguments *a, const char *name, const char *value) {
    int64_t n = strtoll(value, NULL, 10);
    if (strcmp(name, "--listen") == 0 && a->n_listen < LISTENERS_MAX) {
        a->listen[a->n_listen++] = value;
    } else if (strcmp(name, "--trust") == 0 && a->cfg.n_trusted < TRUSTED_MAX) {
        a->trusted[a->cfg.n_trusted++] = value;
    } else if (strcmp(name, "--connections") == 0) {
        a->cfg.connections_max = (unsigned)n;
    } else if (strcmp(name, "--head-ms") == 0) {
        a->cfg.head_timeout_us = n * 1000;
    } else if (strcmp(name, "--body-ms") == 0) {
        a->cfg.body_timeout_us = n * 1000;
    } else if (strcmp(name, "--idle-ms") == 0) {
        a->cfg.idle_timeout_us = n * 1000;
    } else if (strcmp(name, "--rate") == 0) {
        a->cfg.rate_per_s = (unsigned)n;
    } else if (strcmp(name, "--burst") == 0) {
        a->cfg.rate_burst = (unsigned)n;
    } else {
        return false;
    }
    return true;
}

static enum err start(struct arguments *a) {
    const struct http_sockets_config ws = { .paths = paths, .n_paths = COUNT_OF(paths) };
    TRY(http_client_create(loop, &client));
    TRY(http_router_create(&router));
    TRY(http_router_add(router, routes, COUNT_OF(routes), NULL, NULL));
    TRY(http_router_add(router, guarded, COUNT_OF(guarded), guard, password));
    TRY(http_sockets_create(loop, &ws, &sockets));
    a->cfg.trusted_proxies = a->trusted;
    for (size_t i = 0; i < a->n_listen; i++) {
        a->cfg.listen = a->listen[i];
        TRY(http_server_create(loop, &a->cfg, router, sockets, &servers[i]));
        n_servers++;
        printf("listening %d\n", http_server_port(servers[i]));
    }
    fflush(stdout);
    return OK;
}

int main(int argc, char **argv) {
    struct arguments a = { .cfg = { .connections_max = 4096,
                               .head_timeout_us = 10 * SEC_US,
                               .body_timeout_us = 30 * SEC_US,
                               .idle_timeout_us = 60 * SEC_US } };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--cors") == 0) {
            a.cfg.cors = true;
        } else if (i + 1 >= argc || !read_argument(&a, argv[i], argv[i + 1])) {
            fprintf(stderr, "door_server: what is %s?\n", argv[i]);
            return 2;
        } else {
            i++;
        }
    }
    loop = uv_default_loop();
    uv_signal_init(loop, &on_term);
    uv_signal_start(&on_term, drain, SIGTERM);
    enum err e = start(&a);
    if (e != OK) {
        fprintf(stderr, "door_server: %s\n", err_text());
        finish();
    }
    uv_run(loop, UV_RUN_DEFAULT);
    http_router_destroy(router);
    uv_loop_close(loop);
    if (mem_live() != 0) {
        fprintf(stderr, "door_server: %" PRIu64 " blocks were not freed\n", mem_live());
        return 3;
    }
    return e == OK ? 0 : 1;
}
