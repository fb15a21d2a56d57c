/* How a legacy call is answered: answers, the caller's choice, two calls crossing, answers to calls
 * that were over.  Thread: main. */
#include "calls/legacy_effects.h"
#include "calls/legacy_people.h"

#include <string.h>

/* A replayed answer has its row already, from when the call was a stub. */
static bool was_told(const struct call_session *s, const struct call_input *in) {
    const struct call_member *m = call_session_find_party(s, in->sender, in->legacy.party_id);
    return m != NULL && m->row.event_id != NULL && in->event_id != NULL &&
           strcmp(m->row.event_id, in->event_id) == 0;
}

enum err call_legacy_note_answer(struct call_batch *b, struct call_session *s,
    const struct call_input *in, const char *type, struct call_member **ret) {
    bool told = strcmp(type, "call_answered") == 0 && was_told(s, in);
    struct call_member *m = NULL;
    TRY(call_legacy_party(b, s, in, &m));
    if (ret != NULL) {
        *ret = m;
    }
    if (m == NULL) {
        return OK;
    }
    m->row.event_id = in->event_id;
    m->row.joined_at = in->sent_ms;
    m->row.answered_at = call_session_when(s, in);
    m->row.left_at = 0;
    m->row.leave_reason = NULL;
    call_legacy_take_metadata(m, in);
    if (told) {
        return OK;
    }
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, type, in, &e));
    TRY(call_event_text(b, e, "party", in->legacy.party_id));
    return call_event_text(b, e, "sdp", b->policy->keep_sdp ? in->legacy.sdp : NULL);
}

/* --- the caller's choice --- */

static enum err drop_others(struct call_batch *b, struct call_session *s,
    const struct call_input *in, const struct call_member *chosen) {
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m == chosen || !call_legacy_is_answer(m)) {
            continue;
        }
        call_session_leave(b, s, m, call_session_when(s, in), "answered_elsewhere", NULL);
        struct store_event *e = NULL;
        TRY(call_session_record(b, s, "answered_elsewhere", in, &e));
        e->subject = arena_printf(b->arena, "%s/%s", m->row.user_id, m->row.party);
        if (e->subject == NULL) {
            return err_set(ERR_NOMEM, "no memory for an audit row");
        }
    }
    return OK;
}

static enum err choose(struct call_batch *b, struct call_session *s, const struct call_input *in,
    struct call_member *m) {
    s->row.selected_user = m->row.user_id;
    s->row.selected_party = m->row.party;
    s->row.answered_at = m->row.answered_at;
    s->row.deadline_at = 0;
    s->changed = true;
    return drop_others(b, s, in, m);
}

/* --- two calls crossing, 2.5 --- */

static bool lost_to(
    const struct call_session *o, const struct call_session *s, const struct call_input *in) {
    return o != s && o->state == CALL_RINGING && strcmp(o->row.kind, "legacy") == 0 &&
           strcmp(o->row.room_id, s->row.room_id) == 0 &&
           strcmp(o->row.caller_user, in->sender) == 0 &&
           (o->row.callee_user == NULL || strcmp(o->row.callee_user, s->row.caller_user) == 0) &&
           strcmp(s->row.call_id, o->row.call_id) < 0;
}

/* The answerer's own invite with the larger call id is over: clients hang it up, or say nothing
 * more of it. */
static enum err settle_glare(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    for (struct call_session *o = b->sessions; o != NULL; o = o->next) {
        if (!lost_to(o, s, in)) {
            continue;
        }
        call_legacy_finish(b, o, in, CALL_CANCELLED, "glare_lost");
        o->row.superseded_by = s->row.id;
        struct store_event *e = NULL;
        TRY(call_session_record(b, o, "glare_lost", in, &e));
        TRY(call_event_text(b, e, "superseded_by", s->row.id));
        TRY(call_session_push(b, o, PUSH_CALL_ENDED, in, NULL));
    }
    return OK;
}

/* --- answers --- */

static enum err answered(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (s->row.callee_user == NULL) {
        s->row.callee_user = in->sender;
    }
    TRY(call_session_push(b, s, PUSH_CALL_ACCEPTED, in, NULL));
    return settle_glare(b, s, in);
}

enum err call_legacy_answer(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = NULL;
    TRY(call_legacy_note_answer(b, s, in, "call_answered", &m));
    if (s->state != CALL_RINGING) {
        return OK;
    }
    s->row.answered_at = m->row.answered_at;
    return answered(b, s, in);
}

enum err call_legacy_answer_selected(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    bool first = s->state == CALL_RINGING;
    struct call_member *m = NULL;
    TRY(call_legacy_note_answer(b, s, in, "call_answered", &m));
    TRY(choose(b, s, in, m));
    return first ? answered(b, s, in) : OK;
}

enum err call_legacy_fill_answer(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = NULL;
    TRY(call_legacy_note_answer(b, s, in, "call_answered", &m));
    return choose(b, s, in, m);
}

enum err call_legacy_answer_too_late(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = NULL;
    TRY(call_legacy_note_answer(b, s, in, "answered_elsewhere", &m));
    call_session_leave(b, s, m, call_session_when(s, in), "answered_elsewhere", NULL);
    return OK;
}

/* --- select_answer --- */

static enum err record_selected(struct call_batch *b, struct call_session *s,
    const struct call_input *in, const char *type, const char *party) {
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, type, in, &e));
    return call_event_text(b, e, "selected_party", party);
}

/* It may also follow a reject (2.2), so the state waits for the answer or the reject itself. */
enum err call_legacy_select_early(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    s->row.selected_party = in->legacy.selected_party_id;
    s->changed = true;
    return record_selected(b, s, in, "answer_selected", in->legacy.selected_party_id);
}

enum err call_legacy_select(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = call_legacy_answer_named(s, in->legacy.selected_party_id);
    TRY(record_selected(b, s, in, "answer_selected", m->row.party));
    return choose(b, s, in, m);
}

enum err call_legacy_select_unseen(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    s->row.selected_party = in->legacy.selected_party_id;
    s->row.answered_at = call_session_when(s, in);
    s->row.deadline_at = 0;
    s->changed = true;
    TRY(record_selected(b, s, in, "answer_selected", in->legacy.selected_party_id));
    return drop_others(b, s, in, NULL);
}

enum err call_legacy_assume(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = call_legacy_first_answer(s);
    TRY(record_selected(b, s, in, "answer_assumed", m->row.party));
    return choose(b, s, in, m);
}

/* --- answers to calls that were over --- */

static void bring_back_caller(struct call_session *s) {
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (strcmp(m->row.role, "caller") == 0) {
            m->row.left_at = 0;
            m->row.leave_reason = NULL;
            m->row.actor = NULL;
            m->changed = true;
        }
    }
}

enum err call_legacy_reopen(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    size_t before = s->n_events;
    bring_back_caller(s);
    struct call_member *m = NULL;
    TRY(call_legacy_note_answer(b, s, in, "call_reopened", &m));
    if (s->n_events > before) {
        s->events[before]->late = in->origin_ms >= s->row.final_origin_at;
    }
    TRY(choose(b, s, in, m));
    return answered(b, s, in);
}

static int64_t not_negative(int64_t ms) {
    return ms < 0 ? 0 : ms;
}

enum err call_legacy_late_answer(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    call_legacy_note_earlier(s, in);
    struct call_member *m = NULL;
    TRY(call_legacy_note_answer(b, s, in, "late_event", &m));
    call_session_leave(b, s, m, s->row.ended_at, s->row.end_reason, NULL);
    if (s->row.answered_at == 0) {
        s->row.answered_at = m->row.answered_at;
        s->row.duration_ms = not_negative(s->row.ended_at - s->row.answered_at);
    }
    if (s->row.callee_user == NULL) {
        s->row.callee_user = in->sender;
    }
    return OK;
}
