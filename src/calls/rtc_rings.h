/*
 * Ringing: notifications, declines, and what an encrypted room lets one guess of them (3.4).
 * Thread: main.
 */
#ifndef CALLS_RTC_RINGS_H
#define CALLS_RTC_RINGS_H

#include "calls/session.h"

/** When the ring of a ringing session ends. */
int64_t call_rtc_ring_end(const struct call_session *s);

/* Guards. */
/** A ring waits in the stub for this member. */
bool call_rtc_ring_waits(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** The sender is in, and nobody else. */
bool call_rtc_alone(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
bool call_rtc_ring_over(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** The decline is by the only callee of the ring that rings. */
bool call_rtc_callee_declines(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** Something unreadable by a member who just joined, about its own entry: very likely a ring; … and
 * the room has two people. */
bool call_rtc_likely_ring(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
bool call_rtc_likely_ring_of_two(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
/** Something unreadable by another user about the ring, while it lives: very likely a decline; … by
 * the one callee in a room of two. */
bool call_rtc_likely_decline(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);
bool call_rtc_likely_decline_of_two(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in);

/* Effects. */
/** The stub keeps the ring. */
MUST_CHECK enum err call_rtc_stub_ring(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** The first member is there, and its ring was waiting. */
MUST_CHECK enum err call_rtc_begin_ringing(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_start_ring(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** The ring is told, but rings nowhere: others are in, or the call is over. */
MUST_CHECK enum err call_rtc_record_ring(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_ring_missed(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_declined(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_record_decline(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
MUST_CHECK enum err call_rtc_record_notified(
    struct call_batch *b, struct call_session *s, const struct call_input *in);

#endif
