/* Accepts, peeks, hands over; lingers. */
#include "http/accept.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/exchange.h"
#include "http/head.h"
#include "http/hold.h"
#include "http/listen.h"
#include "http/refusal.h"
#include "http/tally.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 64 /* then the rest of the loop has its turn */
#define EVENTS_A_TURN  64
#define LINGER_US      (5 * SEC_US)
#define LINGER_BYTES                                                                               \
    (64 * MIB) /* twice the largest body: a client that reads its answer only after sending all */
#define LINGER_STEP_BYTES (4 * MIB) /* one connection's share of a turn */

enum visitor_kind { VISITOR_WAITS, VISITOR_HELD, VISITOR_LINGERS };

struct http_visitor {
    struct http_visitor *prev, *next;
    int fd;
    enum visitor_kind kind;
    struct http_hold *hold; /* while held */
    bool again;             /* it was held */
    int64_t deadline_us;
    size_t forgotten; /* bytes, while lingering */
    socklen_t from_len;
    struct sockaddr_storage from;
};

struct http_accept {
    uv_poll_t poll; /* of the epoll set */
    int epoll;
    bool resting; /* out of descriptors: not accepting until the next sweep */
    struct http_listen listener;
    struct http_accept_door door;
    struct http_visitor *visitors;
    unsigned n;
    struct http_head head; /* of the connection that is being looked at */
    char peeked[HTTP_PEEK_MAX];
};

static void watch_visitors(uv_poll_t *poll, int status, int events);

static bool watch_listener(struct http_accept *a) {
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
    return epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->listener.fd, &e) == 0;
}

static void free_accept(uv_handle_t *h) {
    mem_free(h->data);
}

enum err http_accept_create(uv_loop_t *loop, const char *name, const struct http_accept_door *door,
    struct http_accept **ret) {
    struct http_accept *a = mem_zalloc(sizeof(*a));
    if (a == NULL) {
        return err_set(ERR_NOMEM, "no memory for an acceptor");
    }
    a->door = *door;
    enum err e = http_listen_open(name, &a->listener);
    if (e != OK) {
        mem_free(a);
        return e;
    }
    a->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (a->epoll < 0 || !watch_listener(a) || uv_poll_init(loop, &a->poll, a->epoll) != 0) {
        e = err_set(ERR_IO, "cannot watch %s: %s", name, strerror(errno));
        http_listen_close(&a->listener);
        if (a->epoll >= 0) {
            close(a->epoll);
        }
        mem_free(a);
        return e;
    }
    a->poll.data = a;
    uv_poll_start(&a->poll, UV_READABLE, watch_visitors);
    *ret = a;
    return OK;
}

int http_accept_port(const struct http_accept *a) {
    return a->listener.port;
}

unsigned http_accept_count(const struct http_accept *a) {
    return a->n + (a->resting ? 1 : 0);
}

/* --- visitors --- */

static bool admit(struct http_accept *a, int fd, enum visitor_kind kind, int64_t deadline_us,
    struct http_visitor **ret) {
    struct http_visitor *v = mem_zalloc(sizeof(*v));
    if (v == NULL) {
        return false;
    }
    *v = (struct http_visitor){
        .fd = fd, .kind = kind, .deadline_us = deadline_us, .next = a->visitors
    };
    struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = v };
    if (epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        mem_free(v);
        return false;
    }
    if (a->visitors != NULL) {
        a->visitors->prev = v;
    }
    a->visitors = v;
    a->n++;
    *ret = v;
    return true;
}

/* Gives the descriptor back, no longer watched. */
static int dismiss(struct http_accept *a, struct http_visitor *v) {
    int fd = v->fd;
    epoll_ctl(a->epoll, EPOLL_CTL_DEL, fd, NULL);
    *(v->prev == NULL ? &a->visitors : &v->prev->next) = v->next;
    if (v->next != NULL) {
        v->next->prev = v->prev;
    }
    a->n--;
    mem_free(v);
    return fd;
}

static void drop(struct http_accept *a, struct http_visitor *v) {
    close(dismiss(a, v));
}

static void forget_input(struct http_accept *a, struct http_visitor *v) {
    for (size_t step = 0; step < LINGER_STEP_BYTES;) {
        ssize_t n = recv(v->fd, a->peeked, sizeof(a->peeked), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (n <= 0 || v->forgotten > LINGER_BYTES) {
            drop(a, v);
            return;
        }
        v->forgotten += (size_t)n;
        step += (size_t)n;
    }
    /* There may be more, which the edge will not tell again: re-arm, so that it comes up in the
     * next turn. */
    struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = v };
    epoll_ctl(a->epoll, EPOLL_CTL_MOD, v->fd, &e);
}

void http_accept_linger(struct http_accept *a, int fd) {
    struct http_visitor *v;
    shutdown(fd, SHUT_WR);
    if (!admit(a, fd, VISITOR_LINGERS, clock_mono_us() + LINGER_US, &v)) {
        close(fd);
    }
}

static void refuse(struct http_accept *a, struct http_visitor *v, int status, const char *why) {
    http_refusal_send(v->fd, status, http_reply_errcode(status), why, a->door.cors);
    http_accept_linger(a, dismiss(a, v));
}

/* A plain request, or an upgrade that is none of our WebSocket paths. */
static void hand_to_http(struct http_accept *a, struct http_visitor *v) {
    if (a->head.len > HTTP_HEAD_MAX || a->head.target.n > HTTP_TARGET_MAX) {
        http_tally_refused(HTTP_REFUSED_HEAD);
        refuse(a, v, 431, "The request head is too long");
        return;
    }
    struct sockaddr_storage from = v->from;
    socklen_t from_len = v->from_len;
    a->door.plain(a->door.arg, dismiss(a, v), &from, from_len);
}

/* Watched only for its end: what else it sends stays in the socket. */
static void hold_back(struct http_accept *a, struct http_visitor *v, struct http_hold *hold) {
    struct epoll_event e = { .events = EPOLLRDHUP | EPOLLET, .data.ptr = v };
    v->kind = VISITOR_HELD;
    v->hold = hold;
    v->deadline_us = clock_mono_us() + HTTP_HOLD_US;
    hold->acceptor = a;
    hold->visitor = v;
    hold->cors = a->door.cors;
    epoll_ctl(a->epoll, EPOLL_CTL_ADD, v->fd, &e); /* it fails for want of memory; then its time
                                                      runs out */
}

static void hand_upgrade(struct http_accept *a, struct http_visitor *v) {
    /* libwebsockets does not skip empty lines before a request, libmicrohttpd does. */
    bool clean = a->head.method.s == a->peeked;
    struct http_hold *hold = NULL;
    struct sockaddr_storage from = v->from;
    int fd = v->fd;
    epoll_ctl(a->epoll, EPOLL_CTL_DEL, fd, NULL); /* whoever takes it may close it at once */
    enum http_upgraded done =
        clean ? a->door.upgrade(a->door.arg, fd, &a->head, &from, v->again, &hold)
              : HTTP_UPGRADE_NONE;
    switch (done) {
    case HTTP_UPGRADE_TAKEN:
        dismiss(a, v);
        break;
    case HTTP_UPGRADE_ANSWERED:
        http_accept_linger(a, dismiss(a, v));
        break;
    case HTTP_UPGRADE_HELD:
        hold_back(a, v, hold);
        break;
    case HTTP_UPGRADE_NONE:
        hand_to_http(a, v);
        break;
    }
}

static void look_at(struct http_accept *a, struct http_visitor *v, bool ended) {
    ssize_t n;
    do {
        n = recv(v->fd, a->peeked, sizeof(a->peeked), MSG_PEEK | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && !ended) {
        return;
    }
    if (n <= 0) {
        drop(a, v);
        return;
    }
    http_head_read(a->peeked, (size_t)n, &a->head);
    switch (a->head.kind) {
    case HTTP_HEAD_PARTIAL:
        if (ended) {
            drop(a, v);
        }
        break;
    case HTTP_HEAD_ALIEN:
        http_tally_refused(HTTP_REFUSED_ALIEN);
        drop(a, v);
        break;
    case HTTP_HEAD_REFUSED:
        http_tally_refused(HTTP_REFUSED_HEAD);
        refuse(a, v, a->head.status, a->head.why);
        break;
    case HTTP_HEAD_PLAIN:
        hand_to_http(a, v);
        break;
    case HTTP_HEAD_UPGRADE:
        hand_upgrade(a, v);
        break;
    }
}

/* --- those that are held back --- */

void http_accept_again(struct http_accept *a, struct http_visitor *v) {
    v->kind = VISITOR_WAITS;
    v->again = true;
    v->hold = NULL;
    look_at(a, v, true);
}

int http_accept_release(struct http_accept *a, struct http_visitor *v) {
    v->hold = NULL;
    return dismiss(a, v);
}

/* Whoever held it back wants it no more. */
static void lose(struct http_visitor *v) {
    if (v->kind == VISITOR_HELD) {
        v->kind = VISITOR_WAITS;
        http_hold_lose(v->hold);
    }
}

/* --- accepting --- */

static void rest(struct http_accept *a) {
    http_tally_refused(HTTP_REFUSED_DESCRIPTORS);
    LOG_ERROR(NULL, "accept_failed", "text=%s", LOG_Q(strerror(errno)));
    epoll_ctl(a->epoll, EPOLL_CTL_DEL, a->listener.fd, NULL);
    a->resting = true;
}

static void accept_some(struct http_accept *a) {
    for (int i = 0; i < ACCEPTS_A_TURN && a->listener.fd >= 0; i++) {
        struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
        socklen_t len = sizeof(from);
        int fd =
            accept4(a->listener.fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            bool exhausted =
                errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (exhausted) {
                rest(a);
            }
            if (exhausted || errno == EAGAIN) {
                return;
            }
            continue; /* that one left while it queued */
        }
        struct http_visitor *v;
        if (!a->door.room(a->door.arg)) {
            http_tally_refused(HTTP_REFUSED_CONNECTIONS);
            close(fd);
        } else if (!admit(a, fd, VISITOR_WAITS, clock_mono_us() + a->door.head_timeout_us, &v)) {
            close(fd);
        } else {
            v->from = from;
            v->from_len = len;
            look_at(a, v, false); /* most heads come in one segment, and are here already */
        }
    }
}

static void watch_visitors(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct http_accept *a = poll->data;
    struct epoll_event e[EVENTS_A_TURN];
    int n = epoll_wait(a->epoll, e, EVENTS_A_TURN, 0);
    bool knock = false;
    for (int i = 0; i < n; i++) { /* each visitor has at most one event, and only its own ends it */
        struct http_visitor *v = e[i].data.ptr;
        if (v == NULL) {
            knock = true;
        } else if (v->kind == VISITOR_LINGERS) {
            forget_input(a, v);
        } else if (v->kind == VISITOR_HELD) {
            lose(v);
            drop(a, v);
        } else {
            look_at(a, v, (e[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
        }
    }
    if (knock) {
        accept_some(a);
    }
}

void http_accept_sweep(struct http_accept *a, int64_t now_us) {
    if (a->resting && a->listener.fd >= 0) {
        a->resting = !watch_listener(a);
    }
    for (struct http_visitor *v = a->visitors, *next; v != NULL; v = next) {
        next = v->next;
        if (v->deadline_us > now_us) {
            continue;
        }
        if (v->kind == VISITOR_HELD) {
            lose(v);
            refuse(a, v, 503, "What becomes of the request was not known in time");
        } else if (v->kind == VISITOR_WAITS) {
            http_tally_refused(HTTP_REFUSED_SLOW);
            refuse(a, v, 408, "The request head did not come in time");
        } else {
            drop(a, v);
        }
    }
}

void http_accept_close(struct http_accept *a) {
    if (a->listener.fd >= 0) {
        epoll_ctl(a->epoll, EPOLL_CTL_DEL, a->listener.fd, NULL);
        http_listen_close(&a->listener);
        a->resting = false;
    }
    for (struct http_visitor *v = a->visitors, *next; v != NULL; v = next) {
        next = v->next;
        if (v->kind != VISITOR_LINGERS) {
            lose(v);
            drop(a, v);
        }
    }
}

void http_accept_destroy(struct http_accept *a) {
    if (a == NULL) {
        return;
    }
    http_accept_close(a);
    while (a->visitors != NULL) {
        drop(a, a->visitors);
    }
    uv_poll_stop(&a->poll);
    close(a->epoll);
    uv_close((uv_handle_t *)&a->poll, free_accept);
}
