/* Rung by rung. */
#include "sfu/allocator.h"

#define PERCENT 100

/* What is being shared out. */
struct sharing {
    uint64_t spent, budget, rise_budget;
    bool may_rise;
};

static uint32_t cost_of(const struct sfu_claim *c, int rung) {
    return rung < 0 ? 0 : c->rungs[rung].bps;
}

/* One rung more, where it fits. */
static bool lift(struct sfu_claim *c, struct sharing *p) {
    int next = c->given + 1;
    bool rises = next > c->now;
    if (next >= c->n_rungs || (rises && !p->may_rise && !c->fresh)) {
        return false;
    }
    uint64_t spent = p->spent + cost_of(c, next) - cost_of(c, c->given);
    if (spent > (rises ? p->rise_budget : p->budget)) {
        return false;
    }
    p->spent = spent;
    c->given = (int8_t)next;
    return true;
}

/* The next rank behind `after`; false when there is none. */
static bool next_rank(const struct sfu_claim *claims, size_t n, int after, int *ret) {
    int best = UINT8_MAX + 1;
    for (size_t i = 0; i < n; i++) {
        int rank = claims[i].rank;
        best = rank > after && rank < best ? rank : best;
    }
    *ret = best;
    return best <= UINT8_MAX;
}

static int all_rungs(const struct sfu_claim *c) {
    return c->n_rungs;
}

static int lowest_layer(const struct sfu_claim *c) {
    return c->n_lowest;
}

/* To read, pictures must be large, not many. */
static int largest_pictures(const struct sfu_claim *c) {
    int n = c->n_rungs;
    while (n > 1 && c->rungs[n - 2].tier == c->rungs[n - 1].tier) {
        n--;
    }
    return n;
}

static int first_rung(const struct sfu_claim *c) {
    return c->n_rungs > 0 ? 1 : 0;
}

/* Those of a rank step by step, so that equal ones get equal shares. */
static void lift_rank(struct sfu_claim *claims, size_t n, int rank,
    int (*most)(const struct sfu_claim *), struct sharing *p) {
    for (bool any = true; any;) {
        any = false;
        for (size_t i = 0; i < n; i++) {
            struct sfu_claim *c = &claims[i];
            if (c->rank == rank && c->given + 1 < most(c)) {
                any = lift(c, p) || any;
            }
        }
    }
}

static void lift_all(
    struct sfu_claim *claims, size_t n, int (*most)(const struct sfu_claim *), struct sharing *p) {
    for (int rank = -1; next_rank(claims, n, rank, &rank);) {
        lift_rank(claims, n, rank, most, p);
    }
}

uint64_t sfu_allocate(struct sfu_claim *claims, size_t n, struct sfu_purse purse) {
    struct sharing p = { .budget = purse.lasting_bps,
        .rise_budget = purse.now_bps / (PERCENT + SFU_RISE_PERCENT) * PERCENT,
        .may_rise = purse.may_rise };
    for (size_t i = 0; i < n; i++) {
        struct sfu_claim *c = &claims[i];
        c->given = c->may_pause || c->n_rungs == 0 ? SFU_RUNG_NONE : 0;
        p.spent += cost_of(c, c->given);
    }
    lift_all(claims, n, first_rung, &p);
    p.budget = purse.now_bps;
    lift_rank(claims, n, SFU_RANK_SCREEN, largest_pictures, &p);
    lift_all(claims, n, lowest_layer, &p);
    lift_all(claims, n, all_rungs, &p);
    return p.spent;
}

uint64_t sfu_allocator_all(const struct sfu_claim *claims, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += cost_of(&claims[i], claims[i].n_rungs - 1);
    }
    return sum;
}

/* --- ladders --- */

/* Of a tier with its temporal layers up to this one, and, where they are stacked, of those below.
 */
static uint32_t rate_of(const struct sfu_supply *s, unsigned tier, unsigned temporal) {
    uint64_t sum = 0;
    for (unsigned i = s->stacked ? 0 : tier; i <= tier; i++) {
        for (unsigned t = 0; t <= temporal && t < SFU_TEMPORALS_COUNT; t++) {
            sum += s->live >> i & 1 ? s->bps[i][t] : 0;
        }
    }
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static unsigned temporals_of(const struct sfu_supply *s, unsigned tier, uint8_t most) {
    unsigned n = 1;
    for (unsigned t = 1; t < SFU_TEMPORALS_COUNT && t <= most; t++) {
        n = s->bps[tier][t] > 0 ? t + 1 : n;
    }
    return n;
}

static void add_rung(struct sfu_claim *c, uint32_t bps, unsigned tier, unsigned temporal) {
    uint32_t below = c->n_rungs == 0 ? 0 : c->rungs[c->n_rungs - 1].bps;
    c->rungs[c->n_rungs++] = (struct sfu_rung){
        .bps = bps > below ? bps : below, .tier = (uint8_t)tier, .temporal = (uint8_t)temporal
    };
}

void sfu_allocator_ladder(
    const struct sfu_supply *s, unsigned tier, uint8_t temporal, struct sfu_claim *ret) {
    ret->n_rungs = ret->n_lowest = 0;
    for (unsigned i = 0; i < SFU_TIERS_MAX; i++) {
        if (!(s->live >> i & 1) || (i > tier && ret->n_rungs > 0)) {
            continue;
        }
        bool lowest = ret->n_rungs == 0;
        unsigned n = temporals_of(s, i, temporal);
        /* Above the lowest layer less than half the pictures would be worse than the layer below.
         */
        for (unsigned t = lowest || n < 2 ? 0 : n - 2; t < n; t++) {
            add_rung(ret, rate_of(s, i, t), i, t + 1 < n ? t : temporal);
        }
        ret->n_lowest = lowest ? ret->n_rungs : ret->n_lowest;
    }
}

int8_t sfu_allocator_rung(const struct sfu_claim *c, int tier, uint8_t temporal) {
    int8_t rung = 0;
    for (int8_t i = 0; i < (int8_t)c->n_rungs; i++) {
        const struct sfu_rung *r = &c->rungs[i];
        if (r->tier < tier || (r->tier == tier && r->temporal <= temporal)) {
            rung = i;
        }
    }
    return c->n_rungs == 0 ? SFU_RUNG_NONE : rung;
}
