/* Octets over time. */
#include "sfu/rates.h"

#define BITS 8

/* The first window after a pause says little (a key frame, half a second): so half of each. */
static uint32_t smooth(uint32_t before, uint64_t now) {
    uint64_t both = before == 0 ? now : (before + now + 1) / 2;
    return both > UINT32_MAX ? UINT32_MAX : (uint32_t)both;
}

void sfu_rates_look(struct sfu_rates *r, int64_t now_us) {
    int64_t us = now_us - r->since_us;
    if (r->since_us == 0) {
        r->since_us = now_us;
    }
    if (r->since_us == now_us || us < SFU_RATES_US) {
        return;
    }
    for (unsigned i = 0; i < SFU_TIERS_MAX; i++) {
        for (unsigned t = 0; t < SFU_TEMPORALS_COUNT; t++) {
            uint64_t now = (uint64_t)r->octets[i][t] * BITS * SFU_RATES_US / (uint64_t)us;
            r->bps[i][t] = now == 0 ? 0 : smooth(r->bps[i][t], now);
            r->octets[i][t] = 0;
        }
    }
    r->since_us = now_us;
    r->known = true;
}

unsigned sfu_rates_live(const struct sfu_rates *r, int64_t now_us) {
    unsigned live = 0;
    for (unsigned i = 0; i < SFU_TIERS_MAX; i++) {
        live |= (unsigned)(r->latest_us[i] != 0 && now_us - r->latest_us[i] < SFU_LIVE_US) << i;
    }
    return live;
}

void sfu_rates_supply(
    const struct sfu_rates *r, const uint32_t *announced, struct sfu_supply *ret) {
    static const uint32_t usual[SFU_TIERS_MAX] = { 150000, 500000, 1700000 }; /* livekit-client */
    for (unsigned i = 0; i < SFU_TIERS_MAX; i++) {
        uint64_t sum = 0;
        for (unsigned t = 0; t < SFU_TEMPORALS_COUNT; t++) {
            ret->bps[i][t] = r->bps[i][t];
            sum += r->bps[i][t];
        }
        if (sum == 0) {
            ret->bps[i][0] = announced[i] != 0 ? announced[i] : usual[i];
        }
    }
}
