/*
 * What the rows of calls/legacy_rules do beside moving the state. All have the form of
 * call_rule.effect: ERR_NOMEM only. Those marked (moves) enter the state themselves, because it
 * follows from the input.  Thread: main.
 */
#ifndef CALLS_LEGACY_EFFECTS_H
#define CALLS_LEGACY_EFFECTS_H

#include "calls/session.h"

#define LEGACY_STUB_MS   (60 * INT64_C(1000)) /* 2.6: a stub waits so long for its invite */
#define LEGACY_SELECT_MS (30 * INT64_C(1000)) /* 2.6: an answer, for its select_answer */

typedef enum err call_legacy_effect(
    struct call_batch *b, struct call_session *s, const struct call_input *in);

/* legacy_begin */
call_legacy_effect call_legacy_invite;          /* (moves) rings, then replays what a stub kept */
call_legacy_effect call_legacy_historic_invite; /* (moves) written as missed, then the replay */
call_legacy_effect call_legacy_conflict;
call_legacy_effect call_legacy_stub; /* first sign of a call whose invite was not seen */
call_legacy_effect call_legacy_stub_answer;
call_legacy_effect call_legacy_stub_more;
call_legacy_effect call_legacy_stub_hangup;  /* (moves) */
call_legacy_effect call_legacy_stub_timeout; /* (moves) */
call_legacy_effect call_legacy_fill_invite;  /* the invite of a call that is over already */

/* legacy_answer */
call_legacy_effect call_legacy_answer;
call_legacy_effect call_legacy_answer_selected; /* version 0, or chosen before it was seen */
call_legacy_effect call_legacy_fill_answer;     /* active: the chosen answer comes late */
call_legacy_effect call_legacy_answer_too_late; /* active: another device answered first */
call_legacy_effect call_legacy_select_early; /* ringing: chosen, the answer is still on its way */
call_legacy_effect call_legacy_select;
call_legacy_effect call_legacy_select_unseen;
call_legacy_effect call_legacy_assume;
call_legacy_effect call_legacy_reopen;
call_legacy_effect call_legacy_late_answer; /* over: fills in what is missing */

/* legacy_end */
call_legacy_effect call_legacy_reject;         /* (moves) */
call_legacy_effect call_legacy_hangup_ringing; /* (moves) */
call_legacy_effect call_legacy_hangup_talking; /* (moves) */
call_legacy_effect
    call_legacy_settle; /* (moves) missed by the timer, but refused or called off before */
call_legacy_effect call_legacy_ring_again; /* (moves) the only answer was taken back */
call_legacy_effect call_legacy_party_left;
call_legacy_effect
    call_legacy_answers_left; /* answered: a user with answers leaves the room, others stay */
call_legacy_effect call_legacy_left_room;    /* (moves) */
call_legacy_effect call_legacy_ring_timeout; /* (moves) */
call_legacy_effect call_legacy_expire;       /* (moves) */
call_legacy_effect call_legacy_end_by_admin; /* (moves) */

/* legacy_media */
call_legacy_effect call_legacy_candidates;
call_legacy_effect call_legacy_renegotiate;
call_legacy_effect call_legacy_media_state;
call_legacy_effect call_legacy_identity;
call_legacy_effect call_legacy_transfer;

/* legacy_note: rows that only say what was seen */
call_legacy_effect call_legacy_note_protocol_error;
call_legacy_effect call_legacy_note_device_rejected;
call_legacy_effect call_legacy_note_reject_ignored;
call_legacy_effect call_legacy_note_redacted;
call_legacy_effect call_legacy_note_late;

/* Used between them. */
/** How long an invite rings: clamped to 1 s … 10 min, 60 s when it does not say (2.1). */
int64_t call_legacy_lifetime(const struct call_batch *b, const struct call_input *invite);
/** A call whose beginning was not seen began with the earliest event we have of it. */
void call_legacy_note_earlier(struct call_session *s, const struct call_input *in);
/** Ends the call in `to` for `reason`: durations, people, what was kept. */
void call_legacy_finish(struct call_batch *b, struct call_session *s, const struct call_input *in,
    enum call_state to, const char *reason);
/** "call_ended", "call_missed" …: the audit row of a final state. */
const char *call_legacy_final_event(enum call_state to);
/** The sender's party has answered: its row, and an audit row of `type` unless this very event has
 * one (a replay). NULL `ret` = not wanted; *ret NULL when there is no room for the party. */
MUST_CHECK enum err call_legacy_note_answer(struct call_batch *b, struct call_session *s,
    const struct call_input *in, const char *type, struct call_member **ret);
/** Takes over what sdp_stream_metadata says of the sender. */
void call_legacy_take_metadata(struct call_member *m, const struct call_input *in);

#endif
