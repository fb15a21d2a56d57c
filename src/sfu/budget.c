/* What is known of a transport's room, as one number. */
#include "sfu/budget.h"

#include "rtc/bwe.h"
#include "sfu/padding.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <stddef.h>

#define PERCENT 100

_Static_assert(SFU_BUDGET_UNKNOWN == RTC_BWE_NONE, "passed on as it is");

uint64_t sfu_transport_budget(const struct sfu_transport *t, int64_t now_us) {
    return t->budget.bwe == NULL ? SFU_BUDGET_UNKNOWN : rtc_bwe_bps(t->budget.bwe, now_us);
}

uint64_t sfu_transport_lasting(const struct sfu_transport *t, int64_t now_us) {
    return t->budget.bwe == NULL ? SFU_BUDGET_UNKNOWN : rtc_bwe_lasting_bps(t->budget.bwe, now_us);
}

static struct rtc_bwe_view view_of(const struct sfu_transport *t) {
    struct rtc_bwe_view view = { .rtt_us = 0 };
    if (t->budget.bwe != NULL) {
        rtc_bwe_look(t->budget.bwe, &view);
    }
    return view;
}

int64_t sfu_transport_rtt_us(const struct sfu_transport *t) {
    return view_of(t).rtt_us;
}

bool sfu_transport_is_full(const struct sfu_transport *t) {
    struct rtc_bwe_view view = view_of(t);
    return view.rtt_us == 0 || view.queue_us > SFU_FULL_US; /* no RTT: there are no reports */
}

/* The room that is looked for: heads, and the margin without which nothing rises. */
static uint64_t room_for(uint64_t bps) {
    return bps / PERCENT * (PERCENT + SFU_BUDGET_MARGIN_PERCENT);
}

static bool worth_telling(uint64_t told_bps, uint64_t now_bps) {
    uint64_t step = told_bps / PERCENT * SFU_BUDGET_STEP_PERCENT;
    return now_bps < told_bps || now_bps - told_bps > step;
}

static void look(struct sfu_transport *t, int64_t now_us) {
    struct sfu_budget *b = &t->budget;
    uint64_t bps = sfu_transport_budget(t, now_us);
    bool first = b->told_bps == 0 && bps == SFU_BUDGET_UNKNOWN; /* as from the beginning */
    if (!first && worth_telling(b->told_bps, bps)) {
        t->worker->stats.estimates_cut += bps < b->told_bps;
        b->told_bps = bps;
        bool all = bps == SFU_BUDGET_UNKNOWN;
        media_transport_pace(t->media, all ? 0 : bps / PERCENT * SFU_PACE_PERCENT);
        if (b->changed != NULL) {
            b->changed(t, now_us);
        }
    }
}

/* --- time --- */

static void due(struct wheel_timer *timer, int64_t now_us) {
    struct sfu_transport *t =
        (struct sfu_transport *)((char *)timer - offsetof(struct sfu_transport, budget.timer));
    int64_t next_us = rtc_bwe_tick(t->budget.bwe, now_us);
    size_t bytes = rtc_bwe_padding(t->budget.bwe, now_us);
    if (bytes > 0) {
        /* For who reports on numbers, these say better whether anything can be added. */
        bool rests = view_of(t).rtt_us == 0 && sfu_share_waits_long(t);
        rtc_bwe_padded(t->budget.bwe, rests ? 0 : sfu_padding_send(t, bytes), now_us);
    }
    look(t, now_us);
    if (next_us != INT64_MAX) {
        /* What was padded now is counted when it leaves: not before it has, the next. */
        int64_t least_us = now_us + SFU_PADDING_EVERY_US;
        wheel_arm(&t->worker->media->wheel, timer, next_us > least_us ? next_us : least_us, due);
    }
}

static void wake(struct sfu_transport *t) {
    struct media_worker *m = t->worker->media;
    wheel_arm(&m->wheel, &t->budget.timer, m->now_us + SFU_PADDING_EVERY_US, due);
}

void sfu_transport_could_use(struct sfu_transport *t, uint64_t bps, uint64_t spent_bps) {
    struct sfu_budget *b = &t->budget;
    if (b->bwe != NULL) {
        rtc_bwe_spends(b->bwe, spent_bps < bps ? spent_bps : RTC_BWE_NONE);
    }
    if (b->bwe != NULL && b->useful_bps != bps) {
        rtc_bwe_useful(b->bwe, room_for(bps));
        wake(t);
    }
    b->useful_bps = bps;
}

/* --- what is heard --- */

static enum err begin(struct sfu_budget *b) {
    if (b->bwe == NULL) {
        TRY(rtc_bwe_create(&b->bwe));
        rtc_bwe_useful(b->bwe, room_for(b->useful_bps));
    }
    return OK;
}

enum err sfu_budget_estimate(struct sfu_transport *t) {
    TRY(begin(&t->budget));
    media_transport_count(t->media, t->budget.bwe);
    return OK;
}

void sfu_budget_finish(struct sfu_transport *t) {
    wheel_disarm(&t->worker->media->wheel, &t->budget.timer);
    rtc_bwe_destroy(t->budget.bwe);
    t->budget.bwe = NULL;
}

void sfu_budget_feedback(struct sfu_transport *t, struct cur fci, int64_t now_us) {
    if (t->budget.bwe != NULL && rtc_bwe_feedback(t->budget.bwe, fci, now_us)) {
        t->worker->stats.estimates++;
        look(t, now_us);
        wake(t);
    }
}

void sfu_budget_remb(struct sfu_transport *t, uint64_t bps, int64_t now_us) {
    if (begin(&t->budget) == OK) { /* without memory, there is no bound */
        t->worker->stats.estimates++;
        rtc_bwe_remb(t->budget.bwe, bps, now_us);
        look(t, now_us);
        wake(t);
    }
}
