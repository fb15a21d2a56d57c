/*
 * ICE-TCP (RFC 6544): a passive listener for clients whose network lets no UDP through. Packets
 * come and go framed by RFC 4571 and are handed on like datagrams; a connection is a path of its
 * own.
 *
 * Limits: MEDIA_TCP_CONNECTIONS of a listener, MEDIA_TCP_PER_ADDRESS of one peer's address; one
 * that says nothing for MEDIA_TCP_SILENT_MS is closed; what a slow reader does not take is dropped,
 * as on any network, beyond MEDIA_TCP_QUEUE_BYTES.
 *
 * Thread: the worker's.
 */
#ifndef MEDIA_TCP_H
#define MEDIA_TCP_H

#include "core/err.h"
#include "core/pkt.h"
#include "media/udp.h"

#include <uv.h>

#define MEDIA_TCP_CONNECTIONS 512
#define MEDIA_TCP_PER_ADDRESS 32 /* a large NAT has more, an attacker not */
#define MEDIA_TCP_SILENT_MS   15000
#define MEDIA_TCP_QUEUE_BYTES (256 * 1024) /* a second of video at 2 Mbit/s */

struct media_tcp_stats {
    uint64_t accepted, refused; /* connections */
    uint64_t broken;            /* closed for a frame beyond the limit */
    uint64_t dropped;           /* packets that a slow reader did not take */
};

struct media_tcp_owner {
    /** Packets of one connection, n <= MEDIA_UDP_BATCH; takes them. */
    void (*packets)(void *arg, const struct media_datagram *in, size_t n);
    /** A connection is gone, and its path with it. Called by the loop, never within media_tcp_send.
     */
    void (*closed)(void *arg, const struct rtc_ice_path *path);
    void *arg;
};

struct media_tcp;

/** Listens on a numeric address; `port` 0 = the system's choice. ERR_IO names what could not be
 * had. Borrows loop and pool. */
MUST_CHECK enum err media_tcp_listen(uv_loop_t *loop, struct pkt_pool *pool, const char *address,
    uint16_t port, const struct media_tcp_owner *owner, struct media_tcp **ret);
/** Closes listener and connections, without a word to the owner; the memory is given back by the
 * loop, which must run until it has no more handles. Takes NULL. */
void media_tcp_close(struct media_tcp *t);
uint16_t media_tcp_port(const struct media_tcp *t);
const struct media_tcp_stats *media_tcp_stats(const struct media_tcp *t);

/** Has it this connection? `via` numbers are unlike in all listeners of the process. */
bool media_tcp_has(const struct media_tcp *t, uint32_t via);
/** Sends a run by the connection `run->to.via`; drops it when that is gone. */
void media_tcp_send(struct media_tcp *t, const struct media_run *run);

#endif
