/*
 * Owns libmicrohttpd: turns its callbacks into requests, and answers into its responses.
 *
 * It has no thread, no listening socket and no deadlines: http/accept hands it connections, the
 * loop runs it when its epoll descriptor is ready, and http/carrier ends what takes too long.
 */
#include "http/server.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/accept.h"
#include "http/carrier.h"
#include "http/exchange.h"
#include "http/gate.h"
#include "http/refusal.h"
#include "http/tally.h"
#include "http/watch.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define POOL_BYTES     (32 * KIB) /* of a connection, kept while it is open */
#define SWEEP_MS       200        /* how late a deadline may be noticed */
#define DRAIN_SWEEP_MS 20

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_accept *acceptor;
    struct http_gate gate;
    struct http_carriers carriers;
    unsigned most;
    int64_t head_us, body_us, idle_us;
    struct http_carrier *arriving; /* on its way into libmicrohttpd */
    bool resumed; /* libmicrohttpd has something to do that its epoll set does not show */
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_idle_t again; /* runs while libmicrohttpd has work left over */
    uv_timer_t sweep;
    int handles; /* not yet closed */
    bool draining;
    int64_t drain_until_us;
    void (*drained)(void *arg);
    void *drained_arg;
};

/* --- the loop --- */

static void run(struct http_server *s) {
    s->resumed = false;
    MHD_run(s->daemon);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    run(poll->data);
}

static void on_again(uv_idle_t *idle) {
    run(idle->data);
}

static void before_waiting(uv_prepare_t *prepare) {
    struct http_server *s = prepare->data;
    if (s->resumed) {
        run(s);
    }
    MHD_UNSIGNED_LONG_LONG ms = 0;
    bool more = s->resumed || MHD_get_timeout(s->daemon, &ms) == MHD_YES;
    if (more) {
        uv_idle_start(&s->again, on_again); /* keeps the loop from waiting */
    } else {
        uv_idle_stop(&s->again);
    }
}

/* --- deadlines --- */

static void on_sweep(uv_timer_t *timer);

static void start_sweep(struct http_server *s) {
    uint64_t ms = s->draining ? DRAIN_SWEEP_MS : SWEEP_MS;
    if (!uv_is_active((uv_handle_t *)&s->sweep)) {
        uv_timer_start(&s->sweep, on_sweep, ms, ms);
    }
}

static void on_sweep(uv_timer_t *timer) {
    struct http_server *s = timer->data;
    int64_t now_us = clock_mono_us();
    http_accept_sweep(s->acceptor, now_us);
    http_carriers_sweep(&s->carriers, now_us, s->gate.cors);
    unsigned left = s->carriers.n + http_accept_count(s->acceptor);
    if (left == 0 || (s->draining && now_us >= s->drain_until_us)) {
        void (*done)(void *) = s->drained;
        s->drained = NULL;
        uv_timer_stop(timer);
        if (done != NULL) {
            done(s->drained_arg); /* may destroy the server */
        }
    }
}

/* --- suspended connections --- */

static struct http_server *server_of(const struct http_carrier *c) {
    return c->owner;
}

static void on_left(void *arg) {
    struct http_carrier *c = arg;
    struct http_request *r = c->request;
    if (r != NULL && r->stage == HTTP_STAGE_WAITING && r->gone != NULL) {
        void (*gone)(void *) = r->gone;
        r->gone = NULL;
        gone(r->gone_arg);
    }
}

static void suspend(struct http_carrier *c) {
    c->suspended = true;
    http_carrier_expect_nothing(c);
    MHD_suspend_connection(c->library);
    http_watch_start(&c->watch, server_of(c)->poll.loop, c->fd, on_left, c);
}

static void resume(struct http_carrier *c) {
    http_watch_stop(c->watch);
    c->suspended = false;
    MHD_resume_connection(c->library);
    server_of(c)->resumed = true; /* does not wake the loop by itself */
}

/* reply.h's end of an answer. */
static void deliver(struct http_request *r) {
    struct http_carrier *c = r->carrier;
    if (c == NULL) {
        http_request_destroy(r);
    } else if (c->suspended) {
        resume(c);
    }
}

/* --- requests --- */

static struct http_carrier *carrier_of(struct MHD_Connection *mhd) {
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The first word of a request: its target, as it was sent. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd) {
    (void)arg;
    struct http_carrier *c = carrier_of(mhd);
    struct http_request *r = http_request_create("", target, strlen(target));
    if (r != NULL) {
        r->carrier = c;
        r->deliver = deliver;
    }
    c->request = r;
    http_carrier_expect(c, server_of(c)->head_us);
    return r;
}

static enum MHD_Result put_field(void *arg, enum MHD_ValueKind kind, const char *name,
    size_t name_len, const char *value, size_t value_len) {
    (void)kind;
    http_request_put_field(
        arg, name, name_len, value == NULL ? "" : value, value == NULL ? 0 : value_len);
    return MHD_YES;
}

static bool read_head(
    struct http_request *r, struct MHD_Connection *mhd, const char *method, const char *version) {
    int n = MHD_get_connection_values(mhd, MHD_HEADER_KIND, NULL, NULL);
    r->method = arena_strdup(&r->arena, method);
    r->http_1_1 = strcmp(version, "HTTP/1.1") == 0;
    if (!http_request_expect_fields(r, n > 0 ? (size_t)n : 1)) {
        return false;
    }
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, put_field, r);
    return !r->arena.failed;
}

static enum MHD_Result queue_answer(struct http_carrier *c) {
    struct http_request *r = c->request;
    struct MHD_Response *m = MHD_create_response_from_buffer(
        r->answer_len, (void *)(uintptr_t)r->answer, MHD_RESPMEM_PERSISTENT);
    if (m == NULL) {
        return MHD_NO;
    }
    bool fine = r->content_type == NULL || MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE,
                                               r->content_type) == MHD_YES;
    for (size_t i = 0; i < r->n_answer_fields && fine; i++) {
        fine = MHD_add_response_header(m, r->answer_fields[i].name, r->answer_fields[i].value) ==
               MHD_YES;
    }
    for (size_t i = 0; r->cors && i < HTTP_CORS_FIELDS && fine; i++) {
        fine = MHD_add_response_header(m, http_cors_fields[i].name, http_cors_fields[i].value) ==
               MHD_YES;
    }
    if (r->ends || server_of(c)->draining) {
        c->lingers = c->lingers || r->ends;
        fine = fine && MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    }
    enum MHD_Result queued = fine ? MHD_queue_response(c->library, (unsigned)r->status, m) : MHD_NO;
    MHD_destroy_response(m);
    http_tally_answered(r->status, clock_mono_us() - r->arrived_us);
    http_carrier_expect_reading(c, r->answer_len);
    return queued;
}

static enum MHD_Result begin(struct http_carrier *c, const char *method, const char *version) {
    struct http_request *r = c->request;
    if (!read_head(r, c->library, method, version)) {
        return MHD_NO;
    }
    http_gate_judge(&server_of(c)->gate, r, &c->peer);
    if (r->stage == HTTP_STAGE_ANSWERED) {
        r->ends = r->ends || r->chunked || r->length > 0; /* the body will not be read */
        /* An answer queued now ends the connection; without a body the next call is not far. */
        return r->ends ? queue_answer(c) : MHD_YES;
    }
    r->stage = HTTP_STAGE_BODY;
    http_carrier_expect(c, server_of(c)->body_us);
    return MHD_YES;
}

/* In the middle of a body libmicrohttpd takes no answer, so a refusal goes around it. */
static enum MHD_Result take_body(struct http_carrier *c, const char *bytes, size_t *len) {
    struct http_request *r = c->request;
    enum err e = http_request_put_body(r, bytes, *len);
    *len = 0;
    if (e == OK) {
        return MHD_YES;
    }
    const char *errcode;
    int status = http_reply_status(e, true, &errcode);
    http_tally_refused(HTTP_REFUSED_BODY);
    http_refusal_send(c->fd, status, errcode, http_reply_text(e), r->cors);
    c->lingers = true;
    return MHD_NO;
}

static enum MHD_Result call_handler(struct http_carrier *c) {
    struct http_request *r = c->request;
    r->stage = HTTP_STAGE_HANDLER;
    http_carrier_expect_nothing(c);
    r->route->handle(r, r->arg);
    if (r->stage == HTTP_STAGE_ANSWERED) {
        return queue_answer(c);
    }
    r->stage = HTTP_STAGE_WAITING;
    suspend(c);
    return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *path,
    const char *method, const char *version, const char *bytes, size_t *len, void **request) {
    (void)arg;
    (void)path;
    struct http_request *r = *request;
    if (r == NULL) {
        return MHD_NO; /* there was no memory for it */
    }
    struct http_carrier *c = carrier_of(mhd);
    switch (r->stage) {
    case HTTP_STAGE_HEAD:
        return begin(c, method, version);
    case HTTP_STAGE_BODY:
        return *len > 0 ? take_body(c, bytes, len) : call_handler(c);
    case HTTP_STAGE_ANSWERED: /* resumed, or answered by its head alone */
        return queue_answer(c);
    case HTTP_STAGE_HANDLER:
    case HTTP_STAGE_WAITING:
        break;
    }
    return MHD_NO;
}

/* The answer has left, or the connection ends without one. */
static void on_completed(
    void *arg, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode why) {
    (void)arg;
    (void)why;
    struct http_carrier *c = carrier_of(mhd);
    struct http_request *r = *request;
    *request = NULL;
    c->request = NULL;
    http_carrier_expect(c, server_of(c)->idle_us);
    if (server_of(c)->draining) {
        shutdown(c->fd, SHUT_RD);
    }
    if (r == NULL) {
        return;
    }
    if (r->stage != HTTP_STAGE_WAITING) {
        http_request_destroy(r);
        return;
    }
    r->carrier = NULL; /* its handler still has it, and frees it by answering */
    if (r->gone != NULL) {
        r->gone(r->gone_arg);
    }
}

/* --- connections --- */

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what) {
    struct http_server *s = arg;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        s->arriving->library = mhd;
        *context = STEAL(s->arriving);
        return;
    }
    struct http_carrier *c = *context;
    if (c->lingers && s->acceptor != NULL) {
        int fd = dup(c->fd); /* libmicrohttpd closes its own in a moment */
        if (fd >= 0) {
            http_accept_linger(s->acceptor, fd);
        }
    }
    http_carrier_destroy(c);
}

static bool has_room(void *arg) {
    struct http_server *s = arg;
    start_sweep(s);
    return s->carriers.n + http_accept_count(s->acceptor) < s->most;
}

static void take_plain(void *arg, int fd, const struct sockaddr_storage *from, socklen_t from_len) {
    struct http_server *s = arg;
    struct http_carrier *c =
        http_carrier_create(&s->carriers, s, fd, (const struct sockaddr *)from);
    if (c == NULL) {
        close(fd);
        return;
    }
    http_carrier_expect(c, s->head_us);
    s->arriving = c;
    MHD_add_connection(
        s->daemon, fd, (const struct sockaddr *)from, from_len); /* takes fd in any case */
    if (s->arriving != NULL) {
        s->arriving = NULL;
        http_carrier_destroy(c);
    }
    s->resumed = true;
}

static enum http_upgraded take_upgrade(void *arg, int fd, const struct http_head *head,
    const struct sockaddr_storage *from, bool again, struct http_hold **ret_hold) {
    struct http_server *s = arg;
    struct http_address peer;
    http_address_of((const struct sockaddr *)from, &peer);
    return http_gate_upgrade(&s->gate, fd, head, &peer, again, ret_hold);
}

/* --- life --- */

static size_t leave_alone(void *arg, struct MHD_Connection *mhd, char *text) {
    (void)arg;
    (void)mhd;
    return strlen(text); /* decoded once, by the router and the query */
}

static void free_server(struct http_server *s) {
    http_gate_finish(&s->gate);
    mem_free(s);
}

static void on_handle_closed(uv_handle_t *h) {
    struct http_server *s = h->data;
    if (--s->handles == 0) {
        free_server(s);
    }
}

static enum err read_config(struct http_server *s, const struct http_server_config *cfg) {
    s->most = cfg->connections_max;
    s->head_us = cfg->head_timeout_us;
    s->body_us = cfg->body_timeout_us;
    s->idle_us = cfg->idle_timeout_us;
    if (s->most == 0 || s->head_us <= 0 || s->body_us <= 0 || s->idle_us <= 0) {
        return err_set(ERR_INVALID, "connections and time-outs of %s must be above 0", cfg->listen);
    }
    return http_gate_init(&s->gate, cfg);
}

static enum err start_library(struct http_server *s) {
    s->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
            NULL, NULL, on_request, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
            MHD_OPTION_CONNECTION_LIMIT, s->most, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
            MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK, on_target,
            s, MHD_OPTION_UNESCAPE_CALLBACK, leave_alone, s, MHD_OPTION_END);
    return s->daemon == NULL ? err_set(ERR_IO, "libmicrohttpd did not start") : OK;
}

static enum err start(
    struct http_server *s, uv_loop_t *loop, const struct http_server_config *cfg) {
    const struct http_accept_door door = { .arg = s,
        .room = has_room,
        .plain = take_plain,
        .upgrade = take_upgrade,
        .cors = cfg->cors,
        .head_timeout_us = cfg->head_timeout_us };
    TRY(read_config(s, cfg));
    TRY(start_library(s));
    TRY(http_accept_create(loop, cfg->listen, &door, &s->acceptor));
    int epoll = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (uv_poll_init(loop, &s->poll, epoll) != 0) {
        return err_set(ERR_IO, "cannot watch libmicrohttpd's epoll set");
    }
    uv_prepare_init(loop, &s->prepare);
    uv_idle_init(loop, &s->again);
    uv_timer_init(loop, &s->sweep);
    s->poll.data = s->prepare.data = s->again.data = s->sweep.data = s;
    s->handles = 4;
    uv_poll_start(&s->poll, UV_READABLE, on_readable);
    uv_prepare_start(&s->prepare, before_waiting);
    return OK;
}

enum err http_server_create(uv_loop_t *loop, const struct http_server_config *cfg,
    struct http_router *router, struct http_sockets *sockets, struct http_server **ret) {
    struct http_server *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for a server");
    }
    s->gate.router = router;
    s->gate.sockets = sockets;
    http_tally_register();
    enum err e = start(s, loop, cfg);
    if (e != OK) {
        http_accept_destroy(s->acceptor);
        if (s->daemon != NULL) {
            MHD_stop_daemon(s->daemon);
        }
        free_server(s);
        return e;
    }
    LOG_INFO(NULL, "listening", "on=%s port=%d", LOG_Q(cfg->listen), http_server_port(s));
    *ret = s;
    return OK;
}

enum err http_server_set_probe_secret(struct http_server *s, const char *secret) {
    return http_gate_set_probe(&s->gate, secret);
}

int http_server_port(const struct http_server *s) {
    return http_accept_port(s->acceptor);
}

void http_server_drain(
    struct http_server *s, int64_t limit_us, void (*done)(void *arg), void *arg) {
    s->draining = true;
    s->drain_until_us = clock_mono_us() + limit_us;
    s->drained = done;
    s->drained_arg = arg;
    http_accept_close(s->acceptor);
    http_carriers_end_idle(&s->carriers);
    uv_timer_stop(&s->sweep);
    start_sweep(s);
}

void http_server_destroy(struct http_server *s) {
    if (s == NULL) {
        return;
    }
    struct http_accept *acceptor = STEAL(s->acceptor); /* nothing lingers any more */
    for (struct http_carrier *c = s->carriers.first; c != NULL; c = c->next) {
        if (c->suspended) { /* libmicrohttpd aborts when it is stopped with suspended connections */
            resume(c);
        }
    }
    uv_poll_stop(&s->poll);
    MHD_stop_daemon(s->daemon);
    http_accept_destroy(acceptor);
    uv_handle_t *handles[] = { (uv_handle_t *)&s->poll, (uv_handle_t *)&s->prepare,
        (uv_handle_t *)&s->again, (uv_handle_t *)&s->sweep };
    for (size_t i = 0; i < COUNT_OF(handles); i++) {
        uv_close(handles[i], on_handle_closed);
    }
}
