/* Transport-wide congestion control: arrivals into feedback, feedback into results. */
#include "rtc/twcc.h"

#include "core/mem.h"
#include "rtc/seq.h"
#include "rtc/twcc_fb.h"

#include <assert.h>

_Static_assert(sizeof(struct rtc_twcc_rx) <= 2080, "the header says so");

/* --- receiving --- */

static uint32_t *slot_of(struct rtc_twcc_rx *rx, int64_t seq) {
    return &rx->ticks[(uint64_t)seq % RTC_TWCC_WINDOW];
}

static int64_t oldest(const struct rtc_twcc_rx *rx) {
    return rx->highest - RTC_TWCC_WINDOW + 1;
}

static void begin_at(struct rtc_twcc_rx *rx, int64_t seq) {
    memset(rx->ticks, 0, sizeof(rx->ticks));
    rx->any = true;
    rx->next = seq;
    rx->highest = seq;
}

/* Makes room up to `seq`; what falls out of the window is not reported any more. */
static void advance(struct rtc_twcc_rx *rx, int64_t seq) {
    if (seq - rx->highest >= RTC_TWCC_WINDOW) {
        begin_at(rx, seq);
        return;
    }
    while (rx->highest < seq) {
        rx->highest++;
        *slot_of(rx, rx->highest) = 0;
    }
    if (rx->next < oldest(rx)) {
        rx->next = oldest(rx);
    }
}

void rtc_twcc_rx_arrived(struct rtc_twcc_rx *rx, uint16_t seq, int64_t now_us) {
    int64_t at = rx->any ? rtc_seq_extend(rx->highest, seq) : seq;
    if (!rx->any) {
        begin_at(rx, at);
        rx->built_us = now_us;
    } else if (at > rx->highest) {
        advance(rx, at);
    } else if (at < oldest(rx)) {
        return;
    }
    uint32_t *slot = slot_of(rx, at);
    if (*slot == 0) {
        uint32_t ticks = (uint32_t)((uint64_t)now_us / RTC_TWCC_TICK_US);
        *slot = ticks == 0 ? 1 : ticks;
        rx->next = at < rx->next ? at : rx->next;
    }
}

bool rtc_twcc_rx_due(const struct rtc_twcc_rx *rx, int64_t now_us) {
    int64_t unreported = rx->any ? rx->highest - rx->next + 1 : 0;
    return unreported > 0 &&
           (now_us - rx->built_us >= RTC_TWCC_INTERVAL_US || unreported >= RTC_TWCC_EARLY);
}

bool rtc_twcc_rx_write(
    struct rtc_twcc_rx *rx, struct wr *w, uint32_t sender, uint32_t media, int64_t now_us) {
    struct rtc_twcc_fb_wr x;
    struct wr before = *w;
    int64_t now_ticks = now_us / RTC_TWCC_TICK_US;
    if (!rx->any || rx->next > rx->highest) {
        return false;
    }
    rtc_twcc_fb_begin(&x, w, sender, media, (uint16_t)rx->next);
    int64_t at = rx->next;
    for (bool fits = true; fits && at <= rx->highest; at += fits) {
        uint32_t ticks = *slot_of(rx, at);
        fits = ticks == 0 ? rtc_twcc_fb_missing(&x)
                          : rtc_twcc_fb_came(&x, rtc_wrap_extend(now_ticks, ticks, 32));
    }
    rtc_twcc_fb_end(&x, rx->count);
    if (w->bad) {
        *w = before;
        return false;
    }
    rx->count++;
    rx->next = at;
    rx->built_us = now_us;
    return true;
}

/* --- sending --- */

#define SENT      1U /* not told as received yet */
#define TAG_SHIFT 1

struct sent {
    uint32_t us; /* low 32 bits of when it left */
    uint16_t size;
    uint16_t tag_and_state; /* the tag, shifted, and SENT */
};

struct rtc_twcc_tx {
    int64_t next;  /* the number of the next to leave, extended */
    int64_t told;  /* the newest that feedback spoke of; -1 = none yet */
    int64_t ticks; /* the receiver's clock at its latest feedback, extended */
    size_t n;
    bool heard;
    struct sent sent[];
};

enum err rtc_twcc_tx_create(size_t n, struct rtc_twcc_tx **ret) {
    assert(n > 0 && n <= RTC_TWCC_TX_MAX && (n & (n - 1)) == 0);
    struct rtc_twcc_tx *tx = mem_zalloc(sizeof(*tx) + n * sizeof(tx->sent[0]));
    if (tx == NULL) {
        return err_set(ERR_NOMEM, "no memory for a history of %zu packets", n);
    }
    tx->n = n;
    tx->told = -1;
    *ret = tx;
    return OK;
}

void rtc_twcc_tx_destroy(struct rtc_twcc_tx *tx) {
    mem_free(tx);
}

static struct sent *sent_of(struct rtc_twcc_tx *tx, int64_t seq) {
    return &tx->sent[(uint64_t)seq & (tx->n - 1)];
}

void rtc_twcc_tx_widen(struct rtc_twcc_tx **tx, size_t most) {
    struct rtc_twcc_tx *old = *tx, *wide = NULL;
    int64_t n = (int64_t)old->n, untold = old->next - 1 - old->told;
    if (old->n * 2 > most || untold <= n / 2 || rtc_twcc_tx_create(old->n * 2, &wide) != OK) {
        return;
    }
    wide->next = old->next;
    wide->told = old->told;
    wide->ticks = old->ticks;
    wide->heard = old->heard;
    for (int64_t seq = old->next > n ? old->next - n : 0; seq < old->next; seq++) {
        *sent_of(wide, seq) = *sent_of(old, seq);
    }
    rtc_twcc_tx_destroy(old);
    *tx = wide;
}

uint16_t rtc_twcc_tx_sent(struct rtc_twcc_tx *tx, size_t size, uint16_t tag, int64_t now_us) {
    int64_t seq = tx->next++;
    *sent_of(tx, seq) = (struct sent){
        .us = (uint32_t)(uint64_t)now_us,
        .size = (uint16_t)(size < UINT16_MAX ? size : UINT16_MAX),
        .tag_and_state = (uint16_t)((unsigned)tag << TAG_SHIFT | SENT),
    };
    return (uint16_t)seq;
}

/* The packet that a status speaks of; NULL when it is not in the history, or told already. */
static struct sent *find_sent(struct rtc_twcc_tx *tx, uint16_t seq, int64_t *ret_seq) {
    int64_t at = rtc_seq_extend(tx->next - 1, seq);
    if (at < 0 || at >= tx->next || at < tx->next - (int64_t)tx->n) {
        return NULL;
    }
    struct sent *s = sent_of(tx, at);
    tx->told = at > tx->told ? at : tx->told;
    *ret_seq = at;
    return s->tag_and_state & SENT ? s : NULL;
}

/* The reference wraps; feedbacks may come out of order, but not by half of twelve days. */
static int64_t extend_ticks(struct rtc_twcc_tx *tx, int64_t ticks) {
    return tx->heard ? rtc_wrap_extend(tx->ticks, (uint32_t)(uint64_t)ticks, RTC_TWCC_WRAP_BITS)
                     : ticks;
}

size_t rtc_twcc_tx_feedback(struct rtc_twcc_tx *tx, struct cur fci, int64_t now_us,
    struct rtc_twcc_result *ret, size_t cap) {
    struct rtc_twcc_fb fb;
    struct rtc_twcc_status status;
    size_t n = 0;
    if (!rtc_twcc_fb_read(fci, &fb)) {
        return 0;
    }
    fb.ticks = extend_ticks(tx, fb.ticks);
    while (n < cap && rtc_twcc_fb_next(&fb, &status)) {
        int64_t seq;
        struct sent *s = find_sent(tx, status.seq, &seq);
        if (s == NULL) {
            continue;
        }
        ret[n++] = (struct rtc_twcc_result){
            .seq = seq,
            .sent_us = rtc_wrap_extend(now_us, s->us, 32),
            .arrived_us = status.received ? status.ticks * RTC_TWCC_TICK_US : 0,
            .size = s->size,
            .tag = s->tag_and_state >> TAG_SHIFT,
            .received = status.received,
        };
        if (status.received) {
            s->tag_and_state &= (uint16_t)~SENT;
        }
    }
    tx->ticks = fb.ticks;
    tx->heard = true;
    return n;
}
