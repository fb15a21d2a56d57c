/*
 * One entry of one device: which of two events of it counts, and who it is about.  Pure.  Thread:
 * main.
 */
#ifndef CALLS_RTC_ENTRY_H
#define CALLS_RTC_ENTRY_H

#include "calls/session.h"

/** Are both there and equal? */
bool call_rtc_same(const char *a, const char *b);
bool call_rtc_is_rtc(const struct call_session *s);
/** The stay of the input's entry, live or the last; NULL = none. */
struct call_member *call_rtc_stay(const struct call_session *s, const struct call_input *in);
/** Does `user_id` have a live device in the session? */
bool call_rtc_user_in(const struct call_session *s, const char *user_id);
/** Are two users in, or more? */
bool call_rtc_company(const struct call_session *s);
/** The user's live stay that joined last; NULL = none. */
struct call_member *call_rtc_latest_stay(const struct call_session *s, const char *user_id);
/** Does a live stay of `user_id` hang on this event (its join or its latest)? */
bool call_rtc_owns_event(const struct call_session *s, const char *user_id, const char *event_id);

/** Of two events of a sticky key, does (until, event_id) beat what is known? Higher origin +
 * duration wins, then the greater event id (3.3). */
bool call_rtc_sticky_wins(
    int64_t known_until, const char *known_event, int64_t until, const char *event_id);
/** Is the sticky event of `in` beaten by the one the stay knows? False for the other generations.
 */
bool call_rtc_beaten(const struct call_member *m, const struct call_input *in);
/** Did a state event come after one that is younger by more than RTC_REORDER_MS? Then the room's
 * state must decide. */
bool call_rtc_out_of_order(const struct call_member *m, const struct call_input *in);
/** Has the stay ended without an event that says so: expired, or missing in the room's state? */
bool call_rtc_assumed_gone(const struct call_member *m);

/** What an audit row about a stay has as subject: "@alice:hs/DEVICE", for lists "…/membership id",
 * because there one event may concern several. NULL on no memory. */
const char *call_rtc_subject(struct call_batch *b, const struct store_participant *p);

/** Like call_session_record, for rtc sessions: marks what came too late, and writes a row only once
 * for the same event, type and subject, because one hostile list may name the same device twice.
 * `ret` may be NULL; for a repeat it gets a row that nobody writes. `subject` NULL is ERR_NOMEM:
 * call_rtc_subject had no memory. */
MUST_CHECK enum err call_rtc_record(struct call_batch *b, struct call_session *s, const char *type,
    const struct call_input *in, const char *subject, struct store_event **ret);

#endif
