/* recvmmsg and sendmmsg, with addresses and times in control messages. */
#include "net.h"

#include "core/clock.h"
#include "core/mem.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_BYTES                                                                               \
    (32 * (int)MIB)               /* for a loader that is not scheduled for a tenth of a second */
#define MESSAGES      64          /* of one system call */
#define PLAIN_BYTES   2048        /* of a message */
#define RUN_BYTES     65536       /* of a message that may be a run */
#define FIRST_ADDRESS 0x7f400001u /* 127.64.0.1 */
#define CONTROL_BYTES 128

struct control {
    alignas(struct cmsghdr) uint8_t bytes[CONTROL_BYTES];
};

struct load_net {
    int fd;
    uint16_t port;
    size_t message_bytes;
    load_net_fn *take;
    void *arg;
    struct load_net_stats stats;
    unsigned lose;
    uint64_t chance; /* state of a xorshift generator */
    struct mmsghdr in[MESSAGES], out[MESSAGES];
    struct iovec in_iov[MESSAGES], out_iov[MESSAGES];
    struct control in_control[MESSAGES], out_control[MESSAGES];
    struct sockaddr_in to[MESSAGES];
    uint8_t out_bytes[MESSAGES][PLAIN_BYTES];
    size_t n_out;
    uint8_t *in_bytes;
    struct load_datagram got[LOAD_NET_BATCH];
    size_t n_got;
};

static void set(int fd, int level, int name, int value) {
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

static enum err open_socket(struct load_net *n, bool gro) {
    n->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    if (n->fd < 0 || bind(n->fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(n->fd, (struct sockaddr *)&at, &len) != 0) {
        return err_set(ERR_IO, "no UDP socket: %s", strerror(errno));
    }
    n->port = ntohs(at.sin_port);
    set(n->fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BYTES);
    set(n->fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BYTES);
    set(n->fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BYTES); /* beyond rmem_max, if we may */
    set(n->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    set(n->fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (gro) {
        set(n->fd, SOL_UDP, UDP_GRO, 1);
    }
    return OK;
}

enum err load_net_create(
    bool gro, unsigned lose, load_net_fn *take, void *arg, struct load_net **ret) {
    struct load_net *n = mem_zalloc(sizeof(*n));
    if (n == NULL) {
        return err_set(ERR_NOMEM, "no memory for the network");
    }
    n->fd = -1;
    n->chance = 88172645463325252; /* the same losses in each run */
    n->lose = lose;
    n->take = take;
    n->arg = arg;
    n->message_bytes = gro ? RUN_BYTES : PLAIN_BYTES;
    n->in_bytes = mem_alloc(MESSAGES * n->message_bytes);
    enum err e =
        n->in_bytes == NULL ? err_set(ERR_NOMEM, "no memory for the network") : open_socket(n, gro);
    if (e != OK) {
        load_net_destroy(n);
        return e;
    }
    *ret = n;
    return OK;
}

void load_net_destroy(struct load_net *n) {
    if (n == NULL) {
        return;
    }
    if (n->fd >= 0) {
        close(n->fd);
    }
    mem_free(n->in_bytes);
    mem_free(n);
}

struct rtc_addr load_net_addr(const struct load_net *n, uint32_t end) {
    uint32_t ip = htonl(FIRST_ADDRESS + end);
    uint8_t four[4];
    memcpy(four, &ip, sizeof(four));
    return rtc_addr_v4(four, n->port, false);
}

struct load_net_stats load_net_stats(const struct load_net *n) {
    struct load_net_stats stats = n->stats;
    uint32_t memory[SK_MEMINFO_VARS] = { 0 };
    socklen_t len = sizeof(memory);
    if (getsockopt(n->fd, SOL_SOCKET, SO_MEMINFO, memory, &len) == 0) {
        stats.dropped = memory[SK_MEMINFO_DROPS];
    }
    return stats;
}

static bool is_lost(struct load_net *n) {
    n->chance ^= n->chance << 13;
    n->chance ^= n->chance >> 7;
    n->chance ^= n->chance << 17;
    return n->lose > 0 && n->chance % n->lose == 0;
}

/* --- out --- */

void load_net_flush(struct load_net *n) {
    for (size_t done = 0; done < n->n_out;) {
        int sent = sendmmsg(n->fd, n->out + done, (unsigned)(n->n_out - done), MSG_DONTWAIT);
        n->stats.sends++;
        n->stats.refused += sent < 1 && errno != EINTR;
        n->stats.sent += sent < 1 ? 0 : (uint64_t)sent;
        done += sent < 1 ? (errno != EINTR) : (size_t)sent;
    }
    n->n_out = 0;
}

static void put_source(struct msghdr *m, struct control *control, uint32_t end) {
    struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(FIRST_ADDRESS + end) };
    m->msg_control = control->bytes;
    m->msg_controllen = CMSG_SPACE(sizeof(info));
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(c), &info, sizeof(info));
}

void load_net_send(
    struct load_net *n, uint32_t end, const struct rtc_addr *to, const uint8_t *data, size_t len) {
    if (len > PLAIN_BYTES) {
        n->stats.refused++;
        return;
    }
    if (is_lost(n)) {
        return;
    }
    size_t i = n->n_out++;
    struct msghdr *m = &n->out[i].msg_hdr;
    memcpy(n->out_bytes[i], data, len);
    n->out_iov[i] = (struct iovec){ n->out_bytes[i], len };
    n->to[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(to->port) };
    memcpy(&n->to[i].sin_addr, to->ip + 12, 4);
    *m = (struct msghdr){ .msg_name = &n->to[i],
        .msg_namelen = sizeof(n->to[i]),
        .msg_iov = &n->out_iov[i],
        .msg_iovlen = 1 };
    put_source(m, &n->out_control[i], end);
    if (n->n_out == MESSAGES) {
        load_net_flush(n);
    }
}

/* --- in --- */

static void give(struct load_net *n) {
    if (n->n_got > 0) {
        n->take(n->arg, n->got, n->n_got);
    }
    n->n_got = 0;
}

struct told {
    uint32_t end;
    int segment; /* 0 = not a run */
    int64_t arrived_us;
};

static void read_control(struct msghdr *m, int64_t ahead_us, struct told *ret) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            ret->end = ntohl(info.ipi_addr.s_addr) - FIRST_ADDRESS;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof(t));
            ret->arrived_us = t.tv_sec * SEC_US + t.tv_nsec / 1000 - ahead_us;
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&ret->segment, CMSG_DATA(c), sizeof(ret->segment));
        }
    }
}

static void take_message(struct load_net *n, size_t i, int64_t now_us, int64_t ahead_us) {
    struct told told = { .end = UINT32_MAX, .arrived_us = now_us };
    read_control(&n->in[i].msg_hdr, ahead_us, &told);
    size_t len = n->in[i].msg_len;
    size_t piece = told.segment > 0 ? (size_t)told.segment : len;
    if (told.end >= LOAD_NET_ENDS_MAX || piece > UINT16_MAX) {
        return;
    }
    for (size_t at = 0; at < len; at += piece) {
        size_t left = len - at;
        n->stats.received++;
        if (is_lost(n)) {
            continue;
        }
        n->got[n->n_got++] = (struct load_datagram){ (uint8_t *)n->in_iov[i].iov_base + at,
            (uint16_t)(left < piece ? left : piece), told.end, told.arrived_us };
        if (n->n_got == LOAD_NET_BATCH) {
            give(n);
        }
    }
}

static int64_t wall_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * SEC_US + t.tv_nsec / 1000;
}

void load_net_receive(struct load_net *n, int64_t now_us) {
    int64_t ahead_us = wall_us() - clock_mono_us();
    int got;
    do {
        for (size_t i = 0; i < MESSAGES; i++) {
            n->in_iov[i] = (struct iovec){ n->in_bytes + i * n->message_bytes, n->message_bytes };
            n->in[i].msg_hdr = (struct msghdr){ .msg_iov = &n->in_iov[i],
                .msg_iovlen = 1,
                .msg_control = n->in_control[i].bytes,
                .msg_controllen = CONTROL_BYTES };
        }
        got = recvmmsg(n->fd, n->in, MESSAGES, MSG_DONTWAIT, NULL);
        n->stats.receives++;
        for (int i = 0; i < got; i++) {
            take_message(n, (size_t)i, now_us, ahead_us);
        }
        give(n); /* before its memory is filled again */
    } while (got == MESSAGES);
}
