/*
 * What a track sends of each of its layers: bits per second, by temporal layers.
 *
 * A tier is what a listener can choose for the size of the picture: a layer of simulcast, or a
 * spatial layer within one stream.  Thread: the room's worker; pure.
 */
#ifndef SFU_RATES_H
#define SFU_RATES_H

#include "sfu/allocator.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFU_RATES_US  1000000 /* a look takes what came in at least so long */
#define SFU_RATES_TAG 16      /* bytes that a packet grows by when it is sealed */
#define SFU_LIVE_US   1000000 /* a tier from which nothing came for so long is not being sent */

/** Zero it to begin. */
struct sfu_rates {
    uint32_t octets[SFU_TIERS_MAX][SFU_TEMPORALS_COUNT]; /* since the last look */
    uint32_t bps[SFU_TIERS_MAX][SFU_TEMPORALS_COUNT];    /* smoothed; 0 = nothing */
    int64_t latest_us[SFU_TIERS_MAX];                    /* when the newest packet came; 0 = none */
    int64_t since_us;
    bool known; /* something has been looked at */
};

/** A packet came, of so many bytes as it is read. */
static inline void sfu_rates_note(
    struct sfu_rates *r, unsigned tier, unsigned temporal, size_t len, int64_t now_us) {
    unsigned t = temporal < SFU_TEMPORALS_COUNT ? temporal : SFU_TEMPORALS_COUNT - 1;
    r->latest_us[tier] = now_us;
    r->octets[tier][t] += (uint32_t)(len + SFU_RATES_TAG);
}

/** Takes the rates anew, where the last time was long enough ago. */
void sfu_rates_look(struct sfu_rates *r, int64_t now_us);

/** A bit for each tier that is being sent. */
unsigned sfu_rates_live(const struct sfu_rates *r, int64_t now_us);

/** The rates of the tiers that are sent; where none is known yet, what the publisher announced,
 * `announced` for SFU_TIERS_MAX tiers, and, where that is 0, what is usual. */
void sfu_rates_supply(const struct sfu_rates *r, const uint32_t *announced, struct sfu_supply *ret);

#endif
