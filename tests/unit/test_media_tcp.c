/* ICE-TCP over loopback: frames both ways, slow readers, floods of connections. */
#include "media/tcp.h"

#include "core/cur.h"
#include "core/mem.h"
#include "rtc/tcp_frame.h"
#include "test.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 2000 /* of waiting for something, 1 ms each */

struct fixture {
    uv_loop_t loop;
    struct pkt_pool *pool;
    struct media_tcp *tcp;
    struct rtc_ice_path path; /* of the latest packet */
    unsigned packets, closed;
    size_t bytes, longest;
};

static void packets(void *arg, const struct media_datagram *in, size_t n) {
    struct fixture *f = arg;
    CHECK(n > 0 && n <= MEDIA_UDP_BATCH);
    for (size_t i = 0; i < n; i++) {
        f->packets++;
        f->bytes += in[i].pkt->len;
        f->longest = in[i].pkt->len > f->longest ? in[i].pkt->len : f->longest;
        f->path = in[i].path;
        pkt_unref(in[i].pkt);
    }
}

static void closed(void *arg, const struct rtc_ice_path *path) {
    struct fixture *f = arg;
    CHECK(path->peer.tcp);
    f->closed++;
}

static void set_up(struct fixture *f) {
    memset(f, 0, sizeof(*f));
    (void)signal(SIGPIPE, SIG_IGN); /* as the server does */
    struct media_tcp_owner owner = { packets, closed, f };
    CHECK_INT(0, uv_loop_init(&f->loop));
    CHECK_ERR(OK, pkt_pool_create(MIB, &f->pool));
    CHECK_ERR(OK, media_tcp_listen(&f->loop, f->pool, "127.0.0.1", 0, &owner, &f->tcp));
}

static void tear_down(struct fixture *f) {
    media_tcp_close(f->tcp);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&f->loop));
    pkt_pool_destroy(f->pool);
}

static int dial(const struct fixture *f) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(media_tcp_port(f->tcp)) };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(0, connect(fd, (struct sockaddr *)&at, sizeof(at)));
    return fd;
}

/* Runs the loop until `*what` is `n`, or for two seconds. */
static void wait_for(struct fixture *f, const unsigned *what, unsigned n) {
    for (unsigned i = 0; i < ROUNDS && *what < n; i++) {
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        (void)poll(NULL, 0, 1);
    }
}

static void wait_accepted(struct fixture *f, uint64_t n) {
    const struct media_tcp_stats *s = media_tcp_stats(f->tcp);
    for (unsigned i = 0; i < ROUNDS && s->accepted + s->refused < n; i++) {
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        (void)poll(NULL, 0, 1);
    }
}

TEST(media_tcp, cuts_frames) {
    static const struct {
        const char *name;
        size_t len[3]; /* of frames */
        size_t piece;  /* bytes a write */
        unsigned packets;
        bool broken;
    } rows[] = {
        { "one a write", { 100, 0, 0 }, 102, 1, false },
        { "three in one", { 10, 1500, 20 }, 2000, 3, false },
        { "byte by byte", { 5, 6, 7 }, 1, 3, false },
        { "the longest", { RTC_TCP_FRAME_MOST, 0, 0 }, 700, 1, false },
        { "beyond it", { 4, RTC_TCP_FRAME_MOST + 1, 0 }, 4000, 1, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct fixture f;
        uint8_t all[8000];
        size_t n = 0;
        set_up(&f);
        int fd = dial(&f);
        for (unsigned i = 0; i < 3 && r->len[i] > 0; i++) {
            rtc_tcp_head(r->len[i], all + n);
            memset(all + n + RTC_TCP_HEAD, 0x16, r->len[i]);
            n += RTC_TCP_HEAD + r->len[i];
        }
        for (size_t at = 0; at < n; at += r->piece) {
            size_t len = n - at < r->piece ? n - at : r->piece;
            CHECK_INT(len, send(fd, all + at, len, MSG_NOSIGNAL));
            (void)uv_run(&f.loop, UV_RUN_NOWAIT);
        }
        wait_for(&f, &f.packets, r->packets);
        CHECK_INT(r->packets, f.packets);
        wait_for(&f, &f.closed, r->broken);
        CHECK_INT(r->broken, f.closed);
        CHECK_INT(r->broken, media_tcp_stats(f.tcp)->broken);
        CHECK_INT(!r->broken, media_tcp_has(f.tcp, f.path.via));
        close(fd);
        wait_for(&f, &f.closed, 1);
        CHECK_INT(1, f.closed);
        tear_down(&f);
    }
}

/* Sends `n` packets of 1,000 bytes by the connection that was heard last. */
static void send_many(struct fixture *f, unsigned n) {
    static uint8_t body[1000];
    for (unsigned i = 0; i < n; i++) {
        struct iovec iov = { body, sizeof(body) };
        struct media_run run = { f->path, &iov, 1, sizeof(body) };
        body[0] = (uint8_t)i;
        media_tcp_send(f->tcp, &run);
    }
}

static int greet(struct fixture *f) {
    static const uint8_t hello[] = { 0, 1, 0x16 };
    int fd = dial(f);
    unsigned before = f->packets;
    CHECK_INT(sizeof(hello), send(fd, hello, sizeof(hello), MSG_NOSIGNAL));
    wait_for(f, &f->packets, before + 1);
    return fd;
}

TEST(media_tcp, drops_what_a_slow_reader_does_not_take) {
    struct fixture f;
    set_up(&f);
    uint64_t live = mem_live();
    int fd = greet(&f);
    live = mem_live() - live; /* of the connection */
    send_many(&f, 20000);
    uint64_t dropped = media_tcp_stats(f.tcp)->dropped;
    CHECK(dropped > 1000);
    CHECK(mem_live() < 400 + live + 20000 / 10); /* what waits is bounded */
    /* It reads again: whole frames, in order, then what is sent now. */
    struct rtc_tcp_split split = { 0 };
    uint8_t bytes[65536], frame[RTC_TCP_FRAME_MOST];
    unsigned whole = 0;
    size_t got = 0;
    for (unsigned i = 0; i < ROUNDS && whole < 20000 - dropped; i++) {
        (void)uv_run(&f.loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        struct cur c = cur_make(bytes, n > 0 ? (size_t)n : 0);
        while (rtc_tcp_split(&split, &c, frame, &got) == RTC_TCP_FRAME) {
            CHECK_INT(1000, got);
            CHECK_INT((uint8_t)whole, frame[0]);
            whole++;
        }
        if (n <= 0) {
            (void)poll(NULL, 0, 1);
        }
    }
    CHECK_INT(20000 - dropped, whole);
    close(fd);
    tear_down(&f);
}

TEST(media_tcp, tells_of_a_broken_connection_behind_the_send) {
    struct fixture f;
    set_up(&f);
    int fd = greet(&f);
    struct linger hard = { 1, 0 };
    CHECK_INT(0, setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
    close(fd); /* a reset */
    for (unsigned i = 0; i < 50; i++) {
        send_many(&f, 10);
        CHECK_INT(0, f.closed); /* never within it */
        (void)poll(NULL, 0, 1);
    }
    wait_for(&f, &f.closed, 1);
    CHECK_INT(1, f.closed);
    CHECK(!media_tcp_has(f.tcp, f.path.via));
    send_many(&f, 10); /* to nobody */
    CHECK(media_tcp_stats(f.tcp)->dropped >= 10);
    tear_down(&f);
}

TEST(media_tcp, admits_so_many_of_an_address) {
    struct fixture f;
    int fds[MEDIA_TCP_PER_ADDRESS + 8];
    set_up(&f);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = dial(&f);
        wait_accepted(&f, i + 1);
    }
    CHECK_INT(MEDIA_TCP_PER_ADDRESS, media_tcp_stats(f.tcp)->accepted);
    CHECK_INT(8, media_tcp_stats(f.tcp)->refused);
    close(fds[0]);
    wait_for(&f, &f.closed, 1);
    fds[0] = dial(&f);
    wait_accepted(&f, COUNT_OF(fds) + 1);
    CHECK_INT(MEDIA_TCP_PER_ADDRESS + 1, media_tcp_stats(f.tcp)->accepted);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        close(fds[i]);
    }
    tear_down(&f);
}

TEST(media_tcp, without_packets_a_connection_cannot_go_on) {
    struct fixture f;
    set_up(&f);
    struct pkt *held = NULL, *p;
    while ((p = pkt_take(f.pool)) != NULL) {
        p->next = held;
        held = p;
    }
    int fd = dial(&f);
    CHECK_INT(3, send(fd, "\0\1x", 3, MSG_NOSIGNAL));
    wait_for(&f, &f.closed, 1);
    CHECK_INT(1, f.closed);
    CHECK_INT(0, f.packets);
    while (held != NULL) {
        p = held;
        held = p->next;
        pkt_unref(p);
    }
    close(fd);
    tear_down(&f);
}

TEST(media_tcp, a_port_that_is_taken_is_named) {
    struct fixture f;
    struct media_tcp *second = NULL;
    struct media_tcp_owner owner = { packets, closed, &f };
    set_up(&f);
    CHECK_ERR(ERR_IO,
        media_tcp_listen(&f.loop, f.pool, "127.0.0.1", media_tcp_port(f.tcp), &owner, &second));
    CHECK(strstr(err_text(), "TCP 127.0.0.1 port ") != NULL);
    CHECK_ERR(ERR_INVALID, media_tcp_listen(&f.loop, f.pool, "nowhere", 0, &owner, &second));
    tear_down(&f);
}
