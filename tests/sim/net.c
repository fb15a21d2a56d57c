/* Datagrams in the order of their arrival. */
#include "net.h"

#include "core/mem.h"

#include <assert.h>
#include <string.h>

void net_init(struct net *n, uint64_t seed) {
    *n = (struct net){
        .random = seed * 2654435769U + 1, .up = { .delay_us = 10000 }, .down = { .delay_us = 10000 }
    };
}

static void free_all(struct net_datagram *d) {
    while (d != NULL) {
        struct net_datagram *next = d->next;
        mem_free(d);
        d = next;
    }
}

void net_finish(struct net *n) {
    free_all(n->flying);
    free_all(n->spare);
    n->flying = n->spare = NULL;
}

uint64_t net_random(struct net *n, uint64_t below) {
    n->random ^= n->random << 13; /* xorshift64 */
    n->random ^= n->random >> 7;
    n->random ^= n->random << 17;
    return n->random % below;
}

static struct net_narrow *narrow_of(struct net *n, const struct rtc_ice_path *path) {
    for (unsigned i = 0; i < NET_NARROWS; i++) {
        if (n->narrows[i].bps != 0 && memcmp(&n->narrows[i].path, path, sizeof(*path)) == 0) {
            return &n->narrows[i];
        }
    }
    return NULL;
}

struct net_narrow *net_narrow(
    struct net *n, const struct rtc_ice_path *path, uint64_t bps, int64_t queue_us) {
    struct net_narrow *narrow = narrow_of(n, path);
    for (unsigned i = 0; narrow == NULL && i < NET_NARROWS; i++) {
        narrow = n->narrows[i].bps == 0 ? &n->narrows[i] : NULL;
    }
    assert(narrow != NULL);
    narrow->path = *path;
    narrow->bps = bps;
    narrow->queue_us = queue_us;
    return narrow;
}

/* Gives when it is through the bottleneck; INT64_MAX = never. */
static int64_t squeeze(struct net_narrow *narrow, size_t len, int64_t now_us) {
    int64_t from_us = narrow->busy_us > now_us ? narrow->busy_us : now_us;
    if (from_us - now_us > narrow->queue_us) {
        narrow->lost++;
        return INT64_MAX;
    }
    narrow->longest_us =
        from_us - now_us > narrow->longest_us ? from_us - now_us : narrow->longest_us;
    narrow->busy_us = from_us + (int64_t)((len + NET_HEADS) * 8000000 / narrow->bps);
    return narrow->busy_us;
}

void net_send(struct net *n, const struct rtc_ice_path *path, bool to_server, const uint8_t *data,
    size_t len, int64_t now_us) {
    const struct net_way *way = to_server ? &n->up : &n->down;
    assert(len <= NET_DATAGRAM);
    n->sent++;
    if (way->loss_permil > 0 && net_random(n, 1000) < way->loss_permil) {
        n->lost++;
        return;
    }
    struct net_narrow *narrow = to_server ? NULL : narrow_of(n, path);
    int64_t from_us = narrow == NULL ? now_us : squeeze(narrow, len, now_us);
    if (from_us == INT64_MAX) {
        n->lost++;
        return;
    }
    struct net_datagram *d = n->spare;
    if (d != NULL) {
        n->spare = d->next;
    } else if ((d = mem_alloc(sizeof(*d))) == NULL) {
        return;
    }
    int64_t jitter = way->jitter_us > 0 ? (int64_t)net_random(n, (uint64_t)way->jitter_us) : 0;
    d->at_us = from_us + way->delay_us + jitter;
    d->number = n->sent;
    d->path = *path;
    d->to_server = to_server;
    d->len = (uint16_t)len;
    memcpy(d->bytes, data, len);
    struct net_datagram **at = &n->flying;
    while (*at != NULL && (*at)->at_us <= d->at_us) {
        at = &(*at)->next;
    }
    d->next = *at;
    *at = d;
}

struct net_datagram *net_arrived(struct net *n, int64_t now_us) {
    struct net_datagram *d = n->flying;
    if (d == NULL || d->at_us > now_us) {
        return NULL;
    }
    n->flying = d->next;
    return d;
}

void net_give_back(struct net *n, struct net_datagram *d) {
    d->next = n->spare;
    n->spare = d;
}

int64_t net_next_us(const struct net *n) {
    return n->flying == NULL ? INT64_MAX : n->flying->at_us;
}
