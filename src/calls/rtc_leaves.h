/*
 * Leaving: an entry cleared, redacted, expired or no longer listed, a user who left the room, a
 * slot that was closed.  One predicate says which live stays an input ends; the guards and effects
 * of the table are built on it.  Thread: main.
 */
#ifndef CALLS_RTC_LEAVES_H
#define CALLS_RTC_LEAVES_H

#include "calls/session.h"

/* Guards. */
/** The input ends every live stay / some, but not all. */
bool call_rtc_last_leaves(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
bool call_rtc_some_leave(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** A sticky leave that a younger join beats (3.3). */
bool call_rtc_leave_beaten(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** A leave for a stay whose end we only assumed, from before that. */
bool call_rtc_leave_corrects(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);

/* Effects. */
/** Ends these stays. */
MUST_CHECK enum err call_rtc_leave(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** Ends them and the call (rtc_end). */
MUST_CHECK enum err call_rtc_leave_and_close(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** The stay ended when the leave says, not when we thought. */
MUST_CHECK enum err call_rtc_correct_leave(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** `late_event`: seen, too old to count. */
MUST_CHECK enum err call_rtc_record_late(
    struct call_batch *b, struct call_session *s, const struct call_input *in);

/** Ends one stay because of `in` and says so in the timeline. */
MUST_CHECK enum err call_rtc_end_stay(struct call_batch *b, struct call_session *s,
    struct call_member *m, const struct call_input *in, const char *reason);

void call_rtc_leaves_register_metrics(void);

#endif
