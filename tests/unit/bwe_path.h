/*
 * A way with a bottleneck in virtual time, a source that obeys the estimate, and a receiver that
 * reports by transport-wide feedback, on the wire's own format. For the tests of rtc/bwe.
 */
#ifndef TESTS_UNIT_BWE_PATH_H
#define TESTS_UNIT_BWE_PATH_H

#include "bwe_rival.h"
#include "rtc/bwe.h"
#include "rtc/rtcpfb.h"
#include "rtc/twcc.h"
#include "test.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PATH_FLYING    16384 /* packets on the way at most */
#define PATH_SAMPLES   4096
#define PATH_SAMPLE_US 50000

/* What the way is like; may change while it is used. */
struct path_way {
    uint64_t bps;         /* of the bottleneck */
    int64_t queue_us;     /* what its queue holds at most */
    int64_t delay_us;     /* each direction */
    int64_t jitter_us;    /* up to so much more, each packet by itself */
    unsigned loss_permil; /* at random, before the bottleneck */
    uint64_t cross_bps;   /* of another's packets through the same bottleneck */
    /* Radio: packets lost in bursts, a permil of all; and moments in which nothing passes. */
    unsigned bursts_permil;
    int64_t stall_us, stall_every_us; /* some time of that in each */
    bool tcp;                         /* somebody fetches something large */
};

/* What there is to send. */
struct path_source {
    uint64_t most_bps;
    bool layers; /* simulcast of 150, 500, 1,700 kbit/s; else any rate up to the most */
};

struct path_packet {
    int64_t at_us;
    uint16_t number;
    uint16_t size;
};

struct path {
    struct rtc_bwe *bwe;
    struct rtc_twcc_rx rx;
    struct path_way way;
    struct path_source source;
    int64_t now_us, busy_us, cross_us, frame_us, report_us, sample_us;
    int64_t stall_at_us;
    unsigned burst_left; /* of the burst of loss */
    struct rival rival;
    double backlog, credit; /* bytes of the frame that is being sent, that may leave now */
    uint64_t random;
    struct path_packet flying[PATH_FLYING]; /* in the order of arrival */
    size_t n_flying;
    struct {
        int64_t at_us;
        size_t len;
        uint8_t bytes[1200];
    } reports[64]; /* on their way back, a ring */
    unsigned first_report, n_reports;
    /* What was seen. */
    struct {
        int64_t at_us;
        uint64_t bps;     /* RTC_BWE_NONE: no bound */
        int64_t queue_us; /* truth: of the bottleneck */
    } samples[PATH_SAMPLES];
    size_t n_samples;
    uint64_t sent, lost, padding_bytes, bytes;
};

#define TICK_US   1000
#define FRAME_US  33333
#define SPREAD    0.5  /* of the time between two frames, a frame is sent in */
#define PACKET    1100 /* bytes */
#define HEADS     28   /* of IPv4 and UDP, which the way counts too */
#define CROSS     1200
#define BURST     6 /* packets */
#define PADDING   290
#define REPORT_US 100000
#define BITS      8
#define SEC_US    1000000
#define START_US  (INT64_C(1000) * SEC_US)

static inline uint64_t draw(struct path *p, uint64_t below) {
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return below == 0 ? 0 : p->random % below;
}

static inline void path_init(
    struct path *p, const struct path_way *way, const struct path_source *source, uint64_t seed) {
    memset(p, 0, sizeof(*p));
    CHECK_ERR(OK, rtc_bwe_create(&p->bwe));
    p->way = *way;
    p->source = *source;
    p->random = seed * 2654435769U + 1;
    p->now_us = p->busy_us = p->cross_us = p->frame_us = START_US;
    p->report_us = p->sample_us = p->stall_at_us = START_US;
    rival_init(&p->rival);
    rtc_bwe_useful(p->bwe, source->most_bps);
}

static inline void path_finish(struct path *p) {
    rtc_bwe_destroy(p->bwe);
}

/* --- the bottleneck --- */

static inline bool queue(struct path *p, size_t size, int64_t at_us) {
    int64_t begins_us = p->busy_us > at_us ? p->busy_us : at_us;
    if (begins_us - at_us > p->way.queue_us) {
        return false;
    }
    p->busy_us = begins_us + (int64_t)(size * BITS * SEC_US / p->way.bps);
    return true;
}

static inline void cross(struct path *p) {
    while (p->way.cross_bps > 0 && p->cross_us <= p->now_us) {
        (void)queue(p, CROSS, p->cross_us);
        p->cross_us += (int64_t)((uint64_t)CROSS * BITS * SEC_US / p->way.cross_bps);
    }
    p->cross_us = p->way.cross_bps == 0 ? p->now_us : p->cross_us;
}

/* Between two stalls are from half to one and a half times as long as usual. */
static inline void stall(struct path *p) {
    if (p->way.stall_every_us > 0 && p->now_us >= p->stall_at_us) {
        int64_t from_us = p->busy_us > p->now_us ? p->busy_us : p->now_us;
        p->busy_us = from_us + p->way.stall_us;
        p->stall_at_us = p->now_us + p->way.stall_every_us / 2 +
                         (int64_t)draw(p, (uint64_t)p->way.stall_every_us);
    }
}

static inline void compete(struct path *p) {
    int64_t rtt_us = 2 * p->way.delay_us;
    while (p->way.tcp && rival_sends(&p->rival, p->now_us)) {
        bool fits = queue(p, RIVAL_PACKET, p->now_us);
        rival_sent(&p->rival, fits, p->busy_us + rtt_us, p->now_us);
    }
}

static inline bool radio_loses(struct path *p) {
    if (p->burst_left == 0 && draw(p, 1000 * BURST) < p->way.bursts_permil) {
        p->burst_left = BURST;
    }
    p->burst_left -= p->burst_left > 0;
    return p->burst_left > 0 || draw(p, 1000) < p->way.loss_permil;
}

static inline void send_packet(struct path *p, size_t size) {
    uint16_t number = rtc_bwe_sent(p->bwe, size, p->now_us);
    p->sent++;
    p->bytes += size;
    if (radio_loses(p) || !queue(p, size + HEADS, p->now_us)) {
        p->lost++;
        return;
    }
    int64_t at_us = p->busy_us + p->way.delay_us + (int64_t)draw(p, (uint64_t)p->way.jitter_us);
    size_t i = p->n_flying;
    if (i == PATH_FLYING) {
        CHECK(false);
        return;
    }
    while (i > 0 && p->flying[i - 1].at_us > at_us) {
        p->flying[i] = p->flying[i - 1];
        i--;
    }
    p->flying[i] = (struct path_packet){ at_us, number, (uint16_t)size };
    p->n_flying++;
}

/* --- the source --- */

static inline uint64_t rate_of(const struct path *p) {
    static const uint64_t layers[] = { 1700000, 500000, 150000 };
    uint64_t bps = rtc_bwe_bps(p->bwe, p->now_us);
    if (!p->source.layers) {
        return bps < p->source.most_bps ? bps : p->source.most_bps;
    }
    for (size_t i = 0; i < COUNT_OF(layers); i++) {
        if (layers[i] <= bps && layers[i] <= p->source.most_bps) {
            return layers[i];
        }
    }
    return layers[COUNT_OF(layers) - 1];
}

static inline void send_media(struct path *p) {
    if (p->now_us >= p->frame_us) {
        double bytes = (double)rate_of(p) / BITS * FRAME_US / SEC_US;
        p->backlog += bytes * (0.8 + (double)draw(p, 400) / 1000);
        p->frame_us += FRAME_US;
    }
    double a_tick = (double)rate_of(p) / BITS * TICK_US / SEC_US / SPREAD;
    p->credit += a_tick;
    while (p->credit > 0 && p->backlog > 0) {
        size_t size = p->backlog < PACKET ? (size_t)p->backlog + 1 : PACKET;
        size = size < 100 ? 100 : size;
        send_packet(p, size);
        p->backlog -= (double)size;
        p->credit -= (double)size;
    }
    p->backlog = p->backlog < 0 ? 0 : p->backlog;
    p->credit = p->backlog == 0 && p->credit > 0 ? 0 : p->credit;
}

static inline void send_padding(struct path *p) {
    (void)rtc_bwe_tick(p->bwe, p->now_us);
    while (rtc_bwe_padding(p->bwe, p->now_us) > 0) {
        send_packet(p, PADDING);
        p->padding_bytes += PADDING;
    }
}

/* --- the receiver --- */

static inline void receive(struct path *p) {
    size_t n = 0;
    while (n < p->n_flying && p->flying[n].at_us <= p->now_us) {
        rtc_twcc_rx_arrived(&p->rx, p->flying[n].number, p->flying[n].at_us);
        n++;
    }
    p->n_flying -= n;
    memmove(p->flying, p->flying + n, p->n_flying * sizeof(p->flying[0]));
    if (p->now_us < p->report_us) {
        return;
    }
    p->report_us = p->now_us + REPORT_US;
    for (;;) {
        unsigned at = (p->first_report + p->n_reports) % COUNT_OF(p->reports);
        struct wr w = wr_make(p->reports[at].bytes, sizeof(p->reports[at].bytes));
        if (p->n_reports == COUNT_OF(p->reports) ||
            !rtc_twcc_rx_write(&p->rx, &w, 1, 2, p->now_us)) {
            return;
        }
        p->reports[at].len = wr_len(&w);
        p->reports[at].at_us = p->now_us + p->way.delay_us;
        p->n_reports++;
    }
}

static inline void take_reports(struct path *p) {
    while (p->n_reports > 0 && p->reports[p->first_report].at_us <= p->now_us) {
        struct rtc_rtcp_part part;
        struct rtc_rtcpfb fb;
        struct cur c = cur_make(p->reports[p->first_report].bytes, p->reports[p->first_report].len);
        if (rtc_rtcp_check(c) && rtc_rtcp_next(&c, &part) && rtc_rtcpfb_read(&part, &fb)) {
            (void)rtc_bwe_feedback(p->bwe, fb.fci, p->now_us);
        }
        p->first_report = (p->first_report + 1) % COUNT_OF(p->reports);
        p->n_reports--;
    }
}

static inline void path_run(struct path *p, int64_t until_us) {
    while (p->now_us - START_US < until_us) {
        p->now_us += TICK_US;
        stall(p);
        cross(p);
        compete(p);
        send_media(p);
        send_padding(p);
        receive(p);
        take_reports(p);
        if (p->now_us >= p->sample_us && p->n_samples < PATH_SAMPLES) {
            p->sample_us += PATH_SAMPLE_US;
            int64_t waits_us = p->busy_us - p->now_us;
            p->samples[p->n_samples].at_us = p->now_us - START_US;
            p->samples[p->n_samples].bps = rtc_bwe_bps(p->bwe, p->now_us);
            p->samples[p->n_samples].queue_us = waits_us > 0 ? waits_us : 0;
            p->n_samples++;
        }
    }
}

/* --- figures --- */

/* Of the samples in [from, to): error against what a bottleneck of `bps` takes, percent, which is
 * less by heads that the estimate does not count; of the queue, us. */
struct path_figures {
    double median, worst; /* |estimate - bps| / bps; worst: the 95th of a hundred */
    int64_t queue_median_us, queue_worst_us;
};

static inline int compare(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static inline struct path_figures path_figures(
    const struct path *p, int64_t from_us, int64_t to_us, uint64_t bps) {
    double takes = (double)bps * PACKET / (PACKET + HEADS);
    static double errors[PATH_SAMPLES], queues[PATH_SAMPLES];
    size_t n = 0;
    for (size_t i = 0; i < p->n_samples; i++) {
        if (p->samples[i].at_us >= from_us && p->samples[i].at_us < to_us) {
            double off = p->samples[i].bps == RTC_BWE_NONE
                             ? 100
                             : 100 * ((double)p->samples[i].bps - takes) / takes;
            errors[n] = off < 0 ? -off : off;
            queues[n] = (double)p->samples[i].queue_us;
            n++;
        }
    }
    struct path_figures f = { 0 };
    if (n > 0) {
        qsort(errors, n, sizeof(errors[0]), compare);
        qsort(queues, n, sizeof(queues[0]), compare);
        f = (struct path_figures){ errors[n / 2], errors[n * 95 / 100], (int64_t)queues[n / 2],
            (int64_t)queues[n * 95 / 100] };
    }
    return f;
}

static inline int64_t path_below(const struct path *p, int64_t from_us, uint64_t bps) {
    for (size_t i = 0; i < p->n_samples; i++) {
        if (p->samples[i].at_us >= from_us && p->samples[i].bps <= bps) {
            return p->samples[i].at_us;
        }
    }
    return INT64_MAX;
}

static inline int64_t path_above(const struct path *p, int64_t from_us, uint64_t bps) {
    for (size_t i = 0; i < p->n_samples; i++) {
        if (p->samples[i].at_us >= from_us && p->samples[i].bps >= bps) {
            return p->samples[i].at_us;
        }
    }
    return INT64_MAX;
}

#endif
