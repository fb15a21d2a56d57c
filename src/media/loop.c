/* Sockets and a clock around media/worker. */
#include "media/loop.h"

#include "core/mem.h"
#include "media/tcp.h"
#include "media/transport.h"

#include <stdatomic.h>
#include <uv.h>

#define ROUNDS_MAX 16 /* batches read from one socket before others have their turn */

struct door {
    struct media_udp *udp;
    struct media_tcp *tcp;
    uv_poll_t poll;
    struct media_loop *of;
};

struct media_loop {
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t wake;
    uv_timer_t timer;
    struct media_worker *worker;
    struct door doors[MEDIA_ADDRESSES_MAX];
    size_t n_doors;
    int64_t gather_us;
    int64_t held_since_us;     /* 0 = nothing is held back */
    int64_t wake_us;           /* what the timer is set to; INT64_MAX = it is not */
    int64_t busy_us, since_us; /* of the running window */
    bool busy;
    bool started;
    atomic_bool stopping;
};

static int64_t now_us(void) {
    return (int64_t)(uv_hrtime() / 1000);
}

/* --- out --- */

static void send_run(struct media_loop *l, const struct media_run *run) {
    for (size_t i = 0; i < l->n_doors; i++) {
        if (l->doors[i].tcp != NULL && media_tcp_has(l->doors[i].tcp, run->to.via)) {
            media_tcp_send(l->doors[i].tcp, run);
            return;
        }
    }
}

/* Rows of runs that leave by one socket go in one call. */
static void send_runs(void *arg, const struct media_run *runs, size_t n) {
    struct media_loop *l = arg;
    for (size_t i = 0, row; i < n; i += row) {
        row = 1;
        if (runs[i].to.peer.tcp) {
            send_run(l, &runs[i]);
            continue;
        }
        while (
            i + row < n && !runs[i + row].to.peer.tcp && runs[i + row].to.via == runs[i].to.via) {
            row++;
        }
        struct media_udp *u = l->doors[runs[i].to.via].udp;
        const struct media_udp_stats *s = media_udp_stats(u);
        uint64_t before = s->full + s->failed;
        media_udp_send(u, &runs[i], row);
        l->worker->stats.unsent += s->full + s->failed - before;
    }
}

/* --- turns --- */

static void note_busy(struct media_loop *l, int64_t from, int64_t to) {
    l->busy_us += to - from;
    l->worker->stats.busy_us += (uint64_t)(to - from);
    if (to - l->since_us >= MEDIA_BUSY_US) {
        l->busy = l->busy_us * 100 > (to - l->since_us) * MEDIA_BUSY_PERCENT;
        l->busy_us = 0;
        l->since_us = to;
    }
}

static void timer_fired(uv_timer_t *timer);

/* Sends, or holds back; sets the clock for whatever comes first. */
static void settle(struct media_loop *l, int64_t now) {
    if (media_outbox_waits(l->worker->outbox, now)) {
        l->held_since_us = l->held_since_us == 0 ? now : l->held_since_us;
        if (!l->busy || now - l->held_since_us >= l->gather_us) {
            media_worker_flush(l->worker);
        }
    }
    if (!media_outbox_waits(l->worker->outbox, now)) {
        l->held_since_us = 0;
    }
    int64_t next = media_worker_next_us(l->worker);
    if (l->held_since_us != 0 && l->held_since_us + l->gather_us < next) {
        next = l->held_since_us + l->gather_us;
    }
    if (next == l->wake_us) {
        return;
    }
    l->wake_us = next;
    if (next == INT64_MAX) {
        (void)uv_timer_stop(&l->timer);
        return;
    }
    uv_update_time(&l->loop);
    int64_t in_us = next > now ? next - now : 0;
    (void)uv_timer_start(&l->timer, timer_fired, (uint64_t)(in_us + 999) / 1000, 0);
}

/* `from`: now, as its caller has read the clock. */
static void turn_from(
    struct media_loop *l, const struct media_datagram *in, size_t n, int64_t from) {
    media_worker_turn(l->worker, in, n, from);
    settle(l, from);
    note_busy(l, from, now_us());
}

static void turn(struct media_loop *l, const struct media_datagram *in, size_t n) {
    turn_from(l, in, n, now_us());
}

static void timer_fired(uv_timer_t *timer) {
    struct media_loop *l = timer->data;
    l->wake_us = INT64_MAX;
    turn(l, NULL, 0);
}

/* What the socket dropped by itself is counted with what the worker drops. */
static size_t receive(struct door *d, int64_t now, struct media_datagram in[MEDIA_UDP_BATCH]) {
    struct media_worker *w = d->of->worker;
    const struct media_udp_stats *s = media_udp_stats(d->udp);
    const uint64_t unread = s->unread, truncated = s->truncated;
    const size_t n = media_udp_receive(d->udp, w->pool, now, in);
    w->stats.drops[MEDIA_DROP_NO_PACKET] += s->unread - unread;
    w->stats.drops[MEDIA_DROP_TOO_LONG] += s->truncated - truncated;
    return n;
}

static void readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct door *d = poll->data;
    struct media_datagram in[MEDIA_UDP_BATCH];
    size_t n = MEDIA_UDP_BATCH;
    for (int round = 0; round < ROUNDS_MAX && n == MEDIA_UDP_BATCH; round++) {
        int64_t now = now_us();
        n = receive(d, now, in);
        if (n > 0) {
            turn_from(d->of, in, n, now);
        }
    }
}

static void tcp_packets(void *arg, const struct media_datagram *in, size_t n) {
    turn(arg, in, n);
}

static void tcp_closed(void *arg, const struct rtc_ice_path *path) {
    struct media_loop *l = arg;
    media_transport_path_closed(l->worker, path);
    turn(l, NULL, 0); /* what followed from it is carried out */
}

/* --- life --- */

static void close_handles(struct media_loop *l) {
    for (size_t i = 0; i < l->n_doors; i++) {
        media_tcp_close(STEAL(l->doors[i].tcp));
        if (l->doors[i].poll.data != NULL) {
            uv_close((uv_handle_t *)&l->doors[i].poll, NULL);
        }
    }
    if (l->wake.data != NULL) {
        uv_close((uv_handle_t *)&l->wake, NULL);
    }
    uv_close((uv_handle_t *)&l->timer, NULL);
}

static void woken(uv_async_t *wake) {
    struct media_loop *l = wake->data;
    turn(l, NULL, 0);
    if (atomic_load(&l->stopping)) {
        media_worker_flush(l->worker);
        close_handles(l);
    }
}

static void run(void *arg) {
    struct media_loop *l = arg;
    (void)uv_run(&l->loop, UV_RUN_DEFAULT); /* until close_handles has left nothing */
}

static enum err open_door(
    struct media_loop *l, const struct media_loop_config *cfg, const char *address, uint32_t i) {
    struct door *d = &l->doors[i];
    d->of = l;
    l->n_doors = i + 1;
    TRY(media_udp_open(address, cfg->udp_port, i, &d->udp));
    int e = uv_poll_init(&l->loop, &d->poll, media_udp_fd(d->udp));
    if (e != 0) {
        return err_set(ERR_IO, "UDP %s: %s", address, uv_strerror(e));
    }
    d->poll.data = d;
    e = uv_poll_start(&d->poll, UV_READABLE, readable);
    if (e != 0) {
        return err_set(ERR_IO, "UDP %s: %s", address, uv_strerror(e));
    }
    struct media_tcp_owner owner = { tcp_packets, tcp_closed, l };
    return cfg->no_tcp ? OK
                       : media_tcp_listen(
                             &l->loop, l->worker->pool, address, cfg->tcp_port, &owner, &d->tcp);
}

static enum err open_all(struct media_loop *l, const struct media_loop_config *cfg) {
    if (cfg->n_addresses == 0 || cfg->n_addresses > MEDIA_ADDRESSES_MAX) {
        return err_set(
            ERR_INVALID, "media needs 1 to %d addresses to listen on", MEDIA_ADDRESSES_MAX);
    }
    for (size_t i = 0; i < cfg->n_addresses; i++) {
        TRY(open_door(l, cfg, cfg->addresses[i], (uint32_t)i));
    }
    return OK;
}

static enum err set_up(struct media_loop *l, const struct media_loop_config *cfg) {
    struct media_worker_config worker = cfg->worker;
    worker.send = send_runs;
    worker.send_arg = l;
    worker.now_us = l->since_us = now_us();
    TRY(media_worker_create(&worker, &l->worker));
    return open_all(l, cfg);
}

enum err media_loop_create(const struct media_loop_config *cfg, struct media_loop **ret) {
    struct media_loop *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        return err_set(ERR_NOMEM, "no memory for a media loop");
    }
    l->gather_us = cfg->gather_us < MEDIA_GATHER_MAX_US ? cfg->gather_us : MEDIA_GATHER_MAX_US;
    int e = uv_loop_init(&l->loop);
    if (e != 0) {
        mem_free(l);
        return err_set(ERR_IO, "no loop for media: %s", uv_strerror(e));
    }
    (void)uv_timer_init(&l->loop, &l->timer); /* cannot fail */
    e = uv_async_init(&l->loop, &l->wake, woken);
    l->wake.data = e == 0 ? l : NULL;
    l->wake_us = INT64_MAX;
    l->timer.data = l;
    enum err err = e == 0 ? set_up(l, cfg) : err_set(ERR_IO, "media: %s", uv_strerror(e));
    if (err != OK) {
        if (l->worker != NULL) {
            l->worker->seal = NULL; /* it stays the caller's */
        }
        media_loop_destroy(l);
        return err;
    }
    *ret = l;
    return OK;
}

enum err media_loop_start(struct media_loop *l) {
    int e = uv_thread_create(&l->thread, run, l);
    l->started = e == 0;
    return e == 0 ? OK : err_set(ERR_IO, "no thread for media: %s", uv_strerror(e));
}

void media_loop_stop(struct media_loop *l) {
    if (l->started) {
        atomic_store(&l->stopping, true);
        media_loop_wake(l);
        uv_thread_join(&l->thread);
        l->started = false;
    }
}

void media_loop_destroy(struct media_loop *l) {
    if (l == NULL) {
        return;
    }
    if (!atomic_load(&l->stopping)) { /* it never ran */
        close_handles(l);
    }
    (void)uv_run(&l->loop, UV_RUN_DEFAULT); /* what is closing gives its memory back */
    for (size_t i = 0; i < l->n_doors; i++) {
        media_udp_close(l->doors[i].udp);
    }
    media_worker_destroy(l->worker);
    (void)uv_loop_close(&l->loop);
    mem_free(l);
}

void media_loop_wake(struct media_loop *l) {
    (void)uv_async_send(&l->wake);
}

uint16_t media_loop_udp_port(const struct media_loop *l, size_t i) {
    return media_udp_port(l->doors[i].udp);
}

uint16_t media_loop_tcp_port(const struct media_loop *l, size_t i) {
    return l->doors[i].tcp == NULL ? 0 : media_tcp_port(l->doors[i].tcp);
}

struct media_worker *media_loop_worker(struct media_loop *l) {
    return l->worker;
}
