/*
 * MatrixRTC calls (matrix-calls 3): the door of their half of the machine for calls/batch and
 * calls/session.
 *
 *     rtc          which session an input concerns, and the session's own clock
 *     rtc_rules    the table of 3.5
 *     rtc_members  joining, refreshing, resuming
 *     rtc_leaves   leaving, in all the ways there are
 *     rtc_rings    ring, decline, notification       rtc_callees   whom a ring calls
 *     rtc_hands    raised hands                      rtc_end       final status, duration
 *     rtc_kept     what is remembered beside the row: rings, raised hands
 *     rtc_entry    one entry: newer? only assumed gone? who?
 *
 * How a call looks in its row. Everything is in the row, so a restart changes nothing:
 *
 *     state, end_reason       what is so                           status      final when all left
 *     stub                    a ring was seen, no member           none        -
 *     ringing                 one user is in, and rings            ringing     cancelled
 *     active                  members are in                       active      ended
 *     active, "unanswered"    it rang, nobody came, caller waits   missed      missed
 *     active, "declined"      the one callee declined              rejected    rejected
 *     active, "cancelled"     caller left while ringing, is back   active      cancelled
 *
 * The marks in end_reason go when a second user joins; once two users were in (peak_users), a call
 * is `ended` and nothing else. `answered_at` is the time the second user joined, ring or no ring:
 * talking begins there.
 *
 * A `historic` session comes out of replayed history. Its clock is that of its events: members
 * expire and rings end when a later event says so, not by our timer, which would close it between
 * two transactions of the replay. It is shown (status) once it is over; when events stay away for
 * RTC_HISTORIC_WAIT_MS, the timer closes it after all.  Thread: main.
 */
#ifndef CALLS_RTC_H
#define CALLS_RTC_H

#include "calls/session.h"

#define CALL_MEMBERS_MAX     10000           /* stays; of later ones there is no row */
#define CALL_MENTIONS_MAX    256             /* callees of a ring that are considered */
#define RTC_STUB_MS          INT64_C(60000)  /* 3.5: a ring waits 60 s for its member */
#define RTC_REJOIN_MS        INT64_C(15000)  /* 3.5: a rejoin within 15 s re-opens the session */
#define RTC_REORDER_MS       INT64_C(1000)   /* 3.5: older by more than this is out of order */
#define RTC_OPAQUE_RING_MS   INT64_C(10000)  /* 3.4: a hidden ring comes within 10 s of the join */
#define RTC_OPAQUE_LIFE_MS   INT64_C(30000)  /* 3.4: and lives as long as clients let theirs */
#define RTC_HISTORIC_WAIT_MS INT64_C(600000) /* 1.4: retries come at most 512 s apart */

/** Applies one input of IN_MEMBER … IN_RELATED_OPAQUE to the session it concerns, which is made
 * where the table says so. ERR_NOMEM only. */
MUST_CHECK enum err call_rtc_apply(struct call_batch *b, const struct call_input *in);

/** The public status of a session in `state`; NULL = not shown. Pure. */
const char *call_rtc_status(const struct store_call *row, enum call_state state);
/** When the timer must look at a session that is not over; 0 = never. */
int64_t call_rtc_due(const struct call_session *s);
/** Puts the counters of this half on the metrics page. */
void call_rtc_register_metrics(void);

#endif
