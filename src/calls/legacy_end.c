/* How a legacy call ends: refused, hung up, run out of time, or left.  Thread: main. */
#include "calls/admin.h"
#include "calls/legacy_effects.h"
#include "calls/legacy_kept.h"
#include "calls/legacy_people.h"
#include "calls/legacy_reasons.h"

#include <string.h>

/* 2.3: a technical hangup so soon after the answer means that the media never came to stand. */
#define FAILED_WITHIN_MS 30000

static const char *const final_events[CALL_STATE_COUNT] = {
    [CALL_ENDED] = "call_ended",
    [CALL_REJECTED] = "call_rejected",
    [CALL_MISSED] = "call_missed",
    [CALL_CANCELLED] = "call_cancelled",
    [CALL_FAILED] = "call_failed",
};

const char *call_legacy_final_event(enum call_state to) {
    return final_events[to];
}

static int64_t talked_for(
    const struct call_session *s, enum call_state to, const struct call_input *in) {
    if (to != CALL_ENDED || s->row.answered_at == 0 || in->type == IN_DEADLINE) {
        return -1;
    }
    int64_t ms = call_session_when(s, in) - s->row.answered_at;
    return ms < 0 ? 0 : ms;
}

void call_legacy_finish(struct call_batch *b, struct call_session *s, const struct call_input *in,
    enum call_state to, const char *reason) {
    s->row.duration_ms = talked_for(s, to, in);
    s->row.end_reason = call_reason_text(reason);
    s->row.ended_by = in->sender;
    call_session_enter(b, s, to, in);
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.left_at == 0) {
            call_session_leave(b, s, m, s->row.ended_at, s->row.end_reason, NULL);
        }
    }
    call_kept_clear(s);
}

static enum err record_end(struct call_batch *b, struct call_session *s,
    const struct call_input *in, struct store_event **ret) {
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, call_legacy_final_event(s->state), in, &e));
    TRY(call_event_text(b, e, "reason", s->row.end_reason));
    TRY(call_event_text(b, e, "failed_reason", s->row.failed_reason));
    if (s->row.duration_ms >= 0) {
        TRY(call_event_int(b, e, "duration_ms", s->row.duration_ms));
    }
    if (ret != NULL) {
        *ret = e;
    }
    return OK;
}

/* The caller gave up: for the callee that is a missed call. */
static enum err push_given_up(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    TRY(call_session_push(b, s, PUSH_CALL_ENDED, in, NULL));
    if (s->row.callee_user == NULL) {
        return OK;
    }
    return call_session_push(b, s, PUSH_CALL_MISSED, in, s->row.callee_user);
}

static enum err push_refused(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    static const enum call_push_type pushes[CALL_STATE_COUNT] = {
        [CALL_ENDED] = PUSH_CALL_ENDED,
        [CALL_REJECTED] = PUSH_CALL_REJECTED,
        [CALL_MISSED] = PUSH_CALL_MISSED,
        [CALL_CANCELLED] = PUSH_CALL_ENDED,
        [CALL_FAILED] = PUSH_CALL_ENDED,
    };
    return call_session_push(b, s, pushes[s->state], in, NULL);
}

static void know_callee(struct call_session *s, const struct call_input *in) {
    if (s->row.callee_user == NULL && !call_legacy_from_caller_user(s, in)) {
        s->row.callee_user = in->sender;
    }
}

static bool same_people(const struct call_session *a, const struct call_session *o) {
    return a->row.callee_user != NULL && o->row.caller_user != NULL && o->row.callee_user != NULL &&
           ((strcmp(a->row.caller_user, o->row.caller_user) == 0 &&
                strcmp(a->row.callee_user, o->row.callee_user) == 0) ||
               (strcmp(a->row.caller_user, o->row.callee_user) == 0 &&
                   strcmp(a->row.callee_user, o->row.caller_user) == 0));
}

/* Which call goes on instead: another one of the same two people that is not over. */
static void link_replacement(struct call_batch *b, struct call_session *s) {
    for (const struct call_session *o = b->sessions; o != NULL; o = o->next) {
        if (o != s && !call_session_final(o) && strcmp(o->row.kind, "legacy") == 0 &&
            strcmp(o->row.room_id, s->row.room_id) == 0 && same_people(s, o)) {
            s->row.superseded_by = o->row.id;
        }
    }
}

/* --- refused or called off before the answer --- */

enum err call_legacy_reject(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const char *reason = in->legacy.reason == NULL ? "rejected" : in->legacy.reason;
    know_callee(s, in);
    call_legacy_finish(b, s, in, CALL_REJECTED, reason);
    TRY(record_end(b, s, in, NULL));
    return push_refused(b, s, in);
}

static void finish_ringing(
    struct call_batch *b, struct call_session *s, const struct call_input *in, enum call_state to) {
    const char *reason = in->legacy.reason;
    know_callee(s, in);
    call_legacy_finish(b, s, in, to, reason);
    s->row.failed_reason = to == CALL_FAILED ? reason : NULL;
    if (call_reason_is_replacement(reason)) {
        link_replacement(b, s);
    }
}

enum err call_legacy_hangup_ringing(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    bool caller = call_legacy_from_caller(s, in);
    finish_ringing(b, s, in, call_reason_before_answer(in->legacy.reason, caller));
    TRY(record_end(b, s, in, NULL));
    return caller ? push_given_up(b, s, in) : push_refused(b, s, in);
}

/* Of two contradicting ends the one that happened first counts (rule 1); nobody is told a second
 * time. */
enum err call_legacy_settle(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    s->row.ended_at = 0;
    s->row.final_origin_at = 0;
    if (in->type == IN_REJECT) {
        know_callee(s, in);
        call_legacy_finish(
            b, s, in, CALL_REJECTED, in->legacy.reason == NULL ? "rejected" : in->legacy.reason);
    } else {
        finish_ringing(
            b, s, in, call_reason_before_answer(in->legacy.reason, call_legacy_from_caller(s, in)));
    }
    struct store_event *e = NULL;
    TRY(record_end(b, s, in, &e));
    e->late = true;
    return OK;
}

enum err call_legacy_ring_timeout(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    call_legacy_finish(b, s, in, CALL_MISSED, "invite_timeout");
    TRY(record_end(b, s, in, NULL));
    return push_refused(b, s, in);
}

/* --- after the answer --- */

enum err call_legacy_hangup_talking(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const char *reason = in->legacy.reason;
    call_legacy_finish(b, s, in, CALL_ENDED, reason);
    if (call_reason_is_error(reason) && s->row.duration_ms < FAILED_WITHIN_MS) {
        s->row.failed_reason = reason;
    }
    if (call_reason_is_replacement(reason)) {
        link_replacement(b, s);
    }
    TRY(record_end(b, s, in, NULL));
    return push_refused(b, s, in);
}

enum err call_legacy_party_left(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = call_session_find_party(s, in->sender, in->legacy.party_id);
    if (m != NULL && m->row.left_at == 0) {
        call_session_leave(
            b, s, m, call_session_when(s, in), call_reason_text(in->legacy.reason), NULL);
    }
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "party_left", in, &e));
    TRY(call_event_text(b, e, "party", in->legacy.party_id));
    return call_event_text(b, e, "reason", call_reason_text(in->legacy.reason));
}

/* "Answered elsewhere" by the only party that answered: that other answer is still on its way, if
 * it ever comes. */
enum err call_legacy_ring_again(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    TRY(call_legacy_party_left(b, s, in));
    s->row.answered_at = 0;
    if (s->row.deadline_at > b->now_ms) {
        call_session_enter(b, s, CALL_RINGING, in);
        return OK;
    }
    call_legacy_finish(b, s, in, CALL_MISSED, "invite_timeout");
    TRY(record_end(b, s, in, NULL));
    return push_refused(b, s, in);
}

enum err call_legacy_expire(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    call_legacy_finish(b, s, in, CALL_ENDED, "expired");
    struct store_event *e = NULL;
    return call_session_record(b, s, "call_expired", in, &e);
}

/* The clients talk to each other and are told nothing: only they can hang up (matrix-calls 1.6).
 * What they still send comes as late events. */
enum err call_legacy_end_by_admin(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    bool ringing = s->state == CALL_RINGING;
    TRY(call_admin_record(b, s, in));
    call_legacy_finish(b, s, in, ringing ? CALL_CANCELLED : CALL_ENDED, "ended_by_admin");
    TRY(record_end(b, s, in, NULL));
    return ringing ? push_given_up(b, s, in) : push_refused(b, s, in);
}

/* --- leaving the room --- */

enum err call_legacy_answers_left(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (!call_legacy_is_answer(m) || strcmp(m->row.user_id, in->room.user_id) != 0) {
            continue;
        }
        call_session_leave(b, s, m, call_session_when(s, in), "left_room", in->sender);
        struct store_event *e = NULL;
        TRY(call_session_record(b, s, "party_left", in, &e));
        TRY(call_event_text(b, e, "reason", "left_room"));
        e->subject = arena_printf(b->arena, "%s/%s", m->row.user_id, m->row.party);
        if (e->subject == NULL) {
            return err_set(ERR_NOMEM, "no memory for an audit row");
        }
    }
    return OK;
}

static enum call_state state_when_left(const struct call_session *s, const struct call_input *in) {
    if (s->state != CALL_RINGING) {
        return CALL_ENDED;
    }
    bool caller = strcmp(s->row.caller_user, in->room.user_id) == 0;
    return caller ? CALL_CANCELLED : CALL_REJECTED;
}

enum err call_legacy_left_room(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    call_legacy_finish(b, s, in, state_when_left(s, in), "left_room");
    struct store_event *e = NULL;
    TRY(record_end(b, s, in, &e));
    TRY(call_event_text(b, e, "left", in->room.user_id));
    TRY(call_event_bool(b, e, "kicked", in->room.kicked));
    if (s->row.partial) {
        return OK;
    }
    return s->state == CALL_CANCELLED ? push_given_up(b, s, in) : push_refused(b, s, in);
}
