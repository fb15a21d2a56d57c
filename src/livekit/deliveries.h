/*
 * How many rows a room may have of how well each track came to each of those who got it: these are
 * as many as pairs of people. In an hour of a room the first LK_DELIVERIES_AT_ONCE become notes of
 * livekit/witness at once. Of the others the worst LK_DELIVERIES_KEPT are held, and become notes
 * when the hour is over or the room empty; the rest is counted.
 *
 * The worst are those with the largest share of the time in which the picture stood (frozen, or
 * paused), and with the lowest MOS.  Thread: main.
 */
#ifndef LIVEKIT_DELIVERIES_H
#define LIVEKIT_DELIVERIES_H

#include "calls/input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LK_DELIVERIES_AT_ONCE 500 /* in an hour of a room: all pairs of 16 people */
#define LK_DELIVERIES_KEPT    500 /* … and so many more; about 1 KiB each */

struct lk_note;
struct lk_witness;

/** In memory of its owner; zero it to begin, but for `began_us`. */
struct lk_deliveries {
    size_t n;         /* written at once, in this hour */
    int64_t began_us; /* this hour */
    int64_t untold;   /* of this hour */
    size_t n_kept;
    struct lk_kept_delivery *kept; /* a heap: the least bad one is the first */
};
/** What is held is lost. */
void lk_deliveries_finish(struct lk_deliveries *d);

/** Copies. Without memory it is counted as not told. */
void lk_deliveries_add(struct lk_deliveries *d, struct lk_witness *w, const struct call_input *in);
/** Is it time for lk_deliveries_tell? */
bool lk_deliveries_is_over(const struct lk_deliveries *d, int64_t now_us);
/** What is held becomes notes. Gives how many were not told since the last time; a new hour begins
 * at `now_us`. */
int64_t lk_deliveries_tell(struct lk_deliveries *d, struct lk_witness *w, int64_t now_us);

#endif
