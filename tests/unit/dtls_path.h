/*
 * Two ends of rtc/dtls and the network between them, in a time that is told: what is lost, doubled
 * and late follows from a seed.  Header only: for the tests of rtc/dtls.
 */
#ifndef TESTS_UNIT_DTLS_PATH_H
#define TESTS_UNIT_DTLS_PATH_H

#include "core/mem.h"
#include "rtc/dtls.h"

#include <assert.h>
#include <string.h>

#define PATH_WIRE_MAX   512
#define PATH_PACKET_MAX 2048

struct path_packet {
    int64_t at_us;
    int to; /* index of the end */
    size_t len;
    uint8_t bytes[PATH_PACKET_MAX];
};

struct path {
    struct rtc_dtls *ends[2]; /* 0 client, 1 server; NULL = nobody there */
    unsigned loss_percent, double_percent;
    int64_t delay_us, jitter_us;
    uint64_t seed;
    int64_t now_us;
    size_t largest; /* datagram that was seen */
    size_t sent;
    size_t n;
    struct path_packet *wire; /* PATH_WIRE_MAX of them, unordered */
};

static inline uint32_t path_random(struct path *p) {
    p->seed = p->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(p->seed >> 33);
}

static inline void path_send(struct path *p, int to, const uint8_t *bytes, size_t len) {
    assert(p->n < PATH_WIRE_MAX && len <= PATH_PACKET_MAX);
    struct path_packet *k = &p->wire[p->n++];
    k->at_us = p->now_us + p->delay_us +
               (p->jitter_us == 0 ? 0 : (int64_t)(path_random(p) % (uint64_t)p->jitter_us));
    k->to = to;
    k->len = len;
    memcpy(k->bytes, bytes, len);
}

static inline void path_drain(struct path *p) {
    for (int i = 0; i < 2; i++) {
        size_t len = 0;
        const uint8_t *out;
        while (p->ends[i] != NULL && (out = rtc_dtls_out(p->ends[i], &len)) != NULL) {
            p->largest = len > p->largest ? len : p->largest;
            p->sent++;
            if (path_random(p) % 100 < p->loss_percent) {
                continue;
            }
            path_send(p, !i, out, len);
            if (path_random(p) % 100 < p->double_percent) {
                path_send(p, !i, out, len);
            }
        }
    }
}

/* Delivers or ticks, whichever is due first. False when nothing is, until `until_us`. */
static inline bool path_step(struct path *p, int64_t until_us) {
    path_drain(p);
    size_t first = p->n;
    int64_t at = until_us;
    for (size_t i = 0; i < p->n; i++) {
        if (p->wire[i].at_us <= at) {
            at = p->wire[i].at_us;
            first = i;
        }
    }
    bool tick = false;
    for (int i = 0; i < 2; i++) {
        int64_t due = p->ends[i] == NULL ? INT64_MAX : rtc_dtls_next_us(p->ends[i]);
        tick = tick || due <= at;
        at = due < at ? due : at;
    }
    if (first == p->n && !tick) {
        p->now_us = until_us;
        return false;
    }
    p->now_us = at > p->now_us ? at : p->now_us;
    if (tick) {
        for (int i = 0; i < 2; i++) {
            if (p->ends[i] != NULL) {
                rtc_dtls_tick(p->ends[i], p->now_us);
            }
        }
        return true;
    }
    struct path_packet k = p->wire[first];
    p->wire[first] = p->wire[--p->n];
    if (p->ends[k.to] != NULL) {
        (void)rtc_dtls_feed(p->ends[k.to], k.bytes, k.len, p->now_us);
    }
    return true;
}

static inline void path_run(struct path *p, int64_t until_us) {
    while (path_step(p, until_us)) {
    }
}

/* Until both have made up their minds, at most for a minute. */
static inline void path_settle(struct path *p) {
    while (path_step(p, p->now_us + 60000000) &&
           (rtc_dtls_state(p->ends[0]) == RTC_DTLS_HANDSHAKE ||
               rtc_dtls_state(p->ends[1]) == RTC_DTLS_HANDSHAKE)) {
    }
    path_drain(p);
}

static inline void path_open(struct path *p) {
    p->wire = mem_alloc(PATH_WIRE_MAX * sizeof(*p->wire));
    assert(p->wire != NULL);
}

static inline void path_close(struct path *p) {
    rtc_dtls_destroy(p->ends[0]);
    rtc_dtls_destroy(p->ends[1]);
    mem_free(p->wire);
}

/* What a peer's signalling would say. */
static inline struct rtc_dtls_params path_params(const struct rtc_dtls_ctx *ctx) {
    struct rtc_dtls_params p = { .n_fingerprints = 1 };
    p.fingerprints[0] = *rtc_dtls_ctx_fingerprint(ctx);
    return p;
}

#endif
