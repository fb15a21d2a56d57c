/*
 * Raised hands, and redactions of what is neither a hand nor a member.  Thread: main.
 */
#ifndef CALLS_RTC_HANDS_H
#define CALLS_RTC_HANDS_H

#include "calls/session.h"

/** Guards: the reaction is on a live member event of its own sender; the redacted event raised a
 * hand. */
bool call_rtc_own_hand(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
bool call_rtc_hand_redacted(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);

/** Effects. */
MUST_CHECK enum err call_rtc_raise_hand(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_lower_hand(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_record_redacted(
    struct call_batch *b, struct call_session *s, const struct call_input *in);

#endif
