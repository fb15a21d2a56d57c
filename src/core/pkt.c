/* Slabs of equal slots, and a list of the free ones for each size. */
#include "core/pkt.h"

#include "core/mem.h"

#include <assert.h>
#include <string.h>

#define SLAB_BYTES (64 * KIB)
#define LARGE_CAP  (PKT_HEADROOM + PKT_DATAGRAM + PKT_TAILROOM)
#define SMALL_CAP  344 /* with the head 384 bytes: Opus at 64 kbit/s and RED of one generation */

enum { LARGE, SMALL, SIZES };

static const uint16_t caps[SIZES] = { LARGE_CAP, SMALL_CAP };

struct slab {
    struct slab *next;
};

struct pkt_pool {
    struct slab *slabs;
    struct pkt *free[SIZES];
    size_t max_bytes;
    struct pkt_stats stats;
};

static size_t slot_bytes(int size) {
    return (sizeof(struct pkt) + caps[size] + 7) & ~(size_t)7;
}

enum err pkt_pool_create(size_t max_bytes, struct pkt_pool **ret) {
    struct pkt_pool *pool = mem_zalloc(sizeof(*pool));
    if (pool == NULL) {
        return err_set(ERR_NOMEM, "no memory for a pool of packets");
    }
    pool->max_bytes = max_bytes < SLAB_BYTES ? SLAB_BYTES : max_bytes;
    *ret = pool;
    return OK;
}

void pkt_pool_destroy(struct pkt_pool *pool) {
    if (pool == NULL) {
        return;
    }
    assert(pool->stats.in_use == 0);
    while (pool->slabs != NULL) {
        struct slab *s = pool->slabs;
        pool->slabs = s->next;
        mem_free(s);
    }
    mem_free(pool);
}

void pkt_pool_stats(const struct pkt_pool *pool, struct pkt_stats *ret) {
    *ret = pool->stats;
}

/* The only allocation on a packet's way: once for some forty packets, until the pool has grown to
 * what its traffic needs. */
static void grow(struct pkt_pool *pool, int size) {
    if (pool->stats.slab_bytes + SLAB_BYTES > pool->max_bytes) {
        return;
    }
    struct slab *s = mem_alloc(SLAB_BYTES);
    if (s == NULL) {
        return;
    }
    s->next = pool->slabs;
    pool->slabs = s;
    pool->stats.slab_bytes += SLAB_BYTES;
    char *at = (char *)(s + 1);
    for (char *end = (char *)s + SLAB_BYTES; at + slot_bytes(size) <= end; at += slot_bytes(size)) {
        struct pkt *p = (struct pkt *)(void *)at;
        p->pool = pool;
        p->cap = caps[size];
        p->small = size == SMALL;
        p->next = pool->free[size];
        pool->free[size] = p;
    }
}

static struct pkt *slot_take(struct pkt_pool *pool, int size) {
    if (pool->free[size] == NULL) {
        grow(pool, size);
    }
    struct pkt *p = pool->free[size];
    if (p == NULL) {
        pool->stats.exhausted++;
        return NULL;
    }
    pool->free[size] = p->next;
    __builtin_prefetch(p->next, 1); /* it may have lain there for long */
    pool->stats.in_use++;
    p->next = NULL;
    p->refs = 1;
    p->len = 0;
    p->off = PKT_HEADROOM;
    return p;
}

struct pkt *pkt_take(struct pkt_pool *pool) {
    return slot_take(pool, LARGE);
}

struct pkt *pkt_keep(struct pkt *p) {
    if (p->small || p->len > SMALL_CAP - PKT_HEADROOM - PKT_TAILROOM) {
        return pkt_ref(p);
    }
    struct pkt *kept = slot_take(p->pool, SMALL);
    if (kept == NULL) {
        return pkt_ref(p);
    }
    kept->arrived_us = p->arrived_us;
    kept->len = p->len;
    memcpy(pkt_bytes(kept), pkt_bytes(p), p->len);
    return kept;
}

void pkt_free_slot(struct pkt *p) {
    struct pkt_pool *pool = p->pool;
    int size = p->small ? SMALL : LARGE;
    assert(pool->stats.in_use > 0);
    pool->stats.in_use--;
    p->next = pool->free[size];
    pool->free[size] = p;
}
