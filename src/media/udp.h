/*
 * A worker's UDP socket: datagrams in by the batch, runs of datagrams out by the batch.
 *
 * Receiving: one recvmmsg fills pooled packets. Sending: one sendmmsg takes many messages, and each
 * message may be a run of up to 64 datagrams to one peer that the kernel cuts apart (UDP_SEGMENT):
 * all of one size, the last may be shorter. Where the kernel or the device refuses that (EIO,
 * EINVAL), the socket sends one by one for good.
 *
 * Nothing waits. Thread: the worker's.  See: sfu.md "Fewer traversals of the kernel"; udp(7).
 */
#ifndef MEDIA_UDP_H
#define MEDIA_UDP_H

#include "core/err.h"
#include "core/mem.h"
#include "core/pkt.h"
#include "media/path.h"

#include <sys/uio.h>

#define MEDIA_UDP_BATCH    64    /* datagrams one receive gives at the most */
#define MEDIA_RUN_MAX      64    /* datagrams of a run: UDP_MAX_SEGMENTS of the kernel */
#define MEDIA_RUN_BYTES    65000 /* of a run: 65,535 less the heads, with room to spare */
#define MEDIA_UDP_MESSAGES 256   /* runs one send takes at the most */
/* Asked for, each way: half a second of 64 Mbit/s. The kernel gives at most net.core.[rw]mem_max.
 */
#define MEDIA_UDP_BUFFER (4 * (int)MIB)

struct media_datagram {
    struct pkt *pkt;
    struct rtc_ice_path path;
};

/** Datagrams to one peer: `n` pieces that lie at iov, all `size` bytes long, the last at most. */
struct media_run {
    struct rtc_ice_path to;
    struct iovec *iov;
    uint16_t n;
    uint16_t size;
};

struct media_udp_stats {
    uint64_t received, truncated; /* datagrams; those longer than PKT_DATAGRAM are dropped */
    uint64_t unread;              /* datagrams dropped because the pool was exhausted */
    uint64_t sent, calls;         /* datagrams, and system calls for them */
    uint64_t full;                /* datagrams dropped because the socket's buffer was full */
    uint64_t failed;              /* datagrams the kernel refused (no route, firewall) */
    bool one_by_one;              /* runs were refused */
};

struct media_udp;

/**
 * Binds a socket to one numeric address. `port` 0 = the system's choice.
 * @index  of this socket in its worker, for the paths of what comes in
 * Errors: ERR_INVALID (not an address), ERR_IO (the sentence names address and port).
 */
MUST_CHECK enum err media_udp_open(
    const char *address, uint16_t port, uint32_t index, struct media_udp **ret);
/** Takes NULL. */
void media_udp_close(struct media_udp *u);
int media_udp_fd(const struct media_udp *u);
uint16_t media_udp_port(const struct media_udp *u);
const struct media_udp_stats *media_udp_stats(const struct media_udp *u);

/** Gives up to MEDIA_UDP_BATCH datagrams; fewer than that: there are no more now. Each packet has
 * one reference, which the caller gets. `now_us` becomes their time of arrival. Stops early when
 * the pool is exhausted. */
size_t media_udp_receive(struct media_udp *u, struct pkt_pool *pool, int64_t now_us,
    struct media_datagram ret[MEDIA_UDP_BATCH]);

/** Sends n <= MEDIA_UDP_MESSAGES runs, in order. What the kernel does not take is counted and gone,
 * as on any network. Borrows everything for the call. */
void media_udp_send(struct media_udp *u, const struct media_run *runs, size_t n);

#endif
