/*
 * Reliable messages of a room of the last two seconds: for who came in between.
 * Thread: the room's worker.  See: livekit-protocol.md, 3.9, rule 7.
 */
#ifndef SFU_DATA_CACHE_H
#define SFU_DATA_CACHE_H

#include "core/clock.h"
#include "sfu/events.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFU_DATA_CACHE_US    (2 * SEC_US)
#define SFU_DATA_CACHE_BYTES 100000 /* of a room; LiveKit's own */
#define SFU_DATA_CACHE_MOST  1024   /* messages, so that small ones cost no more than large ones */

struct sfu_data_kept {
    struct sfu_data_kept *next;
    int64_t at_us;
    sfu_id sender; /* the participant, who may have left */
    uint32_t sequence;
    uint32_t len;
    uint8_t data[]; /* as it was forwarded */
};

/* All zero at first. */
struct sfu_data_cache {
    struct sfu_data_kept *oldest, *newest;
    size_t bytes;
    unsigned n;
};

/** Keeps a copy; drops the oldest where there is no room. Larger ones than the cache, and what
 * finds no memory, are not kept. */
void sfu_data_cache_put(struct sfu_data_cache *c, sfu_id sender, uint32_t sequence,
    const uint8_t *data, size_t len, int64_t now_us);
/** Drops what is too old; gives the oldest that is left. Follow `next`. */
const struct sfu_data_kept *sfu_data_cache_look(struct sfu_data_cache *c, int64_t now_us);
void sfu_data_cache_finish(struct sfu_data_cache *c);

#endif
