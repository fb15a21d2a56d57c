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
#include <stddef.h>
#include <stdint.h>

struct sfu_transport;

#define SFU_SHARE_US     500000  /* between two looks while there is a limit */
#define SFU_RISE_US      1000000 /* between two rises */
#define SFU_RISE_LATE_US 3000000 /* from a fall to the next rise: else layers swing to and fro */

/* A pause lasts for seconds, too: what is seen is not paused for a bound that lacks a little of it
 * (congestion lowers it to 85 percent of what comes, which may be less than fits) before that has
 * lasted. */
#define SFU_PATIENCE_US      4000000
#define SFU_PATIENCE_PERCENT 130

/* A way that loses because it is full must not be filled with what was lost on it: there, resends
 * get what the videos leave of the budget, and so much of it at least. Where nothing waits on the
 * way, it loses by itself, and they get as much as the whole budget. */
#define SFU_RESEND_PERCENT 20
/* Where an answer takes so much longer than over the empty way, resends get what is left and no
 * more: what was lost there was too much, and so is sending it again. Nor is anything added. */
#define SFU_WAITS_LONG_US   150000
#define SFU_RESEND_BURST_US 200000 /* they come in bursts: an RTT's, or those of a lost picture */

/** Lies in the transport; zeroed = nothing limits it. */
struct sfu_share {
    int64_t next_us;      /* of the next look; while limited */
    int64_t rise_us;      /* not before then */
    int64_t short_us;     /* since when there is less than what is seen needs; 0 = there is not */
    int64_t resent_us;    /* what was resent is made up for then */
    uint64_t spent_bps;   /* on videos */
    int64_t rtt_us;       /* of the latest answer; 0 = not known */
    int64_t rtt_least_us; /* about: the empty way's */
    bool limited;
};

/** Shares out now. A sfu_budget_fn. */
void sfu_share_now(struct sfu_transport *t, int64_t now_us);
/** Layers or wishes have changed: shares out within the turn, where there is a limit. */
void sfu_share_touch(struct sfu_transport *t);
/** Is there room for a resend? `past`: of a layer that was left at a key frame; what came before
 * that is not needed where there is no room for all. */
bool sfu_share_may_resend(const struct sfu_transport *t, bool past, int64_t now_us);
/** One of so many bytes leaves. */
void sfu_share_resent(struct sfu_transport *t, size_t bytes, int64_t now_us);
/** An answer took so long, from a report to its echo. */
void sfu_share_answered(struct sfu_transport *t, int64_t rtt_us);
/** Do packets wait long on the way, as answers tell? Those come every few seconds. */
bool sfu_share_waits_long(const struct sfu_transport *t);
/** When it is due; gives when to call again, INT64_MAX without a limit. */
int64_t sfu_share_tick(struct sfu_transport *t, int64_t now_us);

#endif
