/* Final status, duration, last audit row of an rtc call.  Thread: main. */
#include "calls/rtc_end.h"

#include "calls/rtc.h"
#include "calls/rtc_entry.h"
#include "calls/rtc_kept.h"

#include <string.h>

/* --- the marks, as rows --- */

static const struct mark {
    const char *name;
    enum call_state final;
    const char *status; /* while the call is active */
} marks[] = {
    { RTC_UNANSWERED, CALL_MISSED, "missed" },
    { RTC_DECLINED, CALL_REJECTED, "rejected" },
    { RTC_CANCELLED, CALL_CANCELLED, "active" },
};

static const struct mark *mark_of(const struct store_call *row) {
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (call_rtc_same(row->end_reason, marks[i].name)) {
            return &marks[i];
        }
    }
    return NULL;
}

const char *call_rtc_mark(enum call_state final) {
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (marks[i].final == final) {
            return marks[i].name;
        }
    }
    return NULL;
}

enum call_state call_rtc_final_state(const struct store_call *row, enum call_state state) {
    if (row->peak_users >= 2) {
        return CALL_ENDED;
    }
    if (state == CALL_RINGING) {
        return CALL_CANCELLED;
    }
    const struct mark *m = mark_of(row);
    return m ? m->final : CALL_ENDED;
}

const char *call_rtc_status(const struct store_call *row, enum call_state state) {
    const bool final = (STATES_FINAL & STATE_BIT(state)) != 0;
    const bool began = row->peak_users > 0;
    if (!began || (row->historic && !final)) {
        return NULL;
    }
    if (final) {
        return call_state_name(state);
    }
    const struct mark *m = state == CALL_ACTIVE ? mark_of(row) : NULL;
    return m ? m->status : state == CALL_RINGING ? "ringing" : "active";
}

/* --- closing --- */

void call_rtc_settle_times(struct call_session *s) {
    int64_t last = s->row.created_at;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        last = m->row.left_at > last ? m->row.left_at : last;
    }
    s->row.ended_at = last;
    if (s->row.answered_at != 0) {
        s->row.duration_ms = last > s->row.answered_at ? last - s->row.answered_at : 0;
    }
    s->changed = true;
}

/* The reason of the stay that ended last; nobody else knows why the call is over. */
static const char *last_reason(const struct call_session *s) {
    const char *reason = NULL;
    int64_t last = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.left_at >= last && m->row.left_at != 0) {
            last = m->row.left_at;
            reason = m->row.leave_reason;
        }
    }
    return reason;
}

static enum err record_end(
    struct call_batch *b, struct call_session *s, const struct call_input *in, enum call_state to) {
    const bool hung_up =
        s->state == CALL_RINGING && to == CALL_CANCELLED && in->type != IN_SLOT_CLOSED;
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, hung_up ? "call_cancelled" : "session_ended", in, "", &e));
    e->at = s->row.ended_at;
    TRY(call_event_text(b, e, "reason", last_reason(s)));
    TRY(call_event_text(b, e, "status", call_state_name(to)));
    TRY(call_event_int(b, e, "peak_users", s->row.peak_users));
    return s->row.duration_ms < 0 ? OK : call_event_int(b, e, "duration_ms", s->row.duration_ms);
}

/* Who was rung and never came learns that it is over. */
static enum err tell_callees(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_rtc_ring ring;
    bool found = false;
    TRY(call_rtc_kept_ring(b, s, NULL, &ring, &found));
    for (size_t i = 0; found && i < ring.n_callees; i++) {
        TRY(call_session_push(b, s, PUSH_CALL_ENDED, in, ring.callees[i]));
        TRY(call_session_push(b, s, PUSH_CALL_MISSED, in, ring.callees[i]));
    }
    return OK;
}

enum err call_rtc_close(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const enum call_state to = call_rtc_final_state(&s->row, s->state);
    call_rtc_settle_times(s);
    TRY(record_end(b, s, in, to));
    if (to != CALL_MISSED && to != CALL_REJECTED) { /* these two say it by their mark */
        s->row.end_reason = last_reason(s);
    }
    s->row.ended_by = in->sender;
    if (s->state == CALL_RINGING) {
        TRY(tell_callees(b, s, in));
    }
    TRY(call_session_push(b, s, PUSH_CALL_ENDED, in, NULL));
    call_rtc_forget_all(s);
    call_session_enter(b, s, to, in);
    return OK;
}

enum err call_rtc_close_stub(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    (void)b;
    (void)in;
    call_rtc_forget_all(s);
    s->row.end_reason = "no_member";
    return OK;
}
