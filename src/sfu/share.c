/* Claims of subscriptions, and what becomes of them. */
#include "sfu/share.h"

#include "core/mem.h"
#include "sfu/allocator.h"
#include "sfu/room.h"
#include "sfu/subscription.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <utlist.h>

#define LEAST_DIVISOR 64

/* --- claims --- */

static uint8_t rank_of(const struct sfu_subscription *s) {
    const struct sfu_track *t = s->track;
    if (s->wanted.priority != 0) {
        return (uint8_t)(s->wanted.priority - 1);
    }
    if (t->config.screen) {
        return SFU_RANK_SCREEN;
    }
    return t->transport->participant->eighths != 0 ? SFU_RANK_SPEAKER : SFU_RANK_CAMERA;
}

static bool is_sent(const struct sfu_subscription *s) {
    return sfu_track_is_video(s->track) && !s->wanted.disabled && !s->track->config.muted &&
           s->track->live != 0;
}

static void claim(const struct sfu_subscription *s, struct sfu_claim *ret) {
    struct sfu_supply supply;
    sfu_track_supply(s->track, &supply);
    *ret = (struct sfu_claim){ .rank = rank_of(s),
        .may_pause = s->wanted.may_pause,
        .fresh = s->fresh,
        .now = SFU_RUNG_NONE };
    sfu_allocator_ladder(&supply, sfu_subscription_wish(s), sfu_selector_fps(&s->wanted), ret);
    if (!s->fresh && !s->paused) {
        ret->now = sfu_allocator_rung(ret, s->allowed.tier, s->allowed.temporal);
    }
}

/* The worker's room for them, grown where it must be. NULL without memory: all stays as it is. */
static struct sfu_claim *claims_of(struct sfu_transport *t, size_t *ret_n) {
    struct sfu_worker *w = t->worker;
    struct sfu_subscription *s = NULL;
    size_t n = 0;
    if (w->claims_cap < t->n_subscriptions) {
        struct sfu_claim *more = mem_realloc(w->claims, t->n_subscriptions * sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        w->claims = more;
        w->claims_cap = t->n_subscriptions;
    }
    DL_FOREACH(t->subscriptions, s) {
        if (is_sent(s)) {
            claim(s, &w->claims[n++]);
        }
    }
    *ret_n = n;
    return w->claims;
}

/* --- what becomes of them --- */

/* Sets when there may be more: soon after a rise, late after a fall. */
static void note_change(struct sfu_share *share, const struct sfu_claim *c, int64_t now_us) {
    int64_t next = c->given < c->now                ? now_us + SFU_RISE_LATE_US
                   : c->given > c->now && !c->fresh ? now_us + SFU_RISE_US
                                                    : 0;
    share->rise_us = next > share->rise_us ? next : share->rise_us;
}

static void grant(struct sfu_subscription *s, const struct sfu_claim *c) {
    if (c->given < 0) {
        sfu_subscription_pause(s);
        return;
    }
    const struct sfu_rung *r = &c->rungs[c->given];
    sfu_subscription_allow(s, (struct sfu_allowance){ (int8_t)r->tier, r->temporal });
}

static void grant_all(struct sfu_transport *t, const struct sfu_claim *claims, int64_t now_us) {
    struct sfu_subscription *s = NULL;
    DL_FOREACH(t->subscriptions, s) {
        if (is_sent(s)) {
            note_change(&t->share, claims, now_us);
            grant(s, claims++);
        }
    }
}

static void free_all(struct sfu_transport *t) {
    struct sfu_subscription *s = NULL;
    DL_FOREACH(t->subscriptions, s) {
        sfu_subscription_allow(s, sfu_allow_all);
    }
}

static uint64_t share_out(
    struct sfu_transport *t, struct sfu_claim *claims, size_t n, uint64_t budget, int64_t now_us) {
    struct sfu_share *share = &t->share;
    uint64_t lasting = sfu_transport_lasting(t, now_us);
    bool patient = share->short_us == 0 || now_us - share->short_us < SFU_PATIENCE_US;
    struct sfu_purse purse = { budget,
        patient && lasting < SFU_BUDGET_UNKNOWN ? lasting / 100 * SFU_PATIENCE_PERCENT : lasting,
        now_us >= share->rise_us };
    uint64_t spent = sfu_allocate(claims, n, purse);
    share->short_us = spent <= lasting ? 0 : share->short_us == 0 ? now_us : share->short_us;
    return spent;
}

void sfu_share_now(struct sfu_transport *t, int64_t now_us) {
    uint64_t budget = sfu_transport_budget(t, now_us);
    bool was_limited = t->share.limited;
    t->share.limited = budget != SFU_BUDGET_UNKNOWN;
    if (!t->share.limited) {
        if (was_limited) {
            free_all(t);
        }
        return;
    }
    size_t n = 0;
    struct sfu_claim *claims = claims_of(t, &n);
    t->share.next_us = now_us + SFU_SHARE_US;
    if (claims != NULL) {
        t->share.spent_bps = share_out(t, claims, n, budget, now_us);
        sfu_transport_could_use(t, sfu_allocator_all(claims, n), t->share.spent_bps);
        grant_all(t, claims, now_us);
    }
    if (!was_limited) {
        sfu_transport_wake(t);
    }
}

void sfu_share_touch(struct sfu_transport *t) {
    if (t->share.limited) {
        t->share.next_us = 0;
        sfu_transport_wake(t);
    }
}

void sfu_share_answered(struct sfu_transport *t, int64_t rtt_us) {
    struct sfu_share *s = &t->share;
    s->rtt_us = rtt_us;
    /* Ways change: the least is forgotten within a few minutes. */
    bool less = s->rtt_least_us == 0 || rtt_us < s->rtt_least_us;
    s->rtt_least_us += less ? rtt_us - s->rtt_least_us : (rtt_us - s->rtt_least_us) / LEAST_DIVISOR;
}

bool sfu_share_waits_long(const struct sfu_transport *t) {
    return t->share.rtt_us - t->share.rtt_least_us > SFU_WAITS_LONG_US;
}

static uint64_t room_for_resends(const struct sfu_transport *t, uint64_t budget) {
    uint64_t share = sfu_share_waits_long(t) ? 0 : budget / 100 * SFU_RESEND_PERCENT;
    uint64_t least = sfu_transport_is_full(t) ? share : budget;
    uint64_t left = budget > t->share.spent_bps ? budget - t->share.spent_bps : 0;
    return (left > least ? left : least) + 1; /* never 0 */
}

bool sfu_share_may_resend(const struct sfu_transport *t, bool past, int64_t now_us) {
    return !t->share.limited || (t->share.resent_us <= now_us + SFU_RESEND_BURST_US &&
                                    !(past && sfu_transport_is_full(t)));
}

void sfu_share_resent(struct sfu_transport *t, size_t bytes, int64_t now_us) {
    struct sfu_share *share = &t->share;
    uint64_t budget = sfu_transport_budget(t, now_us);
    if (budget != SFU_BUDGET_UNKNOWN) {
        int64_t from_us = share->resent_us > now_us ? share->resent_us : now_us;
        share->resent_us = from_us + (int64_t)(bytes * 8000000 / room_for_resends(t, budget));
    }
}

int64_t sfu_share_tick(struct sfu_transport *t, int64_t now_us) {
    if (t->share.limited && now_us >= t->share.next_us) {
        sfu_share_now(t, now_us);
    }
    return t->share.limited ? t->share.next_us : INT64_MAX;
}
