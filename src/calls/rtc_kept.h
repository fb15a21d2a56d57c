/*
 * What an rtc session remembers beside its row, as rows of call_kept_inputs: rings (of a stub:
 * those that wait for their member; of a ringing call: the one that rings, for its end and its
 * callees) and raised hands (their redaction lowers them). Thread: main.
 */
#ifndef CALLS_RTC_KEPT_H
#define CALLS_RTC_KEPT_H

#include "calls/session.h"

#define RTC_KEPT_MAX 64 /* rows a session; 2.6 rule 2. What is beyond is not remembered */

/* A ring, out of its input or out of its row. */
struct call_rtc_ring {
    const char *event_id;
    const char *sender;
    const char *target; /* the member event it points to, or NULL */
    const char *intent; /* or NULL */
    int64_t start_ms;
    int64_t end_ms;
    const char *const *callees; /* at most CALL_MENTIONS_MAX */
    size_t n_callees;
};

/** Remembers a ring; `in` is the input that made it known or tied it. */
MUST_CHECK enum err call_rtc_keep_ring(struct call_batch *b, struct call_session *s,
    const struct call_rtc_ring *ring, const struct call_input *in);
/** The latest ring of `sender` (NULL = of anybody); *found says whether there is one. */
MUST_CHECK enum err call_rtc_kept_ring(struct call_batch *b, const struct call_session *s,
    const char *sender, struct call_rtc_ring *ret, bool *found);
/** Does the latest ring of `sender` wait for the member event `event_id`, which joined at
 * `joined_ms` (call_rtc_ring_ties)? */
bool call_rtc_kept_ties(
    const struct call_session *s, const char *sender, const char *event_id, int64_t joined_ms);
/** Does a ring that starts at `start_ms` belong to a member? It points to the member's event
 * (FluffyChat's never do), or started within RTC_STUB_MS of the join. Pure. */
bool call_rtc_ring_ties(bool points_to_it, int64_t start_ms, int64_t joined_ms);
/** When the kept ring ends; 0 = none. Of several the latest one's. */
int64_t call_rtc_kept_end(const struct call_session *s);
void call_rtc_forget_rings(struct call_session *s);

MUST_CHECK enum err call_rtc_keep_hand(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** Whose hand the reaction `event_id` raised; NULL = none we know. */
const char *call_rtc_kept_hand(const struct call_session *s, const char *event_id);
void call_rtc_forget_hand(struct call_session *s, const char *event_id);
/** A session that is over remembers nothing. */
void call_rtc_forget_all(struct call_session *s);

#endif
