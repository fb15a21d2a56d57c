/*
 * Who is who in a legacy call (matrix-calls 2.4): caller, callee, their parties, the answers. Pure.
 *
 * A party is the pair (user, party_id). Bridges and version 0 send no party_id: an empty one stands
 * for any party of its user.
 */
#ifndef CALLS_LEGACY_PEOPLE_H
#define CALLS_LEGACY_PEOPLE_H

#include "calls/session.h"

#define LEGACY_PARTIES_MAX                                                                         \
    32 /* parties a call; a person has a handful of devices, a stranger could send any number */

/** Sent by the party that sent the invite. */
bool call_legacy_from_caller(const struct call_session *s, const struct call_input *in);
/** Sent by the caller's user, from whichever device. */
bool call_legacy_from_caller_user(const struct call_session *s, const struct call_input *in);
/** Sent by somebody who is neither the caller nor the known callee. */
bool call_legacy_from_bystander(const struct call_session *s, const struct call_input *in);
/** Sent by the party whose answer the caller took. */
bool call_legacy_from_selected(const struct call_session *s, const struct call_input *in);

/** The callee of an invite: invitee, or the other one of two; NULL = unknown. */
const char *call_legacy_callee(const struct call_batch *b, const struct call_input *invite);
/** Do clients ring for calls in this room? Not where anybody may join. */
bool call_legacy_room_rings(const struct call_batch *b, const char *room_id);

/** Is there room for the sender's party? */
bool call_legacy_party_fits(const struct call_session *s, const struct call_input *in);
/** The sender's party, added when it is new; *ret NULL when the call has LEGACY_PARTIES_MAX
 * already. */
MUST_CHECK enum err call_legacy_party(struct call_batch *b, struct call_session *s,
    const struct call_input *in, struct call_member **ret);

/* Answers: parties that answered and are still in. NULL = none. */
struct call_member *call_legacy_answer_of(
    const struct call_session *s, const struct call_input *in);
struct call_member *call_legacy_answer_named(const struct call_session *s, const char *party_id);
struct call_member *call_legacy_first_answer(const struct call_session *s);
bool call_legacy_is_answer(const struct call_member *m);
size_t call_legacy_answers(const struct call_session *s);

#endif
