/*
 * Shares what a subscriber can receive among the videos that it watches.
 *
 * Each video is a ladder: its lowest layer in steps of temporal layers, then the layers above it,
 * each with one half step, up to what the subscriber asked for. Everybody gets the first rung
 * before anybody the second. Then a shared screen gets its highest layer, for what is written there
 * is to be read, and everybody the whole of the lowest layer; what is left goes by rank.
 * Whatever does not fit falls at once. What was not had before is given with a margin, and only
 * when the caller says that it is time to rise.
 *
 * Sound has no ladder: it is always sent.
 *
 * Thread: any; pure.  See: sfu.md, "Correct before fast"; livekit-protocol.md, 5.7, 5.9.
 */
#ifndef SFU_ALLOCATOR_H
#define SFU_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFU_RUNGS_MAX    8  /* four of the lowest layer, two of each of two above */
#define SFU_RISE_PERCENT 10 /* of the whole, that must be left over behind a rise */
#define SFU_RANK_SCREEN  0
#define SFU_RANK_SPEAKER 253
#define SFU_RANK_CAMERA  254
#define SFU_RUNG_NONE    (-1)
#define SFU_TEMPORAL_ALL 7

struct sfu_rung {
    uint32_t bps; /* of all that is sent on this rung; no rung costs less than the one below */
    uint8_t tier, temporal;
};

/* What one video could get, and what it gets. */
struct sfu_claim {
    struct sfu_rung rungs[SFU_RUNGS_MAX]; /* the lowest first */
    uint8_t n_rungs;                      /* up to what is wanted; 0 = needs nothing */
    uint8_t n_lowest;                     /* how many are of the lowest layer */
    uint8_t rank;                         /* lower ones first; equal ones step by step */
    bool may_pause;
    bool fresh;   /* has had nothing yet: need not wait for the time to rise */
    int8_t now;   /* the rung it has; SFU_RUNG_NONE = none */
    int8_t given; /* out: likewise; NONE = paused, or needs nothing */
};

/* What there is to share out. */
struct sfu_purse {
    uint64_t now_bps;
    uint64_t lasting_bps; /* once a queue on the way has emptied: not less than now */
    bool may_rise;        /* it is time for more than they have */
};

/** Gives each claim its rung. What is seen is not paused for what lacks only until a queue has
 * emptied: a pause lasts for seconds. Gives the sum of what was given, which is above what there is
 * now where that keeps the first rungs, or where what may not be paused does not fit. */
uint64_t sfu_allocate(struct sfu_claim *claims, size_t n, struct sfu_purse purse);

/** What all of them would cost at the top of their ladders. */
uint64_t sfu_allocator_all(const struct sfu_claim *claims, size_t n);

/* --- ladders --- */

#define SFU_TIERS_MAX       3 /* layers of simulcast, or spatial layers of one stream */
#define SFU_TEMPORALS_COUNT 4 /* temporal layers counted by themselves */

/* What a track sends. A rate of 0 is not known, or there is no such layer. */
struct sfu_supply {
    /* Of one layer of simulcast, by its temporal layers; or of one spatial layer by itself. */
    uint32_t bps[SFU_TIERS_MAX][SFU_TEMPORALS_COUNT];
    bool stacked; /* spatial layers: each needs those below it */
    uint8_t live; /* a bit a tier */
};

/** The ladder up to a layer and a temporal layer, into the claim. The lowest tier that is sent is
 * always on it. */
void sfu_allocator_ladder(
    const struct sfu_supply *s, unsigned tier, uint8_t temporal, struct sfu_claim *ret);

/** The rung that is this layer or the next below it; the lowest where none is. */
int8_t sfu_allocator_rung(const struct sfu_claim *c, int tier, uint8_t temporal);

#endif
