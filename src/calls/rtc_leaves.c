/* Which stays an input ends, and ending them.  Thread: main. */
#include "calls/rtc_leaves.h"

#include "calls/rtc.h"
#include "calls/rtc_end.h"
#include "calls/rtc_entry.h"
#include "core/metrics.h"

#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(reconciled_away, "parley_reconcile_members_ended_total",
    "Members of calls that ended because the room's state did not list them any more.");

void call_rtc_leaves_register_metrics(void) {
    metrics_register(&reconciled_away);
}

/* --- which stays an input ends: one row a type --- */

typedef bool ends_fn(
    const struct call_batch *b, const struct store_participant *p, const struct call_input *in);

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool listed(const char *const *names, size_t n, const char *name) {
    return n > 0 && bsearch(&name, names, n, sizeof(*names), compare_names) != NULL;
}

/* A key whose entries were a list may be cleared as a whole: then the input names the key alone. */
static bool in_list_of(const struct store_participant *p, const char *state_key) {
    const size_t n = strlen(state_key);
    return (call_rtc_same(p->generation, "array") || call_rtc_same(p->generation, "famedly")) &&
           p->entry_key != NULL && strncmp(p->entry_key, state_key, n) == 0 &&
           p->entry_key[n] == '/';
}

static bool ends_left(
    const struct call_batch *b, const struct store_participant *p, const struct call_input *in) {
    (void)b;
    return call_rtc_same(p->entry_key, in->member.entry_key) ||
           (in->member.state_key != NULL && in_list_of(p, in->member.state_key));
}

/* The whole room's state was read. */
static bool ends_in_room(
    const struct call_batch *b, const struct store_participant *p, const struct call_input *in) {
    if (call_rtc_same(p->generation, "sticky")) {
        const struct call_room_view *room = call_batch_room(b, in->room_id);
        return room != NULL && room->known && !listed(room->joined, room->n_joined, p->user_id);
    }
    return p->entry_key != NULL &&
           !listed(in->member.remaining, in->member.n_remaining, p->entry_key);
}

static bool ends_listed(
    const struct call_batch *b, const struct store_participant *p, const struct call_input *in) {
    if (in->member.state_key == NULL) {
        return ends_in_room(b, p, in);
    }
    return in_list_of(p, in->member.state_key) &&
           !listed(in->member.remaining, in->member.n_remaining, p->entry_key);
}

static bool ends_user(
    const struct call_batch *b, const struct store_participant *p, const struct call_input *in) {
    (void)b;
    return call_rtc_same(p->user_id, in->room.user_id);
}

static bool ends_slot(
    const struct call_batch *b, const struct store_participant *p, const struct call_input *in) {
    (void)b;
    (void)p;
    (void)in;
    return true;
}

/* Only the event that counts: a redacted older one of the same entry changes nothing. */
static bool ends_redacted(
    const struct call_batch *b, const struct store_participant *p, const struct call_input *in) {
    (void)b;
    return call_rtc_same(p->last_event_id, in->ring.target_event_id);
}

static bool ends_expired(
    const struct call_batch *b, const struct store_participant *p, const struct call_input *in) {
    (void)b;
    return p->expires_at != 0 && p->expires_at <= in->origin_ms;
}

static const struct {
    ends_fn *ends;
    const char *reason; /* NULL: in the input */
} ways[IN_COUNT] = {
    [IN_MEMBER_LEFT] = { ends_left, NULL },
    [IN_MEMBER_LIST] = { ends_listed, NULL },
    [IN_USER_LEFT] = { ends_user, NULL },
    [IN_SLOT_CLOSED] = { ends_slot, "slot_closed" },
    [IN_REDACTED] = { ends_redacted, "redacted" },
    [IN_DEADLINE] = { ends_expired, "expired" },
};

static const char *reason_of(const struct call_input *in) {
    if (ways[in->type].reason != NULL) {
        return ways[in->type].reason;
    }
    if (in->type == IN_USER_LEFT) {
        return in->room.kicked ? "kicked" : "left_room";
    }
    if (in->type == IN_MEMBER_LIST && in->member.state_key == NULL) {
        return "reconciled";
    }
    return in->member.leave_reason ? in->member.leave_reason : "left";
}

static bool ends(
    const struct call_batch *b, const struct call_member *m, const struct call_input *in) {
    return m->row.left_at == 0 && ways[in->type].ends(b, &m->row, in);
}

static void count_ends(const struct call_batch *b, const struct call_session *s,
    const struct call_input *in, size_t *ending, size_t *staying) {
    *ending = *staying = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        *ending += ends(b, m, in);
        *staying += m->row.left_at == 0 && !ends(b, m, in);
    }
}

/* --- guards --- */

bool call_rtc_last_leaves(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    size_t ending, staying;
    count_ends(b, s, in, &ending, &staying);
    return ending > 0 && staying == 0;
}

bool call_rtc_some_leave(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    size_t ending, staying;
    count_ends(b, s, in, &ending, &staying);
    return ending > 0 && staying > 0;
}

bool call_rtc_leave_beaten(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    const struct call_member *m = call_rtc_stay(s, in);
    return m != NULL && m->row.left_at == 0 && call_rtc_beaten(m, in);
}

bool call_rtc_leave_corrects(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    const struct call_member *m = call_rtc_stay(s, in);
    return m != NULL && in->event_id != NULL && !in->reconciled && call_rtc_assumed_gone(m) &&
           in->origin_ms >= m->row.joined_at && in->origin_ms < m->row.left_at;
}

/* --- effects --- */

static int64_t leave_time(
    const struct call_session *s, const struct call_member *m, const struct call_input *in) {
    int64_t at = in->type == IN_DEADLINE ? m->row.expires_at : call_session_when(s, in);
    return at < m->row.joined_at ? m->row.joined_at : at;
}

/* The entry's own event is the latest of it from now on; of a sticky one also how long it stays so
 * (3.3). */
static void note_last_event(struct call_member *m, const struct call_input *in) {
    if (in->type != IN_MEMBER_LEFT || in->event_id == NULL) {
        return;
    }
    m->row.last_event_id = in->event_id;
    m->row.last_origin_at = in->origin_ms;
    if (in->member.sticky_until != 0) {
        m->row.expires_at = in->member.sticky_until;
    }
}

static bool by_other(const struct call_member *m, const struct call_input *in) {
    return in->sender != NULL && !call_rtc_same(in->sender, m->row.user_id);
}

/* Anybody with the power may clear somebody else's entry (3.2): worth a row of its own. */
static enum err record_removal(struct call_batch *b, struct call_session *s,
    const struct call_member *m, const struct call_input *in, const char *subject) {
    if (in->type != IN_MEMBER_LEFT || !by_other(m, in)) {
        return OK;
    }
    return call_rtc_record(b, s, "member_removed_by", in, subject, NULL);
}

static enum err record_leave(struct call_batch *b, struct call_session *s,
    const struct call_member *m, const struct call_input *in) {
    const char *type = in->type == IN_DEADLINE ? "participant_expired" : "participant_left";
    const char *subject = call_rtc_subject(b, &m->row);
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, type, in, subject, &e));
    e->at = m->row.left_at;
    TRY(call_event_text(b, e, "reason", m->row.leave_reason));
    TRY(call_event_text(b, e, "actor", m->row.actor));
    return record_removal(b, s, m, in, subject);
}

enum err call_rtc_end_stay(struct call_batch *b, struct call_session *s, struct call_member *m,
    const struct call_input *in, const char *reason) {
    call_session_leave(b, s, m, leave_time(s, m, in), reason, by_other(m, in) ? in->sender : NULL);
    TRY(record_leave(b, s, m, in));
    note_last_event(m, in);
    return call_session_push(b, s, PUSH_USER_LEFT, in, NULL);
}

/* A closed slot is one event for all: no row for each of them. */
static enum err end_quietly(struct call_batch *b, struct call_session *s, struct call_member *m,
    const struct call_input *in, const char *reason) {
    call_session_leave(b, s, m, leave_time(s, m, in), reason, by_other(m, in) ? in->sender : NULL);
    return OK;
}

enum err call_rtc_leave(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const char *reason = reason_of(in);
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (!ends(b, m, in)) {
            continue;
        }
        TRY(in->type == IN_SLOT_CLOSED ? end_quietly(b, s, m, in, reason)
                                       : call_rtc_end_stay(b, s, m, in, reason));
        metric_add(&reconciled_away, in->type == IN_MEMBER_LIST && in->member.state_key == NULL);
    }
    return OK;
}

enum err call_rtc_leave_and_close(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    TRY(call_rtc_leave(b, s, in));
    return call_rtc_close(b, s, in);
}

enum err call_rtc_correct_leave(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = call_rtc_stay(s, in);
    const char *actor = by_other(m, in) ? in->sender : NULL;
    call_session_leave(b, s, m, leave_time(s, m, in), reason_of(in), actor);
    TRY(call_rtc_record(b, s, "leave_corrected", in, call_rtc_subject(b, &m->row), NULL));
    note_last_event(m, in);
    if (call_session_final(s)) {
        call_rtc_settle_times(s);
    }
    return OK;
}

enum err call_rtc_record_late(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "late_event", in, in->member.entry_key, &e));
    e->late = true;
    return call_event_text(b, e, "input", call_input_name(in->type));
}
