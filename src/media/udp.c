/* recvmmsg, sendmmsg and UDP_SEGMENT. */
#include "media/udp.h"

#include "core/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

struct media_udp {
    int fd;
    uint16_t port;
    uint32_t index;
    struct media_udp_stats stats;
    struct pkt *waiting[MEDIA_UDP_BATCH]; /* what the next receive reads into */
    size_t empty;                         /* so many of them, the first ones, are taken */
    struct pkt_pool *pool;
    struct mmsghdr in[MEDIA_UDP_BATCH];
    struct iovec in_iov[MEDIA_UDP_BATCH];
    struct sockaddr_storage from[MEDIA_UDP_BATCH];
    struct mmsghdr out[MEDIA_UDP_MESSAGES];
    struct sockaddr_storage to[MEDIA_UDP_MESSAGES];
    struct {
        alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } segment[MEDIA_UDP_MESSAGES];
};

static enum err bind_to(struct media_udp *u, const char *address, uint16_t port) {
    struct rtc_ice_path path = { .peer.port = port };
    if (!rtc_addr_read_ip(address, strlen(address), &path.peer)) {
        return err_set(ERR_INVALID, "'%s' is not an IPv4 or IPv6 address", address);
    }
    struct sockaddr_storage at;
    socklen_t len = media_path_sockaddr(&path, &at);
    u->fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0) {
        return err_set(ERR_IO, "no UDP socket for %s: %s", address, strerror(errno));
    }
    /* Never cut into fragments: media packets are small, and then the kernel need not think of an
     * identification for each, which was 7 % of a fan-out's time. */
    int one = 1, bytes = MEDIA_UDP_BUFFER, whole = IP_PMTUDISC_PROBE;
    if (at.ss_family == AF_INET6) {
        (void)setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
        (void)setsockopt(u->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &whole, sizeof(whole));
    } else {
        (void)setsockopt(u->fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof(whole));
    }
    (void)setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    (void)setsockopt(u->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if (bind(u->fd, (struct sockaddr *)&at, len) != 0) {
        return err_set(ERR_IO, "UDP %s port %u: %s", address, port, strerror(errno));
    }
    len = sizeof(at);
    if (getsockname(u->fd, (struct sockaddr *)&at, &len) != 0) {
        return err_set(ERR_IO, "UDP %s port %u: %s", address, port, strerror(errno));
    }
    u->port = media_path_of((struct sockaddr *)&at, false, 0).peer.port;
    return OK;
}

enum err media_udp_open(
    const char *address, uint16_t port, uint32_t index, struct media_udp **ret) {
    struct media_udp *u = mem_zalloc(sizeof(*u));
    if (u == NULL) {
        return err_set(ERR_NOMEM, "no memory for a UDP socket");
    }
    u->fd = -1;
    u->index = index;
    u->empty = MEDIA_UDP_BATCH;
    enum err e = bind_to(u, address, port);
    if (e != OK) {
        media_udp_close(u);
        return e;
    }
    *ret = u;
    return OK;
}

void media_udp_close(struct media_udp *u) {
    if (u == NULL) {
        return;
    }
    for (size_t i = 0; i < MEDIA_UDP_BATCH; i++) {
        pkt_unref(u->waiting[i]);
    }
    if (u->fd >= 0) {
        close(u->fd);
    }
    mem_free(u);
}

int media_udp_fd(const struct media_udp *u) {
    return u->fd;
}

uint16_t media_udp_port(const struct media_udp *u) {
    return u->port;
}

const struct media_udp_stats *media_udp_stats(const struct media_udp *u) {
    return &u->stats;
}

static void set_slot(struct media_udp *u, size_t i, struct pkt *p) {
    u->waiting[i] = p;
    u->in_iov[i] = (struct iovec){ pkt_bytes(p), PKT_DATAGRAM };
    u->in[i].msg_hdr = (struct msghdr){ .msg_name = &u->from[i],
        .msg_namelen = sizeof(u->from[i]),
        .msg_iov = &u->in_iov[i],
        .msg_iovlen = 1 };
}

/* Fills the empty slots, which are the first ones, from their back; gives how many are full. Mostly
 * it was one packet that came: only what was taken is looked at. */
static size_t fill(struct media_udp *u, struct pkt_pool *pool) {
    struct pkt *p;
    while (u->empty > 0 && (p = pkt_take(pool)) != NULL) {
        set_slot(u, --u->empty, p);
    }
    return MEDIA_UDP_BATCH - u->empty;
}

/* Without packets to read into, what waits is taken off the socket and dropped: left there it would
 * wake the loop for ever. */
static void drain(struct media_udp *u) {
    for (unsigned i = 0; i < MEDIA_UDP_BATCH && recv(u->fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0;
         i++) {
        u->stats.unread++;
    }
}

size_t media_udp_receive(struct media_udp *u, struct pkt_pool *pool, int64_t now_us,
    struct media_datagram ret[MEDIA_UDP_BATCH]) {
    size_t room = fill(u, pool);
    if (room == 0) {
        drain(u);
    }
    size_t first = u->empty, given = 0;
    int n = room > 0 ? recvmmsg(u->fd, u->in + first, (unsigned)room, MSG_DONTWAIT, NULL) : 0;
    for (size_t i = first; n > 0 && i < first + (size_t)n; i++) {
        struct pkt *p = STEAL(u->waiting[i]);
        u->empty++;
        if (u->in[i].msg_hdr.msg_flags & MSG_TRUNC) {
            u->stats.truncated++;
            pkt_unref(p);
            continue;
        }
        p->len = (uint16_t)u->in[i].msg_len;
        p->arrived_us = now_us;
        ret[given].pkt = p;
        ret[given].path = media_path_of((struct sockaddr *)&u->from[i], false, u->index);
        given++;
    }
    u->stats.received += given;
    return given;
}

static void address(struct media_udp *u, size_t i, const struct rtc_ice_path *to) {
    u->out[i].msg_hdr =
        (struct msghdr){ .msg_name = &u->to[i], .msg_namelen = media_path_sockaddr(to, &u->to[i]) };
}

/* A whole run as one message. */
static void message(struct media_udp *u, size_t i, const struct media_run *run) {
    address(u, i, &run->to);
    struct msghdr *m = &u->out[i].msg_hdr;
    m->msg_iov = run->iov;
    m->msg_iovlen = run->n;
    if (run->n > 1) {
        m->msg_control = u->segment[i].bytes;
        m->msg_controllen = sizeof(u->segment[i].bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(m);
        c->cmsg_level = SOL_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
        memcpy(CMSG_DATA(c), &run->size, sizeof(run->size));
    }
}

/* Is there another try for the message that was refused with this errno? */
static bool refused(struct media_udp *u, const struct msghdr *m, int why, size_t datagrams) {
    if (why == EINTR) {
        return true;
    }
    if (m->msg_controllen > 0 && (why == EIO || why == EINVAL)) {
        u->stats.one_by_one = true;
        return true;
    }
    bool full = why == EAGAIN || why == ENOBUFS;
    *(full ? &u->stats.full : &u->stats.failed) += datagrams;
    return false;
}

/* The pieces of a run as messages of their own. */
static void send_singly(struct media_udp *u, const struct media_run *run) {
    size_t n = 0;
    for (; n < run->n; n++) {
        address(u, n, &run->to);
        u->out[n].msg_hdr.msg_iov = &run->iov[n];
        u->out[n].msg_hdr.msg_iovlen = 1;
    }
    for (size_t done = 0; done < n;) {
        int sent = sendmmsg(u->fd, u->out + done, (unsigned)(n - done), MSG_DONTWAIT);
        u->stats.calls++;
        if (sent > 0) {
            u->stats.sent += (size_t)sent;
            done += (size_t)sent;
        } else if (!refused(u, &u->out[done].msg_hdr, errno, 1)) {
            done++;
        }
    }
}

void media_udp_send(struct media_udp *u, const struct media_run *runs, size_t n) {
    size_t done = 0;
    while (done < n && !u->stats.one_by_one) {
        size_t batch = n - done < MEDIA_UDP_MESSAGES ? n - done : MEDIA_UDP_MESSAGES;
        for (size_t i = 0; i < batch; i++) {
            message(u, i, &runs[done + i]);
        }
        int sent = sendmmsg(u->fd, u->out, (unsigned)batch, MSG_DONTWAIT);
        u->stats.calls++;
        for (int i = 0; i < sent; i++) {
            u->stats.sent += runs[done++].n;
        }
        if (sent < 1 && !refused(u, &u->out[0].msg_hdr, errno, runs[done].n)) {
            done++;
        }
    }
    for (; done < n; done++) {
        send_singly(u, &runs[done]);
    }
}
