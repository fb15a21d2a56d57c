/*
 * From counters that only rise to what came since the last look.
 * Thread: the room's worker; pure.
 */
#ifndef SFU_TALLY_H
#define SFU_TALLY_H

#include "sfu/quality.h"

/** Zero it to begin. The owner adds to `octets`. */
struct sfu_tally {
    uint64_t octets, octets_before;
    int64_t expected, lost; /* at the last look */
    int64_t since_us;       /* when that was; 0 = never */
    struct sfu_score score;
};

/** The packets of this window, from totals. A source that began anew counts from its beginning. */
void sfu_tally_packets(struct sfu_tally *t, int64_t expected, int64_t lost, struct sfu_window *ret);
/** Bits a second since the last call; at the first over SFU_STATS_US, so that nothing is lost of
 * what is summed up, however young the stream is. */
uint32_t sfu_tally_bps(struct sfu_tally *t, int64_t now_us);

#endif
