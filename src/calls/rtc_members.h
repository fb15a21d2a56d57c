/*
 * Members: the first one, others, refreshes, changes, the same user back after a moment, and
 * entries written by somebody else. Guards and effects of IN_MEMBER.  Thread: main.
 */
#ifndef CALLS_RTC_MEMBERS_H
#define CALLS_RTC_MEMBERS_H

#include "calls/session.h"

/* Guards. */
/** A sticky event that a younger one of its key beats: a join older than its leave (3.3). */
bool call_rtc_join_beaten(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** The entry is live and its sender is the same. */
bool call_rtc_refreshes(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** The entry is live and its sender was another: who writes a key is its member (3.2). */
bool call_rtc_takes_over(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** The event is from before the end of its stay, and that end was only assumed, or is what the
 * room's state contradicts: the stay had not ended. */
bool call_rtc_stay_goes_on(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** A user who is not in yet, and for whom there is room. */
bool call_rtc_other_user(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** It rang in vain, and now another user joins after all. */
bool call_rtc_late_answer(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** The call is over, but belongs together with this join: the same user within RTC_REJOIN_MS, or
 * the end was only assumed. */
bool call_rtc_rejoins(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);

/* Effects. */
MUST_CHECK enum err call_rtc_begin(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** Nothing happens when the roster is full (CALL_MEMBERS_MAX). */
MUST_CHECK enum err call_rtc_join(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_answer(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_refresh(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_take_over(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** While it rang: the caller is gone, what is left is another's entry. */
MUST_CHECK enum err call_rtc_take_over_ringing(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_continue_stay(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** Enters CALL_ACTIVE itself, because the marks of how it had ended stay. */
MUST_CHECK enum err call_rtc_resume(
    struct call_batch *b, struct call_session *s, const struct call_input *in);

#endif
