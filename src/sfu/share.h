/*
 * What each video of a transport gets of its budget: sfu/allocator, asked whenever the budget, the
 * layers or the wishes change, and every so often since rates and voices do.
 *
 * While nothing limits the transport every wish is granted and nothing is reckoned.
 * Thread: the room's worker.  See: sfu/budget.h.
 */
#ifndef SFU_SHARE_H
#define SFU_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct sfu_transport;

#define SFU_SHARE_US     500000  /* between two looks while there is a limit */
#define SFU_RISE_US      1000000 /* between two rises */
#define SFU_RISE_LATE_US 3000000 /* from a fall to the next rise: else layers swing to and fro */

/** Lies in the transport; zeroed = nothing limits it. */
struct sfu_share {
    int64_t next_us; /* of the next look; while limited */
    int64_t rise_us; /* not before then */
    bool limited;
};

/** Shares out now. A sfu_budget_fn. */
void sfu_share_now(struct sfu_transport *t, int64_t now_us);
/** Layers or wishes have changed: shares out within the turn, where there is a limit. */
void sfu_share_touch(struct sfu_transport *t);
/** When it is due; gives when to call again, INT64_MAX without a limit. */
int64_t sfu_share_tick(struct sfu_transport *t, int64_t now_us);

#endif
