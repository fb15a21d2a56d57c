/* What is known of a transport's room, as one number. */
#include "sfu/budget.h"

#include "sfu/transport.h"

uint64_t sfu_transport_budget(const struct sfu_transport *t, int64_t now_us) {
    const struct sfu_budget *b = &t->budget;
    bool remb = b->remb_us != 0 && now_us - b->remb_us < SFU_REMB_LIVES_US;
    return remb ? b->remb_bps : SFU_BUDGET_UNKNOWN;
}

void sfu_transport_could_use(struct sfu_transport *t, uint64_t bps) {
    t->budget.useful_bps = bps;
}

static bool worth_telling(uint64_t told_bps, uint64_t now_bps) {
    uint64_t step = told_bps / 100 * SFU_BUDGET_STEP_PERCENT;
    return now_bps < told_bps || now_bps - told_bps > step;
}

static void look(struct sfu_transport *t, int64_t now_us) {
    struct sfu_budget *b = &t->budget;
    uint64_t bps = sfu_transport_budget(t, now_us);
    if (worth_telling(b->told_bps, bps)) {
        b->told_bps = bps;
        if (b->changed != NULL) {
            b->changed(t, now_us);
        }
    }
}

void sfu_budget_remb(struct sfu_transport *t, uint64_t bps, int64_t now_us) {
    t->budget.remb_bps = bps;
    t->budget.remb_us = now_us;
    look(t, now_us);
}
