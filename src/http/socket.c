/* Owns libwebsockets: WebSocket alone goes through it, without a listening socket (decision 6). */
#include "http/socket.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/head.h"
#include "http/relay.h"
#include "http/request.h"
#include "http/tally.h"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX     (2 * MIB)
#define QUEUE_MAX       (4 * MIB)
#define SOCKETS_MAX     10000
#define PING_AFTER_US   (25 * SEC_US) /* proxies cut idle connections after 60 s */
#define HANGUP_AFTER_US (60 * SEC_US)
#define CLOSE_SECONDS   5   /* a client that does not read gets no close frame either */
#define KEPT_BYTES      KIB /* a larger reassembly buffer is given back after its message */
/* What is read at once: the library holds so much for each socket, and would hold pt_serv_buf_size,
 * 64 KiB, if it were not told. Longer messages come in pieces anyway. */
#define READ_BYTES        (4 * KIB)
#define REASON_MAX        123 /* RFC 6455, 5.5: control frames hold 125 bytes, two are the code */
#define WATCH_MS          20  /* how often a drain or an end looks whether it is done */
#define TURNS_TO_CLOSE    4   /* sockets, handles, and as many to spare */
#define HANDSHAKE_SECONDS 10

struct message {
    struct message *next;
    size_t len;
    bool binary;
    unsigned char bytes[]; /* LWS_PRE bytes of headroom, then the message */
};

struct http_socket {
    struct http_socket *prev, *next;
    struct http_sockets *owner;
    const struct http_socket_path *path;
    void *state;
    struct lws *wsi;
    struct buf in;                 /* the message that is coming */
    struct message *first, **last; /* what waits to be sent */
    size_t queued;
    int code; /* 0 = open; else it is being closed with this */
    char reason[REASON_MAX + 1];
    int heard; /* the client's close code */
    bool said; /* our close frame has been sent */
    bool over; /* close was called */
};

struct http_sockets {
    struct lws_context *context; /* libwebsockets clears it when all is gone */
    struct lws_vhost *vhost;
    struct lws_protocols *protocols;
    struct lws_retry_bo patience;
    const struct http_socket_path *paths;
    size_t n_paths;
    unsigned most;
    struct http_socket *sockets;
    unsigned n;
    struct http_relays *relays;
    bool closed;      /* lets nobody in */
    uv_timer_t watch; /* of a drain, then of the end */
    int turns;        /* of the loop since the last socket was gone, at the end */
    int64_t drain_until_us;
    void (*drained)(void *arg);
    void *drained_arg;
};

/* --- one socket --- */

static void drop_queue(struct http_socket *s) {
    while (s->first != NULL) {
        struct message *m = s->first;
        s->first = m->next;
        mem_free(m);
    }
    s->last = &s->first;
    s->queued = 0;
}

static void tell_close(struct http_socket *s) {
    if (s->over) {
        return;
    }
    s->over = true;
    int code = s->heard != 0 ? s->heard : s->code != 0 ? s->code : HTTP_SOCKET_LOST;
    s->path->close(s->state, code);
}

static void free_socket(struct http_socket *s) {
    tell_close(s);
    drop_queue(s);
    buf_finish(&s->in);
    *(s->prev == NULL ? &s->owner->sockets : &s->prev->next) = s->next;
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    s->owner->n--;
    http_tally_sockets(-1);
    mem_free(s);
}

void http_socket_close(struct http_socket *s, int code, const char *reason) {
    if (s->code != 0 || s->over) {
        return;
    }
    s->code = code;
    snprintf(s->reason, sizeof(s->reason), "%s", reason == NULL ? "" : reason);
    lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, CLOSE_SECONDS);
    lws_callback_on_writable(s->wsi);
}

enum err http_socket_send(struct http_socket *s, const void *bytes, size_t len, bool binary) {
    if (s->code != 0 || s->over) {
        return err_set(ERR_GONE, "the WebSocket is closing");
    }
    size_t most = s->path->queue_max == 0 ? QUEUE_MAX : s->path->queue_max;
    if (len > most - s->queued) {
        drop_queue(s);
        http_socket_close(s, HTTP_SOCKET_SLOW, "the client does not read");
        return err_set(ERR_LIMIT, "more than %zu bytes wait for a WebSocket client", most);
    }
    struct message *m = mem_alloc(sizeof(*m) + LWS_PRE + len);
    if (m == NULL) {
        return err_set(ERR_NOMEM, "no memory for a WebSocket message");
    }
    m->next = NULL;
    m->len = len;
    m->binary = binary;
    if (len > 0) {
        memcpy(m->bytes + LWS_PRE, bytes, len);
    }
    *s->last = m;
    s->last = &m->next;
    s->queued += len;
    lws_callback_on_writable(s->wsi);
    return OK;
}

/* --- what libwebsockets tells; a result of -1 closes --- */

/*
 * Starts the closing handshake. Not by returning -1: Debian builds libwebsockets 4.1 with _DEBUG,
 * where on libuv such a close is, as a test, done a second time at once, which drops the frame.
 */
static int say_close(struct http_socket *s) {
    s->said = true;
    lws_close_reason(
        s->wsi, (enum lws_close_status)s->code, (unsigned char *)s->reason, strlen(s->reason));
    lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    return 0;
}

static int write_some(struct http_socket *s) {
    while (s->first != NULL && lws_send_pipe_choked(s->wsi) == 0) {
        struct message *m = s->first;
        s->first = m->next;
        if (s->first == NULL) {
            s->last = &s->first;
        }
        s->queued -= m->len;
        int sent = lws_write(
            s->wsi, m->bytes + LWS_PRE, m->len, m->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
        mem_free(m);
        if (sent < 0) {
            return -1;
        }
    }
    if (s->first != NULL || (s->code != 0 && lws_send_pipe_choked(s->wsi) != 0)) {
        lws_callback_on_writable(s->wsi);
        return 0;
    }
    return s->code != 0 && !s->said ? say_close(s) : 0;
}

static int take_bytes(struct http_socket *s, const char *bytes, size_t n) {
    if (s->code != 0) {
        return 0; /* we have said goodbye */
    }
    if (lws_is_first_fragment(s->wsi)) {
        buf_clear(&s->in);
    }
    buf_put(&s->in, bytes, n);
    if (s->in.bad) {
        bool over = s->in.over;
        http_socket_close(
            s, over ? HTTP_SOCKET_TOO_BIG : HTTP_SOCKET_SLOW, over ? "message too big" : NULL);
        buf_finish(&s->in);
        return 0;
    }
    if (lws_is_final_fragment(s->wsi) && lws_remaining_packet_payload(s->wsi) == 0) {
        s->path->message(s, s->state, buf_str(&s->in), s->in.len, lws_frame_is_binary(s->wsi) != 0);
        if (s->in.cap > KEPT_BYTES) {
            buf_finish(&s->in);
        }
        buf_clear(&s->in);
    }
    return 0;
}

static void hear_close(struct http_socket *s, const unsigned char *bytes, size_t n) {
    enum { NO_STATUS = 1005 };
    s->heard = n >= 2 ? bytes[0] << 8 | bytes[1] : NO_STATUS;
}

static int on_event(
    struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len) {
    (void)user;
    struct http_socket *s = wsi == NULL ? NULL : lws_get_opaque_user_data(wsi);
    if (s == NULL) {
        return 0; /* the context's own events, and sockets before they are ours */
    }
    switch (why) {
    case LWS_CALLBACK_ESTABLISHED:
        s->path->open(s, s->state);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return take_bytes(s, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_some(s);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        hear_close(s, in, len);
        return 0;
    case LWS_CALLBACK_CLOSED:
        tell_close(s);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY: /* the only one that always comes */
        lws_set_opaque_user_data(wsi, NULL);
        free_socket(s);
        return 0;
    case LWS_CALLBACK_HTTP:
        return -1; /* the head was an upgrade when it was peeked at */
    default:
        return 0;
    }
}

/* --- all sockets --- */

static const struct http_socket_path *find_path(const struct http_sockets *t, const char *path) {
    for (size_t i = 0; i < t->n_paths; i++) {
        if (strcmp(t->paths[i].path, path) == 0) {
            return &t->paths[i];
        }
    }
    return NULL;
}

bool http_sockets_know(const struct http_sockets *t, const char *path) {
    return find_path(t, path) != NULL;
}

unsigned http_sockets_count(const struct http_sockets *t) {
    return t->n + http_relays_count(t->relays);
}

static enum err check_place(const struct http_sockets *t) {
    return !t->closed && http_sockets_count(t) < t->most
               ? OK
               : err_set(ERR_LIMIT, t->closed ? "The server is going away" : "Too many WebSockets");
}

/* libwebsockets drops a client that names only protocols it does not know; so they are refused
 * here, in words. */
static enum err check_protocol(const struct http_socket_path *p, const struct http_request *r) {
    const char *named = http_request_header(r, "Sec-WebSocket-Protocol");
    if (named == NULL) {
        return OK;
    }
    struct http_span words = { named, strlen(named) };
    if (p->protocol != NULL && http_span_lists(words, p->protocol)) {
        return OK;
    }
    return err_set(ERR_INVALID, "None of the WebSocket subprotocols asked for is spoken here");
}

static struct http_socket *new_socket(
    struct http_sockets *t, const struct http_socket_path *p, void *state) {
    struct http_socket *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->owner = t;
    s->path = p;
    s->state = state;
    s->last = &s->first;
    buf_init(&s->in, p->message_max == 0 ? MESSAGE_MAX : p->message_max);
    s->next = t->sockets;
    if (t->sockets != NULL) {
        t->sockets->prev = s;
    }
    t->sockets = s;
    t->n++;
    http_tally_sockets(1);
    return s;
}

enum err http_sockets_adopt(struct http_sockets *t, struct http_request *r, int fd) {
    const struct http_socket_path *p = find_path(t, http_request_path(r));
    void *state = NULL;
    if (p == NULL) {
        return err_set(ERR_NOT_FOUND, "No WebSocket at this path");
    }
    TRY(check_place(t));
    TRY(check_protocol(p, r));
    TRY(p->accept(r, p->arg, &state));
    struct http_socket *s = new_socket(t, p, state);
    if (s == NULL) {
        p->close(state, HTTP_SOCKET_LOST);
        return err_set(ERR_NOMEM, "no memory for a WebSocket");
    }
    /* Messages follow each other without an answer: Nagle's algorithm would hold the second one
     * back until the client's delayed acknowledgement, 40 ms later. Unix sockets have none. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    s->wsi = lws_adopt_socket_vhost(t->vhost, fd);
    if (s->wsi == NULL) { /* it has closed fd */
        free_socket(s);
        return OK;
    }
    lws_set_opaque_user_data(s->wsi, s);
    return OK;
}

enum err http_sockets_relay(
    struct http_sockets *t, const struct http_relay_from *from, const struct http_relay_to *to) {
    TRY(check_place(t));
    return http_relay_begin(t->relays, from, to);
}

static void finish_drain(struct http_sockets *t) {
    void (*done)(void *) = t->drained;
    t->drained = NULL;
    uv_timer_stop(&t->watch);
    if (done != NULL) {
        done(t->drained_arg);
    }
}

static void watch_drain(uv_timer_t *timer) {
    struct http_sockets *t = timer->data;
    if (t->n == 0 || clock_mono_us() >= t->drain_until_us) {
        finish_drain(t);
    }
}

void http_sockets_drain(
    struct http_sockets *t, int code, int64_t limit_us, void (*done)(void *arg), void *arg) {
    t->closed = true;
    http_relays_end(t->relays);
    t->drain_until_us = clock_mono_us() + limit_us;
    t->drained = done;
    t->drained_arg = arg;
    for (struct http_socket *s = t->sockets; s != NULL; s = s->next) {
        http_socket_close(s, code, NULL);
    }
    uv_timer_start(&t->watch, watch_drain, WATCH_MS, WATCH_MS);
}

/* --- life --- */

static void log_library(int level, const char *line) {
    (void)level;
    LOG_DEBUG(NULL, "libwebsockets_complained", "text=%s", LOG_Q(line));
}

static struct lws_protocols protocol(const char *name) {
    return (struct lws_protocols){ .name = name,
        .callback = on_event,
        .rx_buffer_size = READ_BYTES,
        .tx_packet_size = HTTP_PEEK_MAX };
}

/* Protocol 0 serves clients that name none; behind it each subprotocol of the table once. */
static enum err make_protocols(struct http_sockets *t) {
    t->protocols = mem_zalloc((t->n_paths + 2) * sizeof(*t->protocols));
    if (t->protocols == NULL) {
        return err_set(ERR_NOMEM, "no memory for WebSocket protocols");
    }
    size_t n = 0;
    t->protocols[n++] = protocol("none");
    for (size_t i = 0; i < t->n_paths; i++) {
        const char *name = t->paths[i].protocol;
        bool known = name == NULL;
        for (size_t k = 1; k < n && !known; k++) {
            known = strcmp(t->protocols[k].name, name) == 0;
        }
        if (!known) {
            t->protocols[n++] = protocol(name);
        }
    }
    return OK;
}

static uint16_t seconds(int64_t us, int64_t otherwise_us) {
    int64_t s = ((us == 0 ? otherwise_us : us) + SEC_US - 1) / SEC_US;
    return (uint16_t)(s > UINT16_MAX ? UINT16_MAX : s);
}

static enum err make_context(struct http_sockets *t, uv_loop_t *loop) {
    void *loops[1] = { loop };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_VALIDATE_UTF8,
        .foreign_loops = loops,
        .protocols = t->protocols,
        .max_http_header_data = 65535, /* its largest: see HTTP_PEEK_MAX */
        .pt_serv_buf_size = HTTP_PEEK_MAX,
        .timeout_secs = HANDSHAKE_SECONDS,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .retry_and_idle_policy = &t->patience,
        .vhost_name = "parley",
        .pcontext = &t->context,
    };
    lws_set_log_level(LLL_ERR, log_library);
    t->context = lws_create_context(&info);
    if (t->context == NULL) {
        return err_set(ERR_NOMEM, "libwebsockets did not start");
    }
    t->vhost = lws_create_vhost(t->context, &info);
    return t->vhost == NULL ? err_set(ERR_NOMEM, "libwebsockets made no virtual host") : OK;
}

static void free_sockets(uv_handle_t *h) {
    struct http_sockets *t = h->data;
    mem_free(t->protocols);
    mem_free(t);
}

/*
 * On a loop that is not its own, libwebsockets 4.1 ends in two steps: the first call closes
 * sockets, then, when these are gone, its own handles, all through the loop; the second call frees
 * the context, and must not come before those handles are closed. Each takes one turn of the loop;
 * nothing tells us, so turns are counted.
 */
static void watch_end(uv_timer_t *timer) {
    struct http_sockets *t = timer->data;
    t->turns = t->n == 0 ? t->turns + 1 : 0;
    if (t->turns == TURNS_TO_CLOSE && t->context != NULL) {
        lws_context_destroy(t->context);
    }
    if (t->context == NULL) {
        uv_close((uv_handle_t *)&t->watch, free_sockets);
    }
}

enum err http_sockets_create(
    uv_loop_t *loop, const struct http_sockets_config *cfg, struct http_sockets **ret) {
    struct http_sockets *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return err_set(ERR_NOMEM, "no memory for WebSockets");
    }
    t->paths = cfg->paths;
    t->n_paths = cfg->n_paths;
    t->most = cfg->sockets_max == 0 ? SOCKETS_MAX : cfg->sockets_max;
    t->patience.secs_since_valid_ping = seconds(cfg->ping_after_us, PING_AFTER_US);
    t->patience.secs_since_valid_hangup = seconds(cfg->hangup_after_us, HANGUP_AFTER_US);
    http_tally_register();
    enum err e = make_protocols(t);
    e = e == OK ? http_relays_create(loop, &t->relays) : e;
    if (e != OK) {
        mem_free(t->protocols);
        mem_free(t);
        return e;
    }
    uv_timer_init(loop, &t->watch);
    t->watch.data = t;
    e = make_context(t, loop);
    if (e != OK) {
        http_sockets_destroy(t);
        return e;
    }
    *ret = t;
    return OK;
}

void http_sockets_destroy(struct http_sockets *t) {
    if (t == NULL) {
        return;
    }
    t->closed = true;
    t->drained = NULL;
    http_relays_destroy(STEAL(t->relays));
    uv_timer_start(&t->watch, watch_end, WATCH_MS, WATCH_MS);
    if (t->context != NULL) {
        lws_context_destroy(t->context);
    }
}
