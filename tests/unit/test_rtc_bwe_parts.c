/* The parts of the estimate, each by itself: rtc/bwe_acked, _trend, _queue, _loss, _aimd,
 * _probe, _remb. */
#include "rtc/bwe_acked.h"
#include "rtc/bwe_aimd.h"
#include "rtc/bwe_loss.h"
#include "rtc/bwe_probe.h"
#include "rtc/bwe_queue.h"
#include "rtc/bwe_remb.h"
#include "rtc/bwe_rival.h"
#include "rtc/bwe_trend.h"
#include "test.h"

#define SECOND INT64_C(1000000)
#define MS     INT64_C(1000)

static bool near(uint64_t want, uint64_t got, unsigned percent) {
    uint64_t off = got > want ? got - want : want - got;
    return off * 100 <= want * percent;
}

TEST(rtc_bwe_acked, counts_the_last_half_second) {
    struct rtc_bwe_acked a = { 0 };
    CHECK_INT(0, rtc_bwe_acked_bps(&a));
    int64_t at = 77 * SECOND;
    for (int i = 0; i < 10; i++, at += 10 * MS) {
        rtc_bwe_acked_add(&a, 1000, at);
    }
    CHECK_INT(0, rtc_bwe_acked_bps(&a)); /* too short to say */
    for (int i = 0; i < 100; i++, at += 10 * MS) {
        rtc_bwe_acked_add(&a, 1000, at);
    }
    CHECK(near(800000, rtc_bwe_acked_bps(&a), 6));
    ROW("a slower time makes the faster one be forgotten");
    for (int i = 0; i < 30; i++, at += 20 * MS) {
        rtc_bwe_acked_add(&a, 500, at);
    }
    CHECK(near(200000, rtc_bwe_acked_bps(&a), 8));
    ROW("out of order, and too late");
    uint64_t before = rtc_bwe_acked_bps(&a);
    rtc_bwe_acked_add(&a, 500, at - 100 * MS);
    CHECK(rtc_bwe_acked_bps(&a) > before);
    before = rtc_bwe_acked_bps(&a);
    rtc_bwe_acked_add(&a, 50000, at - 700 * MS);
    CHECK_INT((int64_t)before, (int64_t)rtc_bwe_acked_bps(&a));
    ROW("after a long silence");
    rtc_bwe_acked_add(&a, 500, at + 60 * SECOND);
    CHECK(rtc_bwe_acked_bps(&a) < 20000);
}

TEST(rtc_bwe_trend, sees_queues_that_grow_and_that_empty) {
    static const struct {
        const char *name;
        int64_t gap_us,
            later_us; /* between two packets; each arrives so much later than the last */
        enum rtc_bwe_usage want;
    } rows[] = {
        { "even", 20 * MS, 0, RTC_BWE_NORMAL },
        { "grows by a tenth", 20 * MS, 2 * MS, RTC_BWE_OVER },
        { "grows fast", 10 * MS, 10 * MS, RTC_BWE_OVER },
        { "hardly grows: two clocks differ", 20 * MS, 2, RTC_BWE_NORMAL },
        { "empties", 20 * MS, -3 * MS, RTC_BWE_UNDER },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_bwe_trend t;
        rtc_bwe_trend_init(&t);
        int64_t sent = SECOND, delay = 500 * MS;
        bool over = false, under = false;
        for (int i = 0; i < 60; i++, sent += r->gap_us, delay += r->later_us) {
            rtc_bwe_trend_add(&t, sent, sent + delay);
            over |= t.usage == RTC_BWE_OVER;
            under |= t.usage == RTC_BWE_UNDER;
        }
        CHECK_INT(r->want == RTC_BWE_OVER, over);
        CHECK_INT(r->want == RTC_BWE_UNDER, under);
    }
}

TEST(rtc_bwe_trend, begins_anew_when_a_clock_jumps) {
    struct rtc_bwe_trend t;
    rtc_bwe_trend_init(&t);
    int64_t sent = SECOND;
    for (int i = 0; i < 100; i++, sent += 20 * MS) {
        rtc_bwe_trend_add(&t, sent, sent + (i < 50 ? 0 : 100 * SECOND));
        CHECK_INT(RTC_BWE_NORMAL, t.usage);
    }
    CHECK(t.deltas < 60);
}

TEST(rtc_bwe_queue, tells_the_wait_above_the_least) {
    struct rtc_bwe_queue q = { 0 };
    int64_t now = SECOND;
    for (int report = 0; report < 40; report++, now += 100 * MS) {
        int64_t queue = report < 20 ? 0 : 40 * MS;
        for (int i = 0; i < 10; i++) { /* with jitter, of which one packet has none */
            rtc_bwe_queue_add(&q, now + i * MS, now + i * MS - 3 * SECOND + queue + i * 5 * MS);
        }
        rtc_bwe_queue_end(&q, now);
    }
    CHECK_INT(40 * MS, q.now_us);
    CHECK(q.jitter_us > 3 * MS && q.jitter_us < 15 * MS);
    ROW("what stays for a whole window is the way's own");
    for (int report = 0; report < 700; report++, now += 100 * MS) {
        for (int i = 0; i < 10; i++) {
            rtc_bwe_queue_add(&q, now, now - 3 * SECOND + 40 * MS);
        }
        rtc_bwe_queue_end(&q, now);
    }
    CHECK_INT(0, q.now_us);
}

/* Reports on `n` packets of which every `nth` is lost; gives what was said at the end. */
static enum rtc_bwe_loss_verdict feed(struct rtc_bwe_loss *l, int64_t *seq, unsigned nth,
    uint64_t acked_bps, int64_t *now, int reports) {
    enum rtc_bwe_loss_verdict strongest = RTC_BWE_LOSS_NOTHING;
    for (int i = 0; i < reports; i++, *now += 100 * MS) {
        for (int k = 0; k < 30; k++, ++*seq) {
            struct rtc_twcc_result r = {
                .seq = *seq, .size = 1000, .received = nth == 0 || (unsigned)(*seq % nth) != 0
            };
            rtc_bwe_loss_add(l, &r);
        }
        rtc_bwe_loss_end(l, acked_bps, *now);
        strongest = l->verdict > strongest ? l->verdict : strongest;
    }
    return strongest;
}

TEST(rtc_bwe_loss, says_what_less_would_do) {
    struct rtc_bwe_loss l = { 0 };
    int64_t seq = 100, now = SECOND;
    CHECK_INT(RTC_BWE_LOSS_NOTHING, feed(&l, &seq, 0, 1000000, &now, 20));
    CHECK_INT(RTC_BWE_LOSS_NOTHING, feed(&l, &seq, 100, 1000000, &now, 20));
    CHECK_INT(RTC_BWE_LOSS_STILL, feed(&l, &seq, 20, 1000000, &now, 20));
    ROW("a third lost: less");
    CHECK_INT(RTC_BWE_LOSS_LOWER, feed(&l, &seq, 3, 1000000, &now, 10));
    CHECK(l.bps < 1000000);
    ROW("and less helps");
    CHECK(feed(&l, &seq, 0, 500000, &now, 20) <= RTC_BWE_LOSS_STILL);
    CHECK(l.own < 0.01);
}

TEST(rtc_bwe_loss, is_the_ways_own_when_less_does_not_help) {
    struct rtc_bwe_loss l = { 0 };
    int64_t seq = 100, now = SECOND;
    CHECK_INT(RTC_BWE_LOSS_LOWER, feed(&l, &seq, 6, 1000000, &now, 12));
    CHECK_INT(RTC_BWE_LOSS_BACK, feed(&l, &seq, 6, 700000, &now, 12));
    CHECK(near(1200000, l.before_bps, 3)); /* what was sent, not what arrived */
    CHECK(l.own > 0.12 && l.own < 0.2);
    (void)feed(&l, &seq, 6, 1000000, &now, 6); /* until the next window is whole */
    CHECK_INT(RTC_BWE_LOSS_NOTHING, feed(&l, &seq, 6, 1000000, &now, 30));
    ROW("more than its own still counts");
    CHECK_INT(RTC_BWE_LOSS_LOWER, feed(&l, &seq, 2, 1000000, &now, 12));
}

TEST(rtc_bwe_loss, what_a_report_overtook_is_not_lost) {
    struct rtc_bwe_loss l = { 0 };
    int64_t seq = 0, now = SECOND;
    for (int i = 0; i < 50; i++, now += 100 * MS) {
        for (int k = 0; k < 10; k++) { /* half of them come by the next report */
            struct rtc_twcc_result late = { .seq = seq - 10 + k, .size = 1000, .received = true };
            if (i > 0 && k % 2 == 0) {
                rtc_bwe_loss_add(&l, &late);
            }
        }
        for (int k = 0; k < 10; k++, seq++) {
            struct rtc_twcc_result r = { .seq = seq, .size = 1000, .received = k % 2 != 0 };
            rtc_bwe_loss_add(&l, &r);
        }
        rtc_bwe_loss_end(&l, 1000000, now);
        CHECK_INT(RTC_BWE_LOSS_NOTHING, l.verdict);
    }
}

TEST(rtc_bwe_aimd, falls_below_what_arrives_and_grows_again) {
    struct rtc_bwe_aimd a;
    rtc_bwe_aimd_init(&a);
    struct rtc_bwe_sign fine = { RTC_BWE_NORMAL, false, 1000000, 50 * MS };
    struct rtc_bwe_sign over = { RTC_BWE_OVER, false, 1000000, 50 * MS };
    struct rtc_bwe_sign under = { RTC_BWE_UNDER, false, 1000000, 50 * MS };
    int64_t now = SECOND;
    rtc_bwe_aimd_update(&a, &fine, now);
    CHECK(a.bps == RTC_BWE_NONE);
    rtc_bwe_aimd_raise(&a, 5000, now);
    CHECK(a.bps == RTC_BWE_NONE);
    rtc_bwe_aimd_update(&a, &over, now += 100 * MS);
    CHECK_INT(850000, (int64_t)a.bps);
    rtc_bwe_aimd_update(&a, &over, now += 100 * MS);
    CHECK_INT(850000, (int64_t)a.bps); /* the same over-use: not again */
    rtc_bwe_aimd_update(&a, &under, now += 100 * MS);
    CHECK_INT(850000, (int64_t)a.bps);
    ROW("slowly where the limit was");
    for (int i = 0; i < 20; i++) {
        rtc_bwe_aimd_update(&a, &fine, now += 100 * MS);
    }
    CHECK(a.bps > 900000 && a.bps < 1100000);
    ROW("no further than what arrives tells");
    for (int i = 0; i < 1000; i++) {
        rtc_bwe_aimd_update(&a, &fine, now += 100 * MS);
    }
    CHECK(a.bps > 1400000 && a.bps < 1600000);
    ROW("raised by a probe, lowered by others, never to nothing");
    rtc_bwe_aimd_raise(&a, 4000000, now);
    CHECK_INT(4000000, (int64_t)a.bps);
    rtc_bwe_aimd_lower(&a, 10, now);
    CHECK_INT(RTC_BWE_LEAST_BPS, (int64_t)a.bps);
    ROW("not while it is told to be still");
    fine.still = true;
    rtc_bwe_aimd_update(&a, &fine, now += SECOND);
    CHECK_INT(RTC_BWE_LEAST_BPS, (int64_t)a.bps);
}

/* Of what arrives, in kbit/s, at an over-use. */
TEST(rtc_bwe_aimd, a_probe_that_did_not_fit_takes_nothing_from_what_did) {
    static const struct {
        const char *name;
        uint64_t before, arrives, want;
        int64_t after_us;
    } rows[] = {
        { "no less than before", 205, 235, 205, 400 * MS },
        { "but the queue must empty", 235, 240, 216, 400 * MS },
        { "less arrives than before: the way has changed", 205, 200, 170, 400 * MS },
        { "what arrived was not known", 0, 200, 170, 400 * MS },
        { "long ago", 205, 235, 199, 3 * SECOND },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_bwe_aimd a;
        rtc_bwe_aimd_init(&a);
        struct rtc_bwe_sign over = { .usage = RTC_BWE_OVER, .acked_bps = 400000 };
        rtc_bwe_aimd_update(&a, &over, SECOND);
        rtc_bwe_aimd_probe(&a, r->before * 1000, 2 * SECOND);
        over.acked_bps = r->arrives * 1000;
        rtc_bwe_aimd_update(&a, &over, 2 * SECOND + r->after_us);
        CHECK_INT(r->want, a.bps / 1000);
    }
}

TEST(rtc_bwe_probe, measures_what_fits) {
    static const struct {
        const char *name;
        uint64_t bps, fits_bps; /* asked, and what the way takes */
        unsigned lost_nth;      /* 0 = none */
        enum rtc_bwe_probe_end want;
        uint64_t want_bps;
    } rows[] = {
        { "all fits", 1000000, 9000000, 0, RTC_BWE_PROBE_FITS, 1000000 },
        { "half fits", 1000000, 500000, 0, RTC_BWE_PROBE_FULL, 475000 },
        { "all fits, a tenth is lost", 1000000, 9000000, 10, RTC_BWE_PROBE_FITS, 900000 },
        { "too much is lost", 1000000, 9000000, 3, RTC_BWE_PROBE_FAILED, 0 },
        { "slow", 60000, 9000000, 0, RTC_BWE_PROBE_FITS, 60000 },
        { "fast", 8000000, 4000000, 0, RTC_BWE_PROBE_FULL, 3800000 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_bwe_probe p = { 0 };
        int64_t now = SECOND, busy = now;
        CHECK_INT(0, rtc_bwe_probe_due(&p, now));
        rtc_bwe_probe_begin(&p, &(struct rtc_bwe_probe_plan){ .bps = r->bps }, now);
        struct rtc_twcc_result sent[300];
        unsigned n = 0;
        while (rtc_bwe_probe_runs(&p) && n < COUNT_OF(sent)) {
            while (rtc_bwe_probe_due(&p, now) > 0) {
                busy = (busy > now ? busy : now) + (int64_t)(290U * 8 * SECOND / r->fits_bps);
                bool lost = r->lost_nth > 0 && n % r->lost_nth == 1;
                sent[n] = (struct rtc_twcc_result){
                    .sent_us = now, .arrived_us = busy, .size = 290, .received = !lost
                };
                sent[n].tag = rtc_bwe_probe_sent(&p, 290, now);
                CHECK(sent[n++].tag != 0);
            }
            now += 2 * MS;
        }
        CHECK_INT(0, rtc_bwe_probe_sent(&p, 290, now));
        uint64_t bps = 0;
        CHECK_INT(RTC_BWE_PROBE_WAITS, rtc_bwe_probe_end(&p, now, &bps));
        for (unsigned i = 0; i < n; i++) {
            rtc_bwe_probe_result(&p, &sent[i]);
        }
        CHECK_INT(r->want, rtc_bwe_probe_end(&p, now + 300 * MS, &bps));
        CHECK(r->want == RTC_BWE_PROBE_FAILED || near(r->want_bps, bps, 12));
        CHECK_INT(RTC_BWE_PROBE_WAITS, rtc_bwe_probe_end(&p, now + 300 * MS, &bps));
        CHECK(!rtc_bwe_probe_pends(&p));
    }
}

/* Heads take more of small packets than of large ones, and of the way all the same. */
TEST(rtc_bwe_probe, what_small_packets_say_of_large_ones) {
    static const struct {
        const char *name;
        size_t size;
        uint16_t usual;
        int64_t least_us;
        unsigned want_kbps; /* of 1,000 that are asked for and fit */
    } rows[] = {
        { "as large", 1000, 1000, 0, 1000 },
        { "smaller", 200, 1000, 0, 1109 },
        { "smaller than usual ones, which are small", 200, 400, 0, 1065 },
        { "larger", 1200, 200, 0, 898 },
        { "and for longer", 1000, 1000, 100 * MS, 1000 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_bwe_probe p = { 0 };
        const struct rtc_bwe_probe_plan plan = {
            .bps = 1000000, .usual = r->usual, .least_us = r->least_us
        };
        int64_t now = SECOND;
        rtc_bwe_probe_begin(&p, &plan, now);
        while (rtc_bwe_probe_runs(&p)) {
            uint16_t tag = rtc_bwe_probe_sent(&p, r->size, now);
            struct rtc_twcc_result result = { .sent_us = now,
                .arrived_us = now,
                .size = (uint16_t)r->size,
                .tag = tag,
                .received = true };
            rtc_bwe_probe_result(&p, &result);
            now += (int64_t)r->size * 8;
        }
        uint64_t bps = 0;
        CHECK(now - SECOND >= r->least_us);
        CHECK_INT(RTC_BWE_PROBE_FITS, rtc_bwe_probe_end(&p, now, &bps));
        CHECK(near(r->want_kbps * 1000, bps, 1));
    }
}

TEST(rtc_bwe_probe, gives_up_without_packets_or_reports) {
    struct rtc_bwe_probe p = { 0 };
    uint64_t bps;
    rtc_bwe_probe_begin(&p, &(struct rtc_bwe_probe_plan){ .bps = 1000000 }, SECOND);
    CHECK_INT(RTC_BWE_PROBE_WAITS, rtc_bwe_probe_end(&p, SECOND + RTC_BWE_PROBE_WAIT_US, &bps));
    CHECK_INT(
        RTC_BWE_PROBE_FAILED, rtc_bwe_probe_end(&p, SECOND + RTC_BWE_PROBE_WAIT_US + 1, &bps));
    ROW("and a burst ends, however high its rate");
    rtc_bwe_probe_begin(&p, &(struct rtc_bwe_probe_plan){ .bps = UINT32_MAX }, 9 * SECOND);
    unsigned n = 0;
    while (rtc_bwe_probe_sent(&p, 100, 9 * SECOND) != 0) {
        n++;
    }
    CHECK_INT(RTC_BWE_PROBE_PACKETS_MOST, n);
}

/* Bytes that a receiver's estimate asks for, in packets of 290. */
static int64_t pad(struct rtc_bwe_remb *r, uint64_t useful_bps, int64_t from_us, int64_t for_us) {
    int64_t bytes = 0;
    for (int64_t now = from_us; now < from_us + for_us; now += 20 * MS) {
        (void)rtc_bwe_remb_tick(r, useful_bps, now);
        for (; r->due > 0; bytes += 290) {
            rtc_bwe_remb_padded(r, 290, now);
        }
    }
    return bytes;
}

TEST(rtc_bwe_remb, adds_up_to_what_is_said_while_there_is_more) {
    static const struct {
        const char *name;
        uint64_t says, useful, spent, want; /* kbit/s */
    } rows[] = {
        { "what the videos leave", 300, 1000, 200, 100 },
        { "all are paused", 60, 1000, 0, 60 },
        { "they leave nothing", 300, 1000, 310, 0 },
        { "all there is is sent", 300, 1000, RTC_BWE_NONE / 1000, 0 },
        { "nothing more is of use", 1000, 1000, 200, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_bwe_remb remb = { .spent_bps = r->spent * 1000 };
        rtc_bwe_remb_take(&remb, r->says * 1000, SECOND);
        (void)pad(&remb, r->useful * 1000, SECOND, 4 * SECOND);
        int64_t bytes = pad(&remb, r->useful * 1000, 5 * SECOND, 4 * SECOND);
        int64_t want = (int64_t)r->want * 500; /* in four seconds */
        CHECK(bytes > want - 290 && bytes < want + 290);
        ROW("it does not hold for ever");
        int64_t late = SECOND + RTC_BWE_REMB_US;
        CHECK(rtc_bwe_remb_bps(&remb, late) == RTC_BWE_NONE);
        CHECK(rtc_bwe_remb_tick(&remb, r->useful * 1000, late) == INT64_MAX);
    }
}

TEST(rtc_bwe_remb, rests_after_a_fall_and_longer_where_it_gets_no_further) {
    static const int64_t rests[] = { 1, 2, 4, 4 };
    struct rtc_bwe_remb remb = { .spent_bps = 200000 };
    int64_t now = SECOND;
    rtc_bwe_remb_take(&remb, 300000, now);
    CHECK_INT(now + SECOND, rtc_bwe_remb_tick(&remb, 1000000, now));
    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        rtc_bwe_remb_take(&remb, 300000, now += 9 * SECOND);
        CHECK(pad(&remb, 1000000, now, 2 * SECOND) > 0);
        rtc_bwe_remb_take(&remb, 250000, now += 2 * SECOND);
        CHECK_INT(0, pad(&remb, 1000000, now, rests[i] * SECOND));
        CHECK(pad(&remb, 1000000, now + rests[i] * SECOND, 2 * SECOND) > 0);
    }
    ROW("it got further");
    rtc_bwe_remb_take(&remb, 400000, now += 9 * SECOND);
    rtc_bwe_remb_take(&remb, 250000, now += SECOND);
    CHECK_INT(now + SECOND, rtc_bwe_remb_tick(&remb, 1000000, now));
    ROW("where none can be sent, it is tried again later");
    now += 2 * SECOND;
    CHECK_INT(now + 20 * MS, rtc_bwe_remb_tick(&remb, 1000000, now));
    rtc_bwe_remb_padded(&remb, 0, now);
    CHECK_INT(now + SECOND, rtc_bwe_remb_tick(&remb, 1000000, now));
}

/* Reports of a queue and of what arrives, ten a second. */
static void stands(struct rtc_bwe_rival *r, int64_t queue_us, uint64_t bps, int64_t *now_us) {
    for (unsigned i = 0; i <= RTC_BWE_RIVAL_WINDOW_US / (100 * MS); i++) {
        rtc_bwe_rival_note(r, queue_us, bps, *now_us);
        *now_us += 100 * MS;
    }
}

TEST(rtc_bwe_rival, a_queue_that_stands_though_less_is_sent) {
    static const struct {
        const char *name;
        int64_t queue_ms, then_ms;
        uint64_t then_bps;
        bool tried;
        enum rtc_bwe_rival_state want;
    } rows[] = {
        { "no queue", 10, 10, 400000, false, RTC_BWE_RIVAL_WATCH },
        { "ours: it empties", 300, 100, 200000, true, RTC_BWE_RIVAL_WATCH },
        { "another's", 300, 300, 200000, true, RTC_BWE_RIVAL_THERE },
        { "another's, that grows", 300, 500, 200000, true, RTC_BWE_RIVAL_THERE },
        { "less could not be sent", 300, 300, 400000, true, RTC_BWE_RIVAL_WATCH },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_bwe_rival rival = { 0 };
        int64_t now_us = SECOND;
        stands(&rival, r->queue_ms * MS, 400000, &now_us);
        CHECK_INT(400000, rtc_bwe_rival_bps(&rival, 400000) / (r->tried ? 70 : 100) * 100);
        stands(&rival, r->then_ms * MS, r->then_bps, &now_us);
        CHECK_INT(r->want, rival.state);
    }
    ROW("empty before the time is over");
    struct rtc_bwe_rival rival = { 0 };
    int64_t now_us = SECOND;
    stands(&rival, 300 * MS, 400000, &now_us);
    CHECK_INT(RTC_BWE_RIVAL_TRY, rival.state);
    CHECK_INT(100000, rtc_bwe_rival_bps(&rival, 100000));
    rtc_bwe_rival_note(&rival, 10 * MS, 280000, now_us);
    CHECK_INT(RTC_BWE_RIVAL_WATCH, rival.state);
    ROW("another's, and asked again after a while");
    rival = (struct rtc_bwe_rival){ 0 };
    stands(&rival, 300 * MS, 400000, &now_us);
    stands(&rival, 300 * MS, 200000, &now_us);
    CHECK_INT(RTC_BWE_RIVAL_THERE, rival.state);
    rtc_bwe_rival_note(&rival, 0, 200000, now_us + RTC_BWE_RIVAL_US);
    CHECK_INT(RTC_BWE_RIVAL_WATCH, rival.state);
}
