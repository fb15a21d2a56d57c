/*
 * Somebody who fetches something large over the same bottleneck, as TCP does: half as much under
 * way when something is lost, a packet more each round trip else (RFC 5681; CUBIC is like it where
 * so little is under way, RFC 9438, 4.3). For the tests of rtc/bwe.
 */
#ifndef TESTS_UNIT_BWE_RIVAL_H
#define TESTS_UNIT_BWE_RIVAL_H

#include <stdbool.h>
#include <stdint.h>

#define RIVAL_PACKET 1500 /* bytes, with heads */
#define RIVAL_MOST   1024 /* under way */

struct rival {
    double window, slow_until; /* packets */
    struct {
        int64_t at_us;
        bool lost;
    } answers[RIVAL_MOST]; /* a ring, in the order of coming */
    unsigned first, n;
    int64_t halved_us, rtt_us;
    uint64_t bytes; /* that came */
};

static inline void rival_init(struct rival *r) {
    r->window = 10; /* RFC 6928 */
    r->slow_until = RIVAL_MOST;
}

static inline void rival_hear(struct rival *r, bool lost, int64_t now_us) {
    if (lost) {
        bool once = now_us - r->halved_us > r->rtt_us; /* in each round trip */
        r->window = once && r->window > 4 ? r->window / 2 : r->window;
        r->slow_until = r->window;
        r->halved_us = once ? now_us : r->halved_us;
    } else {
        r->window += r->window < r->slow_until ? 1 : 1 / r->window;
        r->bytes += RIVAL_PACKET;
    }
}

/* Hears what has been answered by now. May the next packet leave? */
static inline bool rival_sends(struct rival *r, int64_t now_us) {
    while (r->n > 0 && r->answers[r->first].at_us <= now_us) {
        rival_hear(r, r->answers[r->first].lost, now_us);
        r->first = (r->first + 1) % RIVAL_MOST;
        r->n--;
    }
    return r->n < RIVAL_MOST && r->n < (unsigned)r->window;
}

static inline void rival_sent(struct rival *r, bool fits, int64_t answer_us, int64_t now_us) {
    unsigned at = (r->first + r->n) % RIVAL_MOST;
    r->answers[at].at_us = answer_us;
    r->answers[at].lost = !fits;
    r->n++;
    r->rtt_us = answer_us - now_us;
}

#endif
