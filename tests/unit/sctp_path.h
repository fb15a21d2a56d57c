/*
 * Two ends of rtc/sctp and the network between them, in a time that is told: what is lost and late
 * follows from a seed. Each end has a door of its own, as if it lived on its own thread.
 * Header only: for the tests of rtc/sctp and what lies on it.
 */
#ifndef TESTS_UNIT_SCTP_PATH_H
#define TESTS_UNIT_SCTP_PATH_H

#include "core/mem.h"
#include "rtc/sctp.h"

#include <assert.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define SCTP_WIRE_MAX 4096

/* usrsctp asks gettimeofday how long ago it sent what it is about to send again; here it gets the
 * time of the path that runs. -1: the true one. */
static int64_t sctp_path_clock_us;
int gettimeofday(struct timeval *restrict ret, void *restrict zone);
int gettimeofday(struct timeval *restrict ret, void *restrict zone) {
    (void)zone;
    int64_t us = sctp_path_clock_us;
    if (us < 0) {
        struct timespec now;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        us = now.tv_sec * SEC_US + now.tv_nsec / 1000;
    }
    *ret = (struct timeval){ us / SEC_US, us % SEC_US };
    return 0;
}

struct sctp_path;
struct sctp_end {
    struct sctp_path *path;
    struct rtc_sctp_door *door;
    struct rtc_sctp *sctp;
    void (*feed)(struct sctp_end *end, const uint8_t *data, size_t len); /* NULL: to `sctp` */
    int number;
    size_t largest; /* packet that it sent */
    unsigned states, writable, resets;
    _Atomic unsigned woken;                                              /* by whoever ticked */
    uint16_t reset;                                                      /* the latest */
    void (*got)(struct sctp_end *end, const struct rtc_sctp_message *m); /* may be NULL */
    void *arg;
};

struct sctp_packet {
    int64_t at_us;
    int to;
    size_t len;
    uint8_t bytes[RTC_SCTP_PACKET_MOST];
};

struct sctp_path {
    struct sctp_end ends[2];
    unsigned loss_percent;
    bool cut; /* nothing arrives */
    int64_t delay_us, jitter_us, now_us;
    uint64_t seed;
    size_t n, sent;
    struct sctp_packet *wire;
};

static inline uint32_t sctp_path_random(struct sctp_path *p) {
    p->seed = p->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(p->seed >> 33);
}

static inline void sctp_path_packet(void *arg, const uint8_t *data, size_t len) {
    struct sctp_end *e = arg;
    struct sctp_path *p = e->path;
    assert(len <= RTC_SCTP_PACKET_MOST);
    e->largest = len > e->largest ? len : e->largest;
    p->sent++;
    if (p->cut || p->n == SCTP_WIRE_MAX || sctp_path_random(p) % 100 < p->loss_percent) {
        return;
    }
    struct sctp_packet *k = &p->wire[p->n++];
    k->at_us = p->now_us + p->delay_us +
               (p->jitter_us == 0 ? 0 : (int64_t)(sctp_path_random(p) % (uint64_t)p->jitter_us));
    k->to = !e->number;
    k->len = len;
    memcpy(k->bytes, data, len);
}

static inline void sctp_path_message(void *arg, const struct rtc_sctp_message *m) {
    struct sctp_end *e = arg;
    if (e->got != NULL) {
        e->got(e, m);
    }
}

static inline void sctp_path_state(void *arg, enum rtc_sctp_state state) {
    struct sctp_end *e = arg;
    e->states |= 1U << state;
}

static inline void sctp_path_writable(void *arg) {
    ((struct sctp_end *)arg)->writable++;
}

static inline void sctp_path_reset(void *arg, uint16_t stream) {
    struct sctp_end *e = arg;
    e->resets++;
    e->reset = stream;
}

static inline void sctp_path_woken(void *arg) {
    ((struct sctp_end *)arg)->woken++;
}

static const struct rtc_sctp_hooks sctp_path_hooks = { sctp_path_packet, sctp_path_message,
    sctp_path_state, sctp_path_writable, sctp_path_reset };

/* Delivers or ticks, whichever is due first. False when nothing is, until `until_us`. */
static inline bool sctp_path_step(struct sctp_path *p, int64_t until_us) {
    size_t first = p->n;
    int64_t at = until_us;
    for (size_t i = 0; i < p->n; i++) {
        if (p->wire[i].at_us < at || (p->wire[i].at_us == at && first == p->n)) {
            at = p->wire[i].at_us;
            first = i;
        }
    }
    bool tick = false;
    for (int i = 0; i < 2; i++) {
        int64_t due = rtc_sctp_next_us(p->ends[i].door);
        tick = tick || due < at;
        at = due < at ? due : at;
    }
    p->now_us = at > p->now_us ? at : p->now_us;
    sctp_path_clock_us = p->now_us;
    if (tick) {
        rtc_sctp_tick(p->ends[0].door, p->now_us);
        rtc_sctp_tick(p->ends[1].door, p->now_us);
        return true;
    }
    if (first == p->n) {
        return false;
    }
    struct sctp_packet k = p->wire[first];
    p->n--;
    memmove(&p->wire[first], &p->wire[first + 1], (p->n - first) * sizeof(k)); /* keeps the order */
    if (p->ends[k.to].feed != NULL) {
        p->ends[k.to].feed(&p->ends[k.to], k.bytes, k.len);
    } else if (p->ends[k.to].sctp != NULL) {
        rtc_sctp_feed(p->ends[k.to].sctp, k.bytes, k.len, p->now_us);
    }
    return true;
}

static inline void sctp_path_run(struct sctp_path *p, int64_t for_us) {
    int64_t until_us = p->now_us + for_us;
    while (sctp_path_step(p, until_us)) {
    }
}

/* Doors and a wire; the ends are the caller's. */
static inline enum err sctp_path_begin(struct sctp_path *p) {
    for (int i = 0; i < 2; i++) {
        struct sctp_end *e = &p->ends[i];
        e->path = p;
        e->number = i;
        TRY(rtc_sctp_door_create(sctp_path_woken, e, &e->door));
    }
    p->wire = mem_alloc(SCTP_WIRE_MAX * sizeof(*p->wire));
    return p->wire != NULL ? OK : err_set(ERR_NOMEM, "no memory for a wire");
}

static inline enum err sctp_path_open(struct sctp_path *p, uint16_t streams, uint16_t theirs) {
    TRY(sctp_path_begin(p));
    for (int i = 0; i < 2; i++) {
        struct rtc_sctp_config cfg = { i == 0 ? streams : theirs, &sctp_path_hooks, &p->ends[i] };
        TRY(rtc_sctp_create(p->ends[i].door, &cfg, p->now_us, &p->ends[i].sctp));
    }
    return OK;
}

static inline void sctp_path_close(struct sctp_path *p) {
    for (int i = 0; i < 2; i++) {
        rtc_sctp_destroy(p->ends[i].sctp);
        p->ends[i].sctp = NULL;
    }
    for (int i = 0; i < 2; i++) {
        rtc_sctp_door_destroy(p->ends[i].door);
    }
    mem_free(p->wire);
}

#endif
