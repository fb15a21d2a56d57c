/*
 * The state table of legacy calls: matrix-calls 2.6, row by row. The first row that matches wins,
 * so what is special stands before what is general.  Pure.
 */
#include "calls/legacy_effects.h"
#include "calls/legacy_people.h"
#include "calls/legacy_reasons.h"

#include <string.h>

/* --- guards --- */

#define GUARD(name)                                                                                \
    static bool name(                                                                              \
        const struct call_batch *b, const struct call_session *s, const struct call_input *in)
#define UNUSED(x) (void)(x)

GUARD(fresh) {
    UNUSED(s);
    return in->received_ms - in->sent_ms < call_legacy_lifetime(b, in);
}

GUARD(same_invite) {
    UNUSED(b);
    const char *first = s->row.first_event_id;
    return (first != NULL && in->event_id != NULL && strcmp(first, in->event_id) == 0) ||
           call_legacy_from_caller(s, in);
}

GUARD(unknown_caller) {
    UNUSED(b), UNUSED(in);
    return s->row.caller_user == NULL;
}

GUARD(from_caller) {
    UNUSED(b);
    return call_legacy_from_caller(s, in);
}

GUARD(from_caller_user) {
    UNUSED(b);
    return call_legacy_from_caller_user(s, in);
}

GUARD(from_bystander) {
    UNUSED(b);
    return call_legacy_from_bystander(s, in);
}

GUARD(no_room_for_party) {
    UNUSED(b);
    return !call_legacy_party_fits(s, in);
}

/* The device says that it stops, not that the call is over (2.3: answered_elsewhere). */
GUARD(device_only) {
    UNUSED(b);
    bool caller = call_legacy_from_caller(s, in);
    return call_reason_before_answer(in->legacy.reason, caller) == CALL_SAME;
}

GUARD(version_0) {
    UNUSED(b);
    return s->row.voip_version == 0 || in->legacy.version == 0;
}

/* A select_answer named this party before its answer was seen. */
GUARD(chosen_before) {
    UNUSED(b);
    return s->row.selected_party != NULL && s->row.selected_user == NULL &&
           strcmp(s->row.selected_party, in->legacy.party_id) == 0;
}

GUARD(answered_already) {
    UNUSED(b);
    const struct call_member *m = call_session_find_party(s, in->sender, in->legacy.party_id);
    return m != NULL && call_legacy_is_answer(m);
}

GUARD(chooses_known) {
    return from_caller(b, s, in) && in->legacy.selected_party_id != NULL &&
           call_legacy_answer_named(s, in->legacy.selected_party_id) != NULL;
}

GUARD(chooses_unknown) {
    return from_caller(b, s, in) && in->legacy.selected_party_id != NULL;
}

GUARD(chooses_again) {
    return from_caller(b, s, in) && in->legacy.selected_party_id != NULL &&
           s->row.selected_party != NULL &&
           strcmp(s->row.selected_party, in->legacy.selected_party_id) == 0;
}

GUARD(only_answer_taken_back) {
    return device_only(b, s, in) && call_legacy_answers(s) == 1 &&
           call_legacy_answer_of(s, in) != NULL;
}

GUARD(ends_answered) {
    if (device_only(b, s, in)) {
        return false;
    }
    return from_caller(b, s, in) ||
           (call_legacy_answers(s) == 1 && call_legacy_answer_of(s, in) != NULL);
}

GUARD(ends_active) {
    bool caller = call_legacy_from_caller(s, in);
    UNUSED(b);
    return call_reason_after_answer(in->legacy.reason, caller) == CALL_ENDED &&
           (caller || call_legacy_from_selected(s, in));
}

static bool is_user(const char *have, const char *user_id) {
    return have != NULL && strcmp(have, user_id) == 0;
}

GUARD(caller_or_callee_left) {
    UNUSED(b);
    return is_user(s->row.caller_user, in->room.user_id) ||
           is_user(s->row.callee_user, in->room.user_id);
}

GUARD(talker_left) {
    UNUSED(b);
    const char *other = s->row.selected_user != NULL ? s->row.selected_user : s->row.callee_user;
    return is_user(s->row.caller_user, in->room.user_id) || is_user(other, in->room.user_id);
}

static size_t answers_by(const struct call_session *s, const char *user_id) {
    size_t n = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        n += call_legacy_is_answer(m) && strcmp(m->row.user_id, user_id) == 0;
    }
    return n;
}

GUARD(caller_or_last_answer_left) {
    UNUSED(b);
    size_t n = answers_by(s, in->room.user_id);
    return is_user(s->row.caller_user, in->room.user_id) || (n > 0 && n == call_legacy_answers(s));
}

GUARD(some_answer_left) {
    UNUSED(b);
    return answers_by(s, in->room.user_id) > 0;
}

GUARD(before_final) {
    UNUSED(b);
    return in->origin_ms < s->row.final_origin_at && call_legacy_party_fits(s, in) &&
           !call_legacy_from_caller(s, in);
}

GUARD(fills_answer) {
    const struct call_member *m = call_session_find_party(s, in->sender, in->legacy.party_id);
    return before_final(b, s, in) && (m == NULL || m->row.answered_at == 0);
}

GUARD(by_other_party) {
    UNUSED(b);
    return call_legacy_party_fits(s, in) && !call_legacy_from_caller(s, in);
}

/* Missed by the timer, and only now it is seen that the callee refused or that somebody hung up
 * while it rang. */
GUARD(settles) {
    UNUSED(b);
    if (in->origin_ms >= s->row.final_origin_at || call_legacy_from_bystander(s, in)) {
        return false;
    }
    bool caller = call_legacy_from_caller(s, in);
    if (in->type == IN_REJECT || !caller) {
        return !call_legacy_from_caller_user(s, in) &&
               (in->type == IN_REJECT ||
                   call_reason_before_answer(in->legacy.reason, caller) != CALL_SAME);
    }
    return true;
}

/* --- the table --- */

#define NONE     STATE_BIT(CALL_NONE)
#define STUB     STATE_BIT(CALL_STUB)
#define RINGING  STATE_BIT(CALL_RINGING)
#define ANSWERED STATE_BIT(CALL_ANSWERED)
#define ACTIVE   STATE_BIT(CALL_ACTIVE)
#define ENDED    STATE_BIT(CALL_ENDED)
#define REJECTED STATE_BIT(CALL_REJECTED)
#define MISSED   STATE_BIT(CALL_MISSED)
#define CANCELED STATE_BIT(CALL_CANCELLED)
#define TALKING  (ANSWERED | ACTIVE)
#define LIVE     (RINGING | TALKING)
#define FINAL    STATES_FINAL
#define SAME     CALL_SAME

/* clang-format off */
const struct call_rule call_rules_legacy[] = {
    /* from, input, guard, to, effect, name */

    /* The invite. */
    { NONE | STUB, IN_INVITE, fresh,          SAME, call_legacy_invite,          "legacy: none or stub, invite" },
    { NONE | STUB, IN_INVITE, NULL,           SAME, call_legacy_historic_invite, "legacy: none or stub, invite older than its lifetime" },
    { ENDED,       IN_INVITE, unknown_caller, SAME, call_legacy_fill_invite,     "legacy: ended unseen, its invite comes" },
    { LIVE | FINAL, IN_INVITE, same_invite,   SAME, NULL,                        "legacy: the same invite again" },
    { LIVE | FINAL, IN_INVITE, NULL,          SAME, call_legacy_conflict,        "legacy: invite with the same call id from another party" },

    /* No invite was seen. */
    { NONE,        IN_HANGUP, device_only, CALL_STUB, call_legacy_stub,           "legacy: none, hangup of one device" },
    { NONE,        IN_HANGUP,        NULL, SAME,      call_legacy_stub_hangup,    "legacy: none, hangup" },
    { NONE,        IN_ANSWER,        NULL, CALL_STUB, call_legacy_stub_answer,    "legacy: none, answer" },
    { NONE,        IN_CANDIDATES,    NULL, CALL_STUB, call_legacy_stub,           "legacy: none, candidates" },
    { NONE,        IN_NEGOTIATE,     NULL, CALL_STUB, call_legacy_stub,           "legacy: none, negotiate" },
    { NONE,        IN_SELECT_ANSWER, NULL, CALL_STUB, call_legacy_stub,           "legacy: none, select_answer" },
    { NONE,        IN_REJECT,        NULL, CALL_STUB, call_legacy_stub,           "legacy: none, reject" },
    { NONE,        IN_METADATA,      NULL, CALL_STUB, call_legacy_stub,           "legacy: none, metadata changed" },
    { NONE,        IN_IDENTITY,      NULL, CALL_STUB, call_legacy_stub,           "legacy: none, asserted identity" },
    { NONE,        IN_REPLACES,      NULL, CALL_STUB, call_legacy_stub,           "legacy: none, replaces" },
    { STUB,        IN_ANSWER,        NULL, SAME,      call_legacy_stub_answer,    "legacy: stub, answer" },
    { STUB,        IN_HANGUP, device_only, SAME,      call_legacy_stub_more,      "legacy: stub, hangup of one device" },
    { STUB,        IN_HANGUP,        NULL, SAME,      call_legacy_stub_hangup,    "legacy: stub, hangup" },
    { STUB,        IN_CANDIDATES,    NULL, SAME,      call_legacy_stub_more,      "legacy: stub, candidates" },
    { STUB,        IN_NEGOTIATE,     NULL, SAME,      call_legacy_stub_more,      "legacy: stub, negotiate" },
    { STUB,        IN_SELECT_ANSWER, NULL, SAME,      call_legacy_stub_more,      "legacy: stub, select_answer" },
    { STUB,        IN_REJECT,        NULL, SAME,      call_legacy_stub_more,      "legacy: stub, reject" },
    { STUB,        IN_METADATA,      NULL, SAME,      call_legacy_stub_more,      "legacy: stub, metadata changed" },
    { STUB,        IN_IDENTITY,      NULL, SAME,      call_legacy_stub_more,      "legacy: stub, asserted identity" },
    { STUB,        IN_REPLACES,      NULL, SAME,      call_legacy_stub_more,      "legacy: stub, replaces" },
    { STUB,        IN_DEADLINE,      NULL, SAME,      call_legacy_stub_timeout,   "legacy: stub, timer" },
    { STUB,        IN_USER_LEFT, some_answer_left, SAME, call_legacy_left_room,   "legacy: stub, who answered leaves the room" },

    /* Candidates. */
    { LIVE, IN_CANDIDATES, NULL, SAME, call_legacy_candidates, "legacy: live, candidates" },

    /* Answers. */
    { LIVE,     IN_ANSWER, from_caller,       SAME, call_legacy_note_protocol_error, "legacy: live, answer from the caller's own party" },
    { LIVE,     IN_ANSWER, answered_already,  SAME, NULL,                            "legacy: live, the same party answers again" },
    { LIVE,     IN_ANSWER, no_room_for_party, SAME, NULL,                            "legacy: live, answer from one party too many" },
    { RINGING | ANSWERED, IN_ANSWER, chosen_before, CALL_ACTIVE, call_legacy_answer_selected, "legacy: answer of the party chosen before" },
    { RINGING,  IN_ANSWER, version_0,         CALL_ACTIVE,   call_legacy_answer_selected, "legacy: ringing, answer, version 0" },
    { RINGING,  IN_ANSWER, from_caller_user,  CALL_ANSWERED, call_legacy_answer,     "legacy: ringing, answer from the caller's other device" },
    { RINGING,  IN_ANSWER, NULL,              CALL_ANSWERED, call_legacy_answer,     "legacy: ringing, answer from the callee" },
    { ANSWERED, IN_ANSWER, NULL,              SAME, call_legacy_answer,              "legacy: answered, answer from another party" },
    { ACTIVE,   IN_ANSWER, chosen_before,     SAME, call_legacy_fill_answer,         "legacy: active, the chosen answer comes late" },
    { ACTIVE,   IN_ANSWER, NULL,              SAME, call_legacy_answer_too_late,     "legacy: active, answer from another party" },

    /* The caller chooses. */
    { RINGING,  IN_SELECT_ANSWER, chooses_unknown, SAME,        call_legacy_select_early,        "legacy: ringing, select_answer before the answer" },
    { ANSWERED, IN_SELECT_ANSWER, chooses_known,   CALL_ACTIVE, call_legacy_select,              "legacy: answered, select_answer" },
    { ANSWERED, IN_SELECT_ANSWER, chooses_unknown, CALL_ACTIVE, call_legacy_select_unseen,       "legacy: answered, select_answer, party not seen yet" },
    { ANSWERED, IN_DEADLINE,      NULL,            CALL_ACTIVE, call_legacy_assume,              "legacy: answered, select timer" },
    { ACTIVE,   IN_SELECT_ANSWER, chooses_again,   SAME,        NULL,                            "legacy: active, the same select_answer again" },
    { LIVE,     IN_SELECT_ANSWER, NULL,            SAME,        call_legacy_note_protocol_error, "legacy: live, select_answer of another party or by another user" },

    /* Rejects. */
    { TALKING, IN_REJECT, NULL,             SAME, call_legacy_note_reject_ignored, "legacy: answered or active, reject" },
    { RINGING, IN_REJECT, from_caller,      SAME, call_legacy_note_protocol_error, "legacy: ringing, reject from the caller's own party" },
    { RINGING, IN_REJECT, from_caller_user, SAME, call_legacy_note_device_rejected, "legacy: ringing, reject from the caller's other device" },
    { RINGING, IN_REJECT, from_bystander,   SAME, call_legacy_note_protocol_error, "legacy: ringing, reject from a bystander" },
    { RINGING, IN_REJECT, NULL,             SAME, call_legacy_reject,              "legacy: ringing, reject from the callee" },

    /* Hangups. */
    { RINGING,  IN_HANGUP, from_caller,            SAME, call_legacy_hangup_ringing,       "legacy: ringing, hangup from the caller" },
    { RINGING,  IN_HANGUP, from_caller_user,       SAME, call_legacy_note_device_rejected, "legacy: ringing, hangup from the caller's other device" },
    { RINGING,  IN_HANGUP, from_bystander,         SAME, call_legacy_note_protocol_error,  "legacy: ringing, hangup from a bystander" },
    { RINGING,  IN_HANGUP, device_only,            SAME, call_legacy_party_left,           "legacy: ringing, hangup of one device of the callee" },
    { RINGING,  IN_HANGUP, NULL,                   SAME, call_legacy_hangup_ringing,       "legacy: ringing, hangup from the callee" },
    { ANSWERED, IN_HANGUP, only_answer_taken_back, SAME, call_legacy_ring_again,           "legacy: answered, the only answer is taken back" },
    { ANSWERED, IN_HANGUP, ends_answered,          SAME, call_legacy_hangup_talking,       "legacy: answered, hangup from the caller or the only party" },
    { ANSWERED, IN_HANGUP, NULL,                   SAME, call_legacy_party_left,           "legacy: answered, hangup from a party not selected" },
    { ACTIVE,   IN_HANGUP, ends_active,            SAME, call_legacy_hangup_talking,       "legacy: active, hangup from the caller or the selected party" },
    { ACTIVE,   IN_HANGUP, NULL,                   SAME, call_legacy_party_left,           "legacy: active, hangup from another party" },

    /* Time. */
    { RINGING, IN_DEADLINE, NULL, SAME, call_legacy_ring_timeout, "legacy: ringing, timer" },
    { ACTIVE,  IN_DEADLINE, NULL, SAME, call_legacy_expire,       "legacy: active, no event for calls.max_duration" },

    /* An admin. */
    { STUB | LIVE, IN_ENDED_BY_ADMIN, NULL, SAME, call_legacy_end_by_admin, "legacy: live, an admin ends it" },
    { FINAL,       IN_ENDED_BY_ADMIN, NULL, SAME, NULL,                     "legacy: over, an admin ends it" },

    /* Leaving the room. */
    { RINGING,  IN_USER_LEFT, caller_or_callee_left,      SAME, call_legacy_left_room,    "legacy: ringing, caller or callee leaves the room" },
    { ANSWERED, IN_USER_LEFT, caller_or_last_answer_left, SAME, call_legacy_left_room,    "legacy: answered, caller or the last who answered leaves the room" },
    { ANSWERED, IN_USER_LEFT, some_answer_left,           SAME, call_legacy_answers_left, "legacy: answered, one of those who answered leaves the room" },
    { ACTIVE,   IN_USER_LEFT, talker_left,                SAME, call_legacy_left_room,    "legacy: active, one of the two leaves the room" },
    { STUB | LIVE, IN_USER_LEFT, NULL,                    SAME, NULL,                     "legacy: live, somebody else leaves the room" },

    /* Inside the call. */
    { LIVE, IN_NEGOTIATE, NULL, SAME, call_legacy_renegotiate,   "legacy: live, negotiate" },
    { LIVE, IN_METADATA,  NULL, SAME, call_legacy_media_state,   "legacy: live, metadata changed" },
    { LIVE, IN_IDENTITY,  NULL, SAME, call_legacy_identity,      "legacy: live, asserted identity" },
    { LIVE, IN_REPLACES,  NULL, SAME, call_legacy_transfer,      "legacy: live, replaces" },
    { STUB | LIVE, IN_REDACTED, NULL, SAME, call_legacy_note_redacted, "legacy: an event of the call is redacted" },

    /* After the end. */
    { MISSED | CANCELED, IN_ANSWER, before_final,   CALL_ACTIVE, call_legacy_reopen, "legacy: missed or cancelled, answer from before that" },
    { MISSED,            IN_ANSWER, by_other_party, CALL_ACTIVE, call_legacy_reopen, "legacy: missed, answer after the deadline" },
    { REJECTED,          IN_ANSWER, before_final,   CALL_ACTIVE, call_legacy_reopen, "legacy: rejected, answer from before that" },
    { ENDED,             IN_ANSWER, fills_answer,   SAME, call_legacy_late_answer,   "legacy: ended, answer from before that" },
    { MISSED,            IN_REJECT, settles,        SAME, call_legacy_settle,        "legacy: missed, reject from before that" },
    { MISSED,            IN_HANGUP, settles,        SAME, call_legacy_settle,        "legacy: missed, hangup from before that" },
    { FINAL, IN_ANSWER,        NULL, SAME, call_legacy_note_late, "legacy: over, answer" },
    { FINAL, IN_REJECT,        NULL, SAME, call_legacy_note_late, "legacy: over, reject" },
    { FINAL, IN_HANGUP,        NULL, SAME, call_legacy_note_late, "legacy: over, hangup" },
    { FINAL, IN_CANDIDATES,    NULL, SAME, NULL,                  "legacy: over, candidates" },
    { FINAL, IN_SELECT_ANSWER, NULL, SAME, NULL,                  "legacy: over, select_answer" },
    { FINAL, IN_NEGOTIATE,     NULL, SAME, NULL,                  "legacy: over, negotiate" },
    { FINAL, IN_METADATA,      NULL, SAME, NULL,                  "legacy: over, metadata changed" },
    { FINAL, IN_IDENTITY,      NULL, SAME, NULL,                  "legacy: over, asserted identity" },
    { FINAL, IN_REPLACES,      NULL, SAME, NULL,                  "legacy: over, replaces" },
};
/* clang-format on */
const size_t call_rules_legacy_count = COUNT_OF(call_rules_legacy);
