/* A worker's socket over loopback: batches, runs that the kernel cuts apart, and what is counted.
 */
#include "media/udp.h"

#include "test.h"

#include <poll.h>
#include <string.h>

struct ends {
    struct media_udp *from, *to;
    struct pkt_pool *pool;
    struct rtc_ice_path path; /* of `to`, as `from` sends to it */
};

static void ends_finish(struct ends *e) {
    media_udp_close(e->from);
    media_udp_close(e->to);
    pkt_pool_destroy(e->pool);
}

static enum err ends_init(struct ends *e, const char *address) {
    TRY(pkt_pool_create(MIB, &e->pool));
    TRY(media_udp_open(address, 0, 7, &e->from));
    TRY(media_udp_open(address, 0, 9, &e->to));
    e->path.via = 7;
    e->path.peer.port = media_udp_port(e->to);
    CHECK(rtc_addr_read_ip(address, strlen(address), &e->path.peer));
    return OK;
}

/* Waits until something is there, at most two seconds. */
static size_t receive(struct ends *e, struct media_datagram ret[MEDIA_UDP_BATCH]) {
    struct pollfd fd = { .fd = media_udp_fd(e->to), .events = POLLIN };
    (void)poll(&fd, 1, 2000);
    return media_udp_receive(e->to, e->pool, 1234, ret);
}

static uint8_t text[2000];

TEST_ALLOC(media_udp, carries_runs_of_datagrams) {
    static const struct {
        const char *name;
        uint16_t n, size, last;
    } rows[] = {
        { "one", 1, 100, 100 },
        { "three alike", 3, 1200, 1200 },
        { "the last is shorter", 5, 1200, 7 },
        { "as many as the kernel takes", MEDIA_RUN_MAX, 900, 10 },
    };
    CLEANUP(ends_finish) struct ends e = { 0 };
    TRY(ends_init(&e, "127.0.0.1"));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct iovec iov[MEDIA_RUN_MAX];
        for (uint16_t i = 0; i < r->n; i++) {
            iov[i] = (struct iovec){ text + i, i + 1 == r->n ? r->last : r->size };
        }
        struct media_run run = { e.path, iov, r->n, r->size };
        media_udp_send(e.from, &run, 1);
        uint16_t got = 0;
        for (int tries = 0; got < r->n && tries < 100; tries++) {
            struct media_datagram in[MEDIA_UDP_BATCH];
            size_t n = receive(&e, in);
            for (size_t i = 0; i < n; i++, got++) {
                size_t want = iov[got].iov_len;
                CHECK_INT(want, in[i].pkt->len);
                CHECK(memcmp(pkt_bytes(in[i].pkt), text + got, want) == 0);
                CHECK_INT(1234, in[i].pkt->arrived_us);
                CHECK_INT(9, in[i].path.via);
                CHECK_INT(media_udp_port(e.from), in[i].path.peer.port);
                pkt_unref(in[i].pkt);
            }
            if (n == 0 && mem_failed()) {
                return ERR_NOMEM;
            }
        }
        CHECK_INT(r->n, got);
    }
    const struct media_udp_stats *sent = media_udp_stats(e.from);
    CHECK_INT(1 + 3 + 5 + MEDIA_RUN_MAX, sent->sent);
    CHECK(!sent->one_by_one && sent->calls == 4);
    return OK;
}

TEST(media_udp, works_over_ipv6) {
    CLEANUP(ends_finish) struct ends e = { 0 };
    if (ends_init(&e, "::1") != OK) {
        return; /* a machine without IPv6 */
    }
    struct iovec iov = { text, 20 };
    struct media_run run = { e.path, &iov, 1, 20 };
    media_udp_send(e.from, &run, 1);
    struct media_datagram in[MEDIA_UDP_BATCH];
    CHECK_INT(1, receive(&e, in));
    char from[MEDIA_PATH_TEXT];
    media_path_write(&in[0].path, from);
    CHECK(strncmp(from, "[::1]:", 6) == 0);
    pkt_unref(in[0].pkt);
}

TEST(media_udp, goes_on_after_what_cannot_be_sent) {
    CLEANUP(ends_finish) struct ends e = { 0 };
    CHECK_ERR(OK, ends_init(&e, "127.0.0.1"));
    struct iovec iov[2] = { { text, 50 }, { text, 60 } };
    struct media_run runs[2] = { { e.path, &iov[0], 1, 50 }, { e.path, &iov[1], 1, 60 } };
    CHECK(rtc_addr_read_ip("::1", 3, &runs[0].to.peer)); /* not from a socket of IPv4 */
    media_udp_send(e.from, runs, 2);
    struct media_datagram in[MEDIA_UDP_BATCH];
    CHECK_INT(1, receive(&e, in));
    CHECK_INT(60, in[0].pkt->len);
    pkt_unref(in[0].pkt);
    CHECK_INT(1, media_udp_stats(e.from)->failed);
    CHECK_INT(1, media_udp_stats(e.from)->sent);
}

TEST(media_udp, drops_what_is_longer_than_a_datagram_of_ours) {
    CLEANUP(ends_finish) struct ends e = { 0 };
    CHECK_ERR(OK, ends_init(&e, "127.0.0.1"));
    struct iovec iov[2] = { { text, PKT_DATAGRAM + 1 }, { text, PKT_DATAGRAM } };
    struct media_run runs[2] = { { e.path, &iov[0], 1, PKT_DATAGRAM + 1 },
        { e.path, &iov[1], 1, PKT_DATAGRAM } };
    media_udp_send(e.from, runs, 2);
    struct media_datagram in[MEDIA_UDP_BATCH];
    size_t n = receive(&e, in);
    n = n > 0 ? n : receive(&e, in);
    CHECK_INT(1, n);
    CHECK_INT(PKT_DATAGRAM, in[0].pkt->len);
    CHECK_INT(1, media_udp_stats(e.to)->truncated);
    pkt_unref(in[0].pkt);
}

TEST(media_udp, names_the_address_it_cannot_have) {
    CLEANUP(ends_finish) struct ends e = { 0 };
    CHECK_ERR(OK, ends_init(&e, "127.0.0.1"));
    struct media_udp *u = NULL;
    CHECK_ERR(ERR_IO, media_udp_open("127.0.0.1", media_udp_port(e.to), 0, &u));
    CHECK(strstr(err_text(), "127.0.0.1 port") != NULL);
    CHECK_ERR(ERR_INVALID, media_udp_open("localhost", 0, 0, &u));
    CHECK(u == NULL);
}
