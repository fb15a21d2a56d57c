/*
 * How much video one transport can carry: one number, which sfu/allocator shares among the
 * transport's subscriptions.
 *
 * It counts what crosses the network for video: RTP heads and extensions, payload, SRTP's tag and
 * resends; not UDP and IP, and not audio, which is always sent. A layer that sends 150,000 bits per
 * second of payload needs some 5 percent more.
 *
 * SFU_BUDGET_UNKNOWN means: there is no sign of a limit, every wish may be granted. That is so from
 * the beginning until the subscriber's estimate (REMB) or congestion on the way says otherwise.
 * Then the number falls at once, and grows again as room is found. What is not sent finds no room:
 * so the allocator says what it could use, and empty packets (sfu/padding) try whether it fits.
 *
 * Thread: the room's worker.  See: livekit-protocol.md, 5.5; sfu.md, "Correct before fast".
 */
#ifndef SFU_BUDGET_H
#define SFU_BUDGET_H

#include "core/cur.h"
#include "core/err.h"
#include "core/wheel.h"

#include <stdint.h>

struct rtc_bwe;
struct sfu_transport;

#define SFU_BUDGET_UNKNOWN UINT64_MAX

/* Growth below this is not told: the allocator would look at every packet's worth. A smaller number
 * is told at once. */
#define SFU_BUDGET_STEP_PERCENT 5

/* Of the number, video leaves at: so that a key frame goes out in time, and yet not all at once
 * into the queue of a narrow way, where sound would wait behind it. */
#define SFU_PACE_PERCENT 200

/* What could be used must fit with this to spare: the heads of packets, and what the allocator
 * wants to be left over (SFU_RISE_PERCENT). */
#define SFU_BUDGET_MARGIN_PERCENT 25

/* Packets that wait so long on the way say that it is full: jitter does not show as much
 * (rtc/bwe_queue takes the fastest of a report). */
#define SFU_FULL_US 25000

/** The number has changed (sfu_transport_budget). Called within a turn, at most once for each
 * report of the subscriber; may change subscriptions, may not destroy them or the transport. */
typedef void sfu_budget_fn(struct sfu_transport *t, int64_t now_us);

/** Lies in the transport; zeroed = nothing is known. */
struct sfu_budget {
    sfu_budget_fn *changed; /* the allocator's; NULL = nobody listens */
    uint64_t told_bps;      /* what the allocator was told; 0 = nothing yet */
    uint64_t useful_bps;    /* what it could use */
    struct rtc_bwe *bwe;    /* NULL: nobody has said anything, nor will */
    struct wheel_timer timer;
};

/** Bits per second of video, or SFU_BUDGET_UNKNOWN. */
uint64_t sfu_transport_budget(const struct sfu_transport *t, int64_t now_us);

/** The same, once what waits on the way has left. */
uint64_t sfu_transport_lasting(const struct sfu_transport *t, int64_t now_us);

/** How long an answer takes just now, queues and all; 0 = not known. */
int64_t sfu_transport_rtt_us(const struct sfu_transport *t);
/** Do packets wait on the way? Where nobody can tell, they may. */
bool sfu_transport_is_full(const struct sfu_transport *t);

/**
 * What all its subscriptions would get if there were room for the next step of each (or all they
 * wish, where that is simpler). Above the budget, room is looked for up to this number, and no
 * further; 0 or below the budget, nothing is looked for. And what they have got of it. Cheap: call
 * it whenever the shares change.
 */
void sfu_transport_could_use(struct sfu_transport *t, uint64_t bps, uint64_t spent_bps);

/* --- what it comes from --- */

/** The subscriber reports on transport-wide numbers: they are counted from now on. ERR_NOMEM. */
MUST_CHECK enum err sfu_budget_estimate(struct sfu_transport *t);
/** The transport's packets have left. */
void sfu_budget_finish(struct sfu_transport *t);
/** Its report came. */
void sfu_budget_feedback(struct sfu_transport *t, struct cur fci, int64_t now_us);
/** The subscriber's own estimate came. */
void sfu_budget_remb(struct sfu_transport *t, uint64_t bps, int64_t now_us);

#endif
