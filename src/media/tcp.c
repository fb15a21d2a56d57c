/* A listener and its connections; frames in, frames out. */
#include "media/tcp.h"

#include "core/cur.h"
#include "core/map.h"
#include "core/mem.h"
#include "media/path.h"
#include "rtc/tcp_frame.h"

#include <stdatomic.h>
#include <string.h>

#define READ_BYTES (64 * KIB)
#define BACKLOG    128

struct connection {
    uv_tcp_t handle; /* first: a handle's address is its connection's */
    UT_hash_handle hh;
    struct media_tcp *of;
    struct rtc_ice_path path; /* path.via is the map's key */
    struct rtc_tcp_split split;
    struct pkt *filling;
    uint64_t heard_ms;
    bool admitted, closing;
};

struct media_tcp {
    uv_tcp_t listener;
    uv_timer_t sweep;
    uv_loop_t *loop;
    struct pkt_pool *pool;
    struct media_tcp_owner owner;
    struct connection *connections; /* those that are not closing */
    struct media_tcp_stats stats;
    uint16_t port;
    unsigned handles; /* of libuv, still open */
    bool waiting;     /* a connection that could not be accepted for want of memory */
    bool closing;
    char read[READ_BYTES];
};

/* Frames with their head, on their way. */
struct writing {
    uv_write_t request;
    char bytes[];
};

static void give_back(struct media_tcp *t) {
    if (--t->handles == 0) {
        mem_free(t);
    }
}

static void connection_gone(uv_handle_t *h) {
    struct connection *c = (struct connection *)h;
    struct media_tcp *t = c->of;
    if (c->admitted && !t->closing) {
        t->owner.closed(t->owner.arg, &c->path);
    }
    pkt_unref(c->filling);
    mem_free(c);
    give_back(t);
}

/* The owner hears of it from the loop: it may be sending just now. */
static void connection_close(struct connection *c) {
    if (c->closing) {
        return;
    }
    c->closing = true;
    HASH_DEL(c->of->connections, c);
    uv_close((uv_handle_t *)&c->handle, connection_gone);
}

/* --- in --- */

static void read_room(uv_handle_t *h, size_t suggested, uv_buf_t *ret) {
    (void)suggested;
    struct connection *c = (struct connection *)h;
    *ret = uv_buf_init(c->of->read, READ_BYTES);
}

/* Cuts what was read into packets; false when the connection must be closed. */
static bool cut(struct connection *c, const uint8_t *data, size_t len) {
    struct media_tcp *t = c->of;
    struct media_datagram in[MEDIA_UDP_BATCH];
    size_t n = 0;
    struct cur rest = cur_make(data, len);
    enum rtc_tcp_step step = RTC_TCP_FRAME;
    while (step == RTC_TCP_FRAME) {
        if (c->filling == NULL && (c->filling = pkt_take(t->pool)) == NULL) {
            step = RTC_TCP_BROKEN; /* without memory its place in the stream is lost */
            break;
        }
        size_t got = 0;
        step = rtc_tcp_split(&c->split, &rest, pkt_bytes(c->filling), &got);
        if (step == RTC_TCP_FRAME) {
            c->filling->len = (uint16_t)got;
            c->filling->arrived_us = (int64_t)(uv_hrtime() / 1000);
            in[n++] = (struct media_datagram){ STEAL(c->filling), c->path };
        }
        if (n == MEDIA_UDP_BATCH) {
            t->owner.packets(t->owner.arg, in, n);
            n = 0;
        }
    }
    if (n > 0) {
        t->owner.packets(t->owner.arg, in, n);
    }
    t->stats.broken += step == RTC_TCP_BROKEN;
    return step != RTC_TCP_BROKEN;
}

static void was_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf) {
    struct connection *c = (struct connection *)s;
    if (n == 0) {
        return;
    }
    c->heard_ms = uv_now(c->of->loop);
    if (n < 0 || !cut(c, (const uint8_t *)buf->base, (size_t)n)) {
        connection_close(c);
    }
}

/* --- connections --- */

static size_t from_address(const struct media_tcp *t, const struct rtc_ice_path *path) {
    size_t n = 0;
    for (const struct connection *c = t->connections; c != NULL; c = c->hh.next) {
        n += memcmp(c->path.peer.ip, path->peer.ip, sizeof(path->peer.ip)) == 0;
    }
    return n;
}

static bool admit(struct connection *c) {
    static atomic_uint_fast32_t last_via; /* of all workers: a path names one connection */
    struct media_tcp *t = c->of;
    struct sockaddr_storage from;
    int len = sizeof(from);
    if (uv_accept((uv_stream_t *)&t->listener, (uv_stream_t *)&c->handle) != 0 ||
        uv_tcp_getpeername(&c->handle, (struct sockaddr *)&from, &len) != 0) {
        return false;
    }
    c->path =
        media_path_of((struct sockaddr *)&from, true, (uint32_t)atomic_fetch_add(&last_via, 1) + 1);
    if (HASH_COUNT(t->connections) >= MEDIA_TCP_CONNECTIONS ||
        from_address(t, &c->path) >= MEDIA_TCP_PER_ADDRESS) {
        return false;
    }
    HASH_ADD(hh, t->connections, path.via, sizeof(c->path.via), c);
    return c->hh.tbl != NULL;
}

static void connected(uv_stream_t *listener, int status) {
    struct media_tcp *t = (struct media_tcp *)listener;
    struct connection *c = status == 0 ? mem_zalloc(sizeof(*c)) : NULL;
    if (c == NULL || uv_tcp_init(t->loop, &c->handle) != 0) {
        mem_free(c);
        t->waiting = status == 0; /* libuv listens no further until it is accepted: see sweep */
        return;
    }
    c->of = t;
    t->handles++;
    if (!admit(c)) {
        c->closing = true;
        t->stats.refused++;
        uv_close((uv_handle_t *)&c->handle, connection_gone);
        return;
    }
    t->stats.accepted++;
    c->admitted = true;
    c->heard_ms = uv_now(t->loop);
    (void)uv_tcp_nodelay(&c->handle, 1);
    if (uv_read_start((uv_stream_t *)&c->handle, read_room, was_read) != 0) {
        connection_close(c);
    }
}

static void sweep(uv_timer_t *timer) {
    struct media_tcp *t = timer->data;
    if (t->waiting) {
        t->waiting = false;
        connected((uv_stream_t *)&t->listener, 0);
    }
    for (struct connection *c = t->connections, *next; c != NULL; c = next) {
        next = c->hh.next;
        if (uv_now(t->loop) - c->heard_ms > MEDIA_TCP_SILENT_MS) {
            connection_close(c);
        }
    }
}

/* --- out --- */

static void was_written(uv_write_t *request, int status) {
    struct connection *c = (struct connection *)request->handle;
    mem_free(request); /* the first member of its `writing` */
    if (status != 0) {
        connection_close(c);
    }
}

/* One packet: at once where the kernel takes it whole, else what is left waits. */
static bool write_packet(struct connection *c, const struct iovec *piece) {
    uint8_t head[RTC_TCP_HEAD];
    rtc_tcp_head(piece->iov_len, head);
    uv_stream_t *s = (uv_stream_t *)&c->handle;
    if (uv_stream_get_write_queue_size(s) > MEDIA_TCP_QUEUE_BYTES) {
        return false;
    }
    size_t all = sizeof(head) + piece->iov_len, sent = 0;
    if (uv_stream_get_write_queue_size(s) == 0) {
        uv_buf_t bufs[2] = { uv_buf_init((char *)head, sizeof(head)),
            uv_buf_init(piece->iov_base, (unsigned)piece->iov_len) };
        int n = uv_try_write(s, bufs, 2);
        sent = n > 0 ? (size_t)n : 0;
    }
    if (sent == all) {
        return true;
    }
    struct writing *w = mem_alloc(sizeof(*w) + all);
    if (w == NULL) {
        if (sent > 0) {
            connection_close(c); /* half a frame is out */
        }
        return false;
    }
    memcpy(w->bytes, head, sizeof(head));
    memcpy(w->bytes + sizeof(head), piece->iov_base, piece->iov_len);
    uv_buf_t rest = uv_buf_init(w->bytes + sent, (unsigned)(all - sent));
    if (uv_write(&w->request, s, &rest, 1, was_written) != 0) {
        mem_free(w);
        connection_close(c);
        return false;
    }
    return true;
}

static struct connection *find(const struct media_tcp *t, uint32_t via) {
    struct connection *c = NULL;
    HASH_FIND(hh, t->connections, &via, sizeof(via), c);
    return c;
}

bool media_tcp_has(const struct media_tcp *t, uint32_t via) {
    return find(t, via) != NULL;
}

void media_tcp_send(struct media_tcp *t, const struct media_run *run) {
    struct connection *c = find(t, run->to.via);
    for (uint16_t i = 0; i < run->n; i++) {
        if (c == NULL || c->closing || !write_packet(c, &run->iov[i])) {
            t->stats.dropped++;
        }
    }
}

/* --- the listener --- */

static void listener_gone(uv_handle_t *h) {
    give_back(h->data);
}

static enum err listen_on(struct media_tcp *t, const char *address, uint16_t port) {
    struct rtc_ice_path path = { .peer.port = port };
    if (!rtc_addr_read_ip(address, strlen(address), &path.peer)) {
        return err_set(ERR_INVALID, "'%s' is not an IPv4 or IPv6 address", address);
    }
    struct sockaddr_storage at;
    (void)media_path_sockaddr(&path, &at);
    int e = uv_tcp_bind(
        &t->listener, (struct sockaddr *)&at, rtc_addr_is_v4(&path.peer) ? 0 : UV_TCP_IPV6ONLY);
    e = e != 0 ? e : uv_listen((uv_stream_t *)&t->listener, BACKLOG, connected);
    int len = sizeof(at);
    e = e != 0 ? e : uv_tcp_getsockname(&t->listener, (struct sockaddr *)&at, &len);
    if (e != 0) {
        return err_set(ERR_IO, "TCP %s port %u: %s", address, port, uv_strerror(e));
    }
    t->port = media_path_of((struct sockaddr *)&at, true, 0).peer.port;
    return OK;
}

enum err media_tcp_listen(uv_loop_t *loop, struct pkt_pool *pool, const char *address,
    uint16_t port, const struct media_tcp_owner *owner, struct media_tcp **ret) {
    struct media_tcp *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return err_set(ERR_NOMEM, "no memory for a TCP listener");
    }
    t->loop = loop;
    t->pool = pool;
    t->owner = *owner;
    t->handles = 2;
    (void)uv_timer_init(loop, &t->sweep); /* cannot fail */
    t->sweep.data = t;
    int init = uv_tcp_init(loop, &t->listener);
    t->listener.data = t;
    enum err e = init == 0 ? listen_on(t, address, port)
                           : err_set(ERR_IO, "no TCP socket: %s", uv_strerror(init));
    if (e != OK) {
        media_tcp_close(t);
        return e;
    }
    (void)uv_timer_start(&t->sweep, sweep, MEDIA_TCP_SILENT_MS / 3, MEDIA_TCP_SILENT_MS / 3);
    *ret = t;
    return OK;
}

void media_tcp_close(struct media_tcp *t) {
    if (t == NULL) {
        return;
    }
    t->closing = true;
    for (struct connection *c = t->connections, *next; c != NULL; c = next) {
        next = c->hh.next;
        connection_close(c);
    }
    uv_close((uv_handle_t *)&t->listener, listener_gone);
    uv_close((uv_handle_t *)&t->sweep, listener_gone);
}

uint16_t media_tcp_port(const struct media_tcp *t) {
    return t->port;
}

const struct media_tcp_stats *media_tcp_stats(const struct media_tcp *t) {
    return &t->stats;
}
