/* A ring of references, indexed by the low bits of the number. */
#include "rtc/history.h"

#include "core/mem.h"
#include "core/pkt.h"
#include "rtc/seq.h"

#include <assert.h>

#define FIRST_CYCLE INT64_C(0x10000) /* what comes before the first is not negative */

struct rtc_history {
    int64_t newest; /* extended; -1 = nothing was put yet */
    int64_t oldest; /* nothing older is held */
    int64_t age_us;
    int64_t looked_us; /* when what is too old was let go last */
    uint32_t n;
    uint32_t held;
    struct pkt *ring[]; /* between oldest and newest, NULL where nothing came */
};

enum err rtc_history_create(size_t n, int64_t age_us, struct rtc_history **ret) {
    assert(n > 0 && n <= RTC_HISTORY_MAX && (n & (n - 1)) == 0);
    struct rtc_history *h = mem_zalloc(sizeof(*h) + n * sizeof(h->ring[0]));
    if (h == NULL) {
        return err_set(ERR_NOMEM, "no memory for a history of %zu packets", n);
    }
    h->newest = -1;
    h->age_us = age_us;
    h->n = (uint32_t)n;
    *ret = h;
    return OK;
}

static struct pkt **slot_of(struct rtc_history *h, int64_t seq) {
    return &h->ring[(uint64_t)seq & (h->n - 1)];
}

static void release(struct rtc_history *h, int64_t seq) {
    struct pkt **slot = slot_of(h, seq);
    if (*slot != NULL) {
        pkt_unref(*slot);
        *slot = NULL;
        h->held--;
    }
}

/* Nothing before `seq` is held any more. */
static void release_before(struct rtc_history *h, int64_t seq) {
    while (h->oldest < seq && h->held > 0) {
        release(h, h->oldest);
        h->oldest++;
    }
    h->oldest = h->oldest < seq ? seq : h->oldest;
}

void rtc_history_clear(struct rtc_history *h) {
    release_before(h, h->newest + 1);
    h->newest = -1;
}

void rtc_history_destroy(struct rtc_history *h) {
    if (h != NULL) {
        rtc_history_clear(h);
        mem_free(h);
    }
}

void rtc_history_put(struct rtc_history *h, uint16_t seq, struct pkt *p) {
    int64_t at = h->newest < 0 ? FIRST_CYCLE + seq : rtc_seq_extend(h->newest, seq);
    if (h->newest < 0) {
        h->oldest = at;
        h->newest = at;
    } else if (at > h->newest) {
        release_before(h, at - h->n + 1);
        h->newest = at;
    } else if (at <= h->newest - h->n) {
        return;
    }
    h->oldest = at < h->oldest ? at : h->oldest;
    struct pkt **slot = slot_of(h, at);
    if (*slot == NULL) {
        *slot = pkt_ref(p);
        h->held++;
    }
    if (p->arrived_us - h->looked_us >= RTC_HISTORY_LOOK_US) {
        rtc_history_expire(h, p->arrived_us);
    }
}

struct pkt *rtc_history_get(struct rtc_history *h, uint16_t seq, int64_t now_us) {
    int64_t at = rtc_seq_extend(h->newest, seq);
    if (h->newest < 0 || at < h->oldest || at > h->newest) {
        return NULL;
    }
    struct pkt *p = *slot_of(h, at);
    return p != NULL && now_us - p->arrived_us <= h->age_us ? p : NULL;
}

/* Packets so old are in no cache any more: the next ones come while one is looked at. */
static void expect(struct rtc_history *h, int64_t seq) {
    __builtin_prefetch(*slot_of(h, seq), 1);
}

bool rtc_history_is_past(const struct rtc_history *h, uint16_t seq) {
    return h != NULL && h->newest >= 0 && rtc_seq_extend(h->newest, seq) < h->oldest;
}

void rtc_history_expire(struct rtc_history *h, int64_t now_us) {
    enum { AHEAD = 4 };
    if (h == NULL) {
        return;
    }
    h->looked_us = now_us;
    for (int64_t seq = h->oldest; seq < h->oldest + AHEAD; seq++) {
        expect(h, seq);
    }
    while (h->held > 0 && h->oldest <= h->newest) {
        struct pkt *p = *slot_of(h, h->oldest);
        expect(h, h->oldest + AHEAD);
        if (p != NULL && now_us - p->arrived_us <= h->age_us) {
            return;
        }
        release(h, h->oldest);
        h->oldest++;
    }
}

size_t rtc_history_count(const struct rtc_history *h) {
    return h->held;
}
