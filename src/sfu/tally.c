/* Differences, never negative. */
#include "sfu/tally.h"

#define BITS     8
#define US_PER_S 1000000

void sfu_tally_packets(
    struct sfu_tally *t, int64_t expected, int64_t lost, struct sfu_window *ret) {
    bool anew = expected < t->expected;
    int64_t came = expected - (anew ? 0 : t->expected);
    int64_t gone = lost - (anew ? 0 : t->lost);
    t->expected = expected;
    t->lost = lost;
    gone = gone < 0 ? 0 : gone > came ? came : gone; /* resends make up for the window before */
    ret->expected = came > UINT32_MAX ? UINT32_MAX : (uint32_t)came;
    ret->lost = gone > UINT32_MAX ? UINT32_MAX : (uint32_t)gone;
}

uint32_t sfu_tally_bps(struct sfu_tally *t, int64_t now_us) {
    int64_t us = t->since_us == 0 ? SFU_STATS_US : now_us - t->since_us;
    uint64_t octets = t->octets - t->octets_before;
    t->since_us = now_us;
    t->octets_before = t->octets;
    if (us <= 0) {
        return 0;
    }
    double bps = (double)octets * BITS * US_PER_S / (double)us;
    return bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps;
}
