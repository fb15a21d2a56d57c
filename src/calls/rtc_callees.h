/*
 * Whom a ring calls: the mentioned users, or everybody else who is joined to the room.  Thread:
 * main.
 */
#ifndef CALLS_RTC_CALLEES_H
#define CALLS_RTC_CALLEES_H

#include "calls/rtc_kept.h"

/** Fills ring->callees for a ring in `in`: at most CALL_MENTIONS_MAX, each once, without the
 * sender. Where the room's people are known, only those: nobody is rung by a room they are not in.
 */
MUST_CHECK enum err call_rtc_callees(
    struct call_batch *b, const struct call_input *in, struct call_rtc_ring *ring);
/** They as one text, separated by spaces, for the audit row. */
MUST_CHECK enum err call_rtc_callees_text(
    struct call_batch *b, const struct call_rtc_ring *ring, const char **ret);

#endif
