/*
 * How an rtc call ends: its final status, its talking time, its last audit row.  Thread: main.
 */
#ifndef CALLS_RTC_END_H
#define CALLS_RTC_END_H

#include "calls/session.h"

/* Marks in end_reason of a call that is still active (rtc.h). */
#define RTC_UNANSWERED "unanswered"
#define RTC_DECLINED   "declined"
#define RTC_CANCELLED  "cancelled"

/** Which final state a call in `state` reaches when its last member leaves (3.5, "Final status").
 * Pure. */
enum call_state call_rtc_final_state(const struct store_call *row, enum call_state state);
/** The mark with which a call of this final state goes on when it is resumed; NULL = none. Pure. */
const char *call_rtc_mark(enum call_state final);

/** Closes the row after the last member left: ended_at, duration, reason; `session_ended` or, for a
 * ringing call, `call_cancelled`; the push; and enters the final state. Forgets what was kept. */
MUST_CHECK enum err call_rtc_close(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** Computes ended_at and duration of a call that is over once more, because a stay of it was
 * corrected. */
void call_rtc_settle_times(struct call_session *s);

/** Effect: the stub's ring found no member. The row stays hidden. */
MUST_CHECK enum err call_rtc_close_stub(
    struct call_batch *b, struct call_session *s, const struct call_input *in);

#endif
