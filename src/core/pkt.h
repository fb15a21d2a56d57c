/*
 * Packets: datagrams in pooled memory, counted by reference, from the socket to the history that
 * answers a resend.
 *
 *   mem           off              off+len           cap
 *    |  headroom   |  packet bytes   |   tailroom     |       0 <= off, off + len <= cap
 *
 * Two sizes of slot: one that takes any datagram, and one for what is kept and small (Opus: 100
 * bytes), so that a history of audio does not hold 1.6 KiB a packet. A pool grows by slabs up to
 * its bound and gives them back when it is destroyed; beyond the bound there is no packet, and the
 * caller counts a drop.
 *
 * Thread: a pool and its packets belong to one thread (a worker): counts are not atomic.
 */
#ifndef CORE_PKT_H
#define CORE_PKT_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct pkt_pool;

#define PKT_HEADROOM 64 /* bytes: a grown RTP header, or RTX's original sequence number */
#define PKT_DATAGRAM                                                                               \
    1500                /* bytes: one Ethernet payload; WebRTC stays below 1,200 and its headers */
#define PKT_TAILROOM 32 /* bytes: the tags of SRTP (16) and SRTCP (16 + 4) */

struct pkt {
    struct pkt_pool *pool;
    struct pkt *next;   /* free for whoever holds the only reference: queues of its owner */
    int64_t arrived_us; /* monotonic, the batch's clock */
    uint32_t refs;
    uint16_t off, len, cap;
    uint8_t small;
    uint8_t mem[];
};

struct pkt_stats {
    size_t in_use;      /* packets that somebody holds */
    size_t slab_bytes;  /* memory the pool has taken */
    uint64_t exhausted; /* times there was no packet to give */
};

/** `max_bytes`: the most memory for slabs; at least one slab (64 KiB) is allowed. Gives *ret. */
MUST_CHECK enum err pkt_pool_create(size_t max_bytes, struct pkt_pool **ret);
/** Every packet must have come back. Takes NULL. */
void pkt_pool_destroy(struct pkt_pool *pool);
void pkt_pool_stats(const struct pkt_pool *pool, struct pkt_stats *ret);

/** An empty packet (off = PKT_HEADROOM, len = 0) that takes PKT_DATAGRAM bytes, with one reference;
 * NULL at the pool's bound or without memory. */
struct pkt *pkt_take(struct pkt_pool *pool);

/** A reference for who keeps the bytes for longer than the turn: to a copy in a small slot where
 * they fit, otherwise to `p` itself. */
struct pkt *pkt_keep(struct pkt *p);

void pkt_free_slot(struct pkt *p); /* for pkt_unref alone */

static inline struct pkt *pkt_ref(struct pkt *p) {
    p->refs++;
    return p;
}

/** Takes NULL. */
static inline void pkt_unref(struct pkt *p) {
    if (p != NULL && --p->refs == 0) {
        pkt_free_slot(p);
    }
}

static inline uint8_t *pkt_bytes(struct pkt *p) {
    return p->mem + p->off;
}

#endif
