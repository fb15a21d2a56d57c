/* The parts of the estimate, put together. */
#include "rtc/bwe.h"

#include "core/mem.h"
#include "rtc/bwe_acked.h"
#include "rtc/bwe_loss.h"
#include "rtc/bwe_probe.h"
#include "rtc/bwe_queue.h"
#include "rtc/bwe_rival.h"
#include "rtc/bwe_trend.h"
#include "rtc/twcc.h"

#define REPORT_MOST 512 /* packets of one report: 20 KiB of stack */

/* A queue that a line cannot show: packets wait so long, and longer by so much than at the last
 * report. */
#define EVIDENT_US      150000
#define EVIDENT_MORE_US 20000
/* Where even the fastest packet of a report waits less, a growing delay is jitter. */
#define BELIEVE_US 15000
/* With packets waiting so long, growing must wait; but another's queue does not hold us up for more
 * than PATIENCE after our last decrease. */
#define STANDING_US 50000
#define PATIENCE_US 6000000
/* A long queue is emptied by sending less than what fits. */
#define DRAIN_US    80000  /* packets wait longer than this */
#define DRAIN_ALL   200000 /* and so much longer: the least is sent */
#define DRAIN_LEAST 0.5

#define PROBE_FIRST_US 1000000 /* after a decrease */
#define PROBE_MOST_US  4000000 /* between two, after those that failed */
#define PROBE_QUEUE_US 40000   /* packets that wait longer say that nothing more fits */
#define PROBE_ECHO_US  300000  /* the queue that a probe makes is not over-use */
#define PROBE_FACTOR   2
/* Where a limit is known, so much of it is tried first: twice as much would fill a narrow way's
 * queue again and again, only to say what was known. If that fits, the limit has gone.
 * So little more is told from what fits over a longer time: three pictures. */
#define PROBE_LIMIT_PERCENT 125
#define PROBE_LIMIT_US      100000
#define PROBE_PERCENT       110     /* of what is useful */
#define IDLE_US             1000000 /* nothing has left for so long */
#define RTT_WEIGHT          0.125
#define USUAL_WEIGHT        0.03
#define SILENCE_DIVISOR     2

struct rtc_bwe {
    /* What each packet touches that leaves: a line of the cache. */
    struct rtc_twcc_tx *history;
    int64_t unheard_us; /* when the first packet left that no report has followed; 0 = none */
    int64_t sent_us;    /* when the latest packet left */
    struct rtc_bwe_probe probe;
    /* And what only reports do. */
    struct rtc_bwe_acked acked;
    struct rtc_bwe_trend trend;
    struct rtc_bwe_queue queue;
    struct rtc_bwe_rival rival;
    struct rtc_bwe_loss loss;
    struct rtc_bwe_aimd aimd;
    struct rtc_bwe_remb remb;
    uint64_t useful_bps;
    int64_t rtt_us;   /* 0 = not known */
    int64_t probe_us; /* the next not before */
    int64_t probe_wait_us;
    int64_t probed_us;        /* when the last one was over */
    uint64_t before_loss_bps; /* the bound before less was tried, for too much was lost */
    uint64_t probes;
    double usual; /* bytes of a packet that is no probe's: mean */
    bool heard, trying_less;
};

enum err rtc_bwe_create(struct rtc_bwe **ret) {
    struct rtc_bwe *b = mem_zalloc(sizeof(*b));
    if (b == NULL) {
        return err_set(ERR_NOMEM, "no memory for an estimate");
    }
    enum err e = rtc_twcc_tx_create(RTC_BWE_HISTORY, &b->history);
    if (e != OK) {
        mem_free(b);
        return e;
    }
    rtc_bwe_trend_init(&b->trend);
    rtc_bwe_aimd_init(&b->aimd);
    b->probe_wait_us = PROBE_FIRST_US;
    b->usual = RTC_BWE_PROBE_USUAL;
    *ret = b;
    return OK;
}

void rtc_bwe_destroy(struct rtc_bwe *b) {
    if (b != NULL) {
        rtc_twcc_tx_destroy(b->history);
        mem_free(b);
    }
}

void rtc_bwe_expect(const struct rtc_bwe *b) {
    __builtin_prefetch(b->history, 1);
}

uint16_t rtc_bwe_sent(struct rtc_bwe *b, size_t size, int64_t now_us) {
    b->sent_us = now_us;
    b->unheard_us = b->unheard_us == 0 ? now_us : b->unheard_us;
    uint16_t tag = rtc_bwe_probe_sent(&b->probe, size, now_us);
    return rtc_twcc_tx_sent(b->history, size, tag, now_us);
}

/* --- a report --- */

static void take_result(struct rtc_bwe *b, const struct rtc_twcc_result *r) {
    rtc_bwe_loss_add(&b->loss, r);
    rtc_bwe_probe_result(&b->probe, r);
    b->usual += r->tag == 0 ? USUAL_WEIGHT * (r->size - b->usual) : 0;
    if (r->received) {
        rtc_bwe_acked_add(&b->acked, r->size, r->arrived_us);
        rtc_bwe_queue_add(&b->queue, r->sent_us, r->arrived_us);
        rtc_bwe_trend_add(&b->trend, r->sent_us, r->arrived_us);
    }
}

/* From the latest that came: the report left soon after it. */
static void note_rtt(struct rtc_bwe *b, int64_t sent_us, int64_t now_us) {
    int64_t rtt_us = now_us - sent_us;
    b->rtt_us =
        b->rtt_us == 0 ? rtt_us : b->rtt_us + (int64_t)(RTT_WEIGHT * (double)(rtt_us - b->rtt_us));
}

static bool is_evident(const struct rtc_bwe *b) {
    return b->queue.now_us > EVIDENT_US && b->queue.now_us > b->queue.before_us + EVIDENT_MORE_US;
}

static bool recent(int64_t since_us, int64_t now_us, int64_t span_us) {
    return since_us != 0 && now_us - since_us < span_us;
}

static bool is_anothers(const struct rtc_bwe *b) {
    return b->rival.state == RTC_BWE_RIVAL_THERE;
}

static struct rtc_bwe_sign read_signs(const struct rtc_bwe *b, int64_t now_us) {
    bool probing = rtc_bwe_probe_pends(&b->probe) || recent(b->probed_us, now_us, PROBE_ECHO_US);
    struct rtc_bwe_sign sign = {
        .usage = b->trend.usage, .acked_bps = rtc_bwe_acked_bps(&b->acked), .rtt_us = b->rtt_us
    };
    const bool anothers = is_anothers(b);
    if (is_evident(b)) {
        sign.usage = RTC_BWE_OVER;
    } else if (sign.usage == RTC_BWE_OVER && (probing || b->queue.now_us < BELIEVE_US)) {
        sign.usage = RTC_BWE_NORMAL;
    }
    sign.usage = anothers ? RTC_BWE_NORMAL : sign.usage; /* then loss alone is a sign */
    sign.still = probing || b->loss.verdict == RTC_BWE_LOSS_STILL ||
                 (b->queue.now_us > STANDING_US && !anothers &&
                     recent(b->aimd.decreased_us, now_us, PATIENCE_US));
    return sign;
}

static void follow_loss(struct rtc_bwe *b, int64_t now_us) {
    if (b->loss.verdict == RTC_BWE_LOSS_LOWER) {
        b->before_loss_bps = b->trying_less ? b->before_loss_bps : b->aimd.bps;
        b->trying_less = true;
        rtc_bwe_aimd_lower(&b->aimd, b->loss.bps, now_us);
    } else if (b->loss.verdict == RTC_BWE_LOSS_BACK) {
        rtc_bwe_aimd_raise(&b->aimd, b->before_loss_bps, now_us);
    }
    b->trying_less = b->trying_less && b->loss.before > 0;
}

static void end_probe(struct rtc_bwe *b, int64_t now_us) {
    uint64_t bps = 0;
    enum rtc_bwe_probe_end end = rtc_bwe_probe_end(&b->probe, now_us, &bps);
    if (end == RTC_BWE_PROBE_WAITS) {
        return;
    }
    b->probed_us = now_us;
    if (end != RTC_BWE_PROBE_FAILED) {
        rtc_bwe_aimd_raise(&b->aimd, bps, now_us);
    }
    bool on = end == RTC_BWE_PROBE_FITS; /* and at once the next */
    int64_t longer_us = b->probe_wait_us * PROBE_FACTOR;
    b->probe_us = on ? now_us : now_us + b->probe_wait_us;
    b->probe_wait_us = on ? PROBE_FIRST_US : longer_us < PROBE_MOST_US ? longer_us : PROBE_MOST_US;
}

bool rtc_bwe_feedback(struct rtc_bwe *b, struct cur fci, int64_t now_us) {
    struct rtc_twcc_result results[REPORT_MOST];
    rtc_twcc_tx_widen(&b->history, RTC_BWE_HISTORY_MOST);
    size_t n = rtc_twcc_tx_feedback(b->history, fci, now_us, results, REPORT_MOST);
    int64_t latest_us = 0;
    for (size_t i = 0; i < n; i++) {
        take_result(b, &results[i]);
        latest_us = results[i].received ? results[i].sent_us : latest_us;
    }
    if (n == 0) {
        return false;
    }
    b->heard = true;
    b->unheard_us = 0;
    if (latest_us != 0) {
        note_rtt(b, latest_us, now_us);
    }
    rtc_bwe_queue_end(&b->queue, now_us);
    struct rtc_bwe_sign sign = read_signs(b, now_us);
    rtc_bwe_rival_note(&b->rival, b->queue.now_us, sign.acked_bps, now_us);
    if (is_anothers(b)) {
        rtc_bwe_aimd_forget(&b->aimd);
    }
    rtc_bwe_loss_end(&b->loss, sign.acked_bps, now_us);
    rtc_bwe_aimd_update(&b->aimd, &sign, now_us);
    follow_loss(b, now_us);
    end_probe(b, now_us);
    return true;
}

void rtc_bwe_remb(struct rtc_bwe *b, uint64_t bps, int64_t now_us) {
    rtc_bwe_remb_take(&b->remb, bps, now_us);
}

/* --- the result --- */

static uint64_t lesser(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t drained(const struct rtc_bwe *b, int64_t now_us) {
    uint64_t bps = rtc_bwe_rival_bps(&b->rival, b->aimd.bps);
    if (b->queue.now_us <= DRAIN_US || is_anothers(b) ||
        !recent(b->aimd.decreased_us, now_us, PATIENCE_US)) {
        return bps;
    }
    double share = 1 - (double)(b->queue.now_us - DRAIN_US) / DRAIN_ALL * (1 - DRAIN_LEAST);
    share = share > DRAIN_LEAST ? share : DRAIN_LEAST;
    return lesser(bps, (uint64_t)((double)b->aimd.bps * share));
}

static uint64_t below_remb(const struct rtc_bwe *b, uint64_t bps, int64_t now_us) {
    uint64_t remb_bps = rtc_bwe_remb_bps(&b->remb, now_us);
    return remb_bps < bps ? remb_bps : bps;
}

uint64_t rtc_bwe_bps(const struct rtc_bwe *b, int64_t now_us) {
    uint64_t bps = b->aimd.bps == RTC_BWE_NONE ? RTC_BWE_NONE : drained(b, now_us);
    return below_remb(b, bps, now_us);
}

uint64_t rtc_bwe_lasting_bps(const struct rtc_bwe *b, int64_t now_us) {
    return below_remb(b, b->aimd.bps, now_us);
}

void rtc_bwe_useful(struct rtc_bwe *b, uint64_t bps) {
    b->useful_bps = bps;
}

void rtc_bwe_spends(struct rtc_bwe *b, uint64_t bps) {
    b->remb.spent_bps = bps;
}

void rtc_bwe_look(const struct rtc_bwe *b, struct rtc_bwe_view *ret) {
    *ret = (struct rtc_bwe_view){ .acked_bps = rtc_bwe_acked_bps(&b->acked),
        .delay_bps = b->aimd.bps,
        .queue_us = b->queue.now_us,
        .rtt_us = b->rtt_us,
        .probes = b->probes };
}

/* --- time --- */

/* Packets leave and nobody says that any came. */
static void notice_silence(struct rtc_bwe *b, int64_t now_us) {
    if (!b->heard || !recent(b->unheard_us, now_us, INT64_MAX) ||
        now_us - b->unheard_us < RTC_BWE_FEEDBACK_US) {
        return;
    }
    uint64_t acked_bps = rtc_bwe_acked_bps(&b->acked);
    uint64_t from = b->aimd.bps == RTC_BWE_NONE ? acked_bps : b->aimd.bps;
    if (from > 0) {
        rtc_bwe_aimd_lower(&b->aimd, from / SILENCE_DIVISOR, now_us);
    }
    b->unheard_us = 0; /* until the next one leaves */
}

/* Where all is paused, nothing leaves, and what the last report said of queues is long over. */
static bool has_signs_for_more(const struct rtc_bwe *b, int64_t now_us) {
    const bool idle = !recent(b->sent_us, now_us, IDLE_US);
    const bool empty = b->queue.now_us < PROBE_QUEUE_US || is_anothers(b);
    return idle || (b->unheard_us != 0 && b->trend.usage != RTC_BWE_OVER && empty);
}

static bool may_probe(const struct rtc_bwe *b, int64_t now_us) {
    return b->aimd.bps != RTC_BWE_NONE && b->useful_bps > b->aimd.bps &&
           !rtc_bwe_probe_pends(&b->probe) && now_us >= b->probe_us &&
           !recent(b->aimd.decreased_us, now_us, PROBE_FIRST_US) && has_signs_for_more(b, now_us);
}

static void begin_probe(struct rtc_bwe *b, int64_t now_us) {
    struct rtc_bwe_probe_plan plan = { .bps = b->aimd.bps * PROBE_FACTOR,
        .jitter_us = b->queue.jitter_us,
        .usual = (uint16_t)b->usual };
    if (b->aimd.limit_bps > 0) {
        uint64_t limit = (uint64_t)b->aimd.limit_bps;
        uint64_t from = limit > b->aimd.bps ? limit : b->aimd.bps;
        plan.bps = lesser(plan.bps, from / 100 * PROBE_LIMIT_PERCENT);
        plan.least_us = PROBE_LIMIT_US;
    }
    plan.bps = lesser(plan.bps, b->useful_bps / 100 * PROBE_PERCENT);
    rtc_bwe_probe_begin(&b->probe, &plan, now_us);
    rtc_bwe_aimd_probe(&b->aimd, rtc_bwe_acked_bps(&b->acked), now_us);
    b->probes++;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

int64_t rtc_bwe_tick(struct rtc_bwe *b, int64_t now_us) {
    notice_silence(b, now_us);
    end_probe(b, now_us);
    if (may_probe(b, now_us)) {
        begin_probe(b, now_us);
    }
    if (rtc_bwe_probe_runs(&b->probe)) {
        return now_us;
    }
    if (rtc_bwe_probe_pends(&b->probe)) {
        return now_us + RTC_BWE_TICK_US;
    }
    if (!b->heard) {
        return rtc_bwe_remb_tick(&b->remb, b->useful_bps, now_us);
    }
    int64_t next_us = now_us + RTC_BWE_FEEDBACK_US;
    bool more = b->aimd.bps != RTC_BWE_NONE && b->useful_bps > b->aimd.bps;
    return more && b->probe_us < next_us ? later(b->probe_us, now_us + RTC_BWE_TICK_US) : next_us;
}

size_t rtc_bwe_padding(const struct rtc_bwe *b, int64_t now_us) {
    size_t remb = !b->heard && b->remb.due > 0 ? (size_t)b->remb.due : 0;
    return rtc_bwe_probe_runs(&b->probe) ? rtc_bwe_probe_due(&b->probe, now_us) : remb;
}

void rtc_bwe_padded(struct rtc_bwe *b, size_t bytes, int64_t now_us) {
    if (!b->heard) {
        rtc_bwe_remb_padded(&b->remb, bytes, now_us);
    }
}
