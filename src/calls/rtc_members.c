/* Joining and refreshing.  Thread: main. */
#include "calls/rtc_members.h"

#include "calls/rtc.h"
#include "calls/rtc_end.h"
#include "calls/rtc_entry.h"
#include "calls/rtc_kept.h"
#include "calls/rtc_leaves.h"

#include <string.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a member of a call");
}

/* --- guards --- */

bool call_rtc_join_beaten(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return call_rtc_beaten(call_rtc_stay(s, in), in);
}

static const struct call_member *live_stay(
    const struct call_session *s, const struct call_input *in) {
    const struct call_member *m = call_rtc_stay(s, in);
    return m != NULL && m->row.left_at == 0 ? m : NULL;
}

bool call_rtc_refreshes(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    const struct call_member *m = live_stay(s, in);
    return m != NULL && call_rtc_same(m->row.user_id, in->member.user_id);
}

bool call_rtc_takes_over(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    const struct call_member *m = live_stay(s, in);
    return m != NULL && !call_rtc_same(m->row.user_id, in->member.user_id);
}

bool call_rtc_stay_goes_on(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    const struct call_member *m = call_rtc_stay(s, in);
    return m != NULL && m->row.left_at != 0 && (call_rtc_assumed_gone(m) || in->reconciled) &&
           call_rtc_same(m->row.user_id, in->member.user_id) && in->origin_ms >= m->row.joined_at &&
           in->origin_ms <= m->row.left_at && in->member.expires_at > m->row.left_at;
}

static bool roster_full(const struct call_session *s) {
    return s->last_n >= CALL_MEMBERS_MAX;
}

bool call_rtc_other_user(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return !roster_full(s) && !call_rtc_user_in(s, in->member.user_id);
}

bool call_rtc_late_answer(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    return s->row.end_reason != NULL && call_rtc_other_user(b, s, in);
}

bool call_rtc_rejoins(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    if (roster_full(s) || call_rtc_same(s->row.end_reason, "slot_closed")) {
        return false;
    }
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (call_rtc_same(m->row.user_id, in->member.user_id) &&
            in->origin_ms - m->row.left_at <= RTC_REJOIN_MS) {
            return true;
        }
        if (m->row.left_at == s->row.ended_at && call_rtc_assumed_gone(m) &&
            in->origin_ms < m->row.left_at) {
            return true;
        }
    }
    return false;
}

/* --- what joining does to the call --- */

static bool more_than_two(
    const struct call_batch *b, const struct call_session *s, const char *user_id) {
    const struct call_room_view *room = call_batch_room(b, s->row.room_id);
    if (room != NULL && room->known && room->n_joined > 2) {
        return true;
    }
    const char *other = NULL;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (call_rtc_same(m->row.user_id, user_id) || call_rtc_same(m->row.user_id, other)) {
            continue;
        }
        if (other != NULL) {
            return true;
        }
        other = m->row.user_id;
    }
    return false;
}

/* Video as soon as one live member says so; audio when all who say anything say audio; else as it
 * was. */
static void settle_media(struct call_session *s) {
    const char *media = NULL;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.left_at != 0 || m->row.intent == NULL) {
            continue;
        }
        media = strcmp(m->row.intent, "audio") == 0 && media == NULL ? "audio" : media;
        media = strcmp(m->row.intent, "video") == 0 ? "video" : media;
    }
    if (media != NULL) {
        s->row.media = media;
    }
}

/* Talking begins with the second user; with that, how it rang no longer matters. */
static void note_company(struct call_session *s, int64_t at_ms) {
    if (!call_rtc_company(s)) {
        return;
    }
    if (s->row.answered_at == 0) {
        s->row.answered_at = at_ms < s->row.created_at ? s->row.created_at : at_ms;
    }
    s->row.end_reason = NULL;
    s->row.status = call_rtc_status(&s->row, s->state);
    call_rtc_forget_rings(s);
}

/* A member that is not over makes a call out of history a present one. */
static void wake(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (!s->row.historic || in->member.expires_at <= b->now_ms) {
        return;
    }
    s->row.historic = false;
    s->row.deadline_at = s->state == CALL_RINGING ? call_rtc_kept_end(s) : 0;
    s->row.status = call_rtc_status(&s->row, s->state);
}

/* A refresh names when the membership began; but a stay does not begin before the one before it
 * ended. */
static int64_t joined_at(const struct call_session *s, const struct call_input *in) {
    const struct call_member *before = call_rtc_stay(s, in);
    if (before != NULL && before->row.left_at != 0 && in->member.start_ms < before->row.left_at) {
        return in->origin_ms;
    }
    return in->member.start_ms;
}

static void note_content(struct call_member *m, const struct call_input *in) {
    m->row.last_event_id = in->event_id;
    m->row.last_origin_at = in->origin_ms;
    m->row.expires_at = in->member.expires_at;
    m->row.membership_id = in->member.membership_id;
    m->row.focus_url = in->member.focus_url ? in->member.focus_url : m->row.focus_url;
    m->row.focus_selection =
        in->member.focus_selection ? in->member.focus_selection : m->row.focus_selection;
    m->row.focus_ours = in->member.focus_url ? in->member.focus_ours : m->row.focus_ours;
    m->row.intent = in->member.intent ? in->member.intent : m->row.intent;
    m->changed = true;
}

static struct call_member *add_stay(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const int64_t at = joined_at(s, in);
    const char *device = in->member.device_id ? in->member.device_id : "";
    struct call_member *m = call_session_add_member(b, s, in->member.user_id, device, "member");
    if (m == NULL) {
        return NULL;
    }
    m->row.generation = in->member.generation;
    m->row.entry_key = in->member.entry_key;
    m->row.event_id = in->event_id;
    m->row.joined_at = at;
    note_content(m, in);
    return m;
}

/* --- their audit rows --- */

static enum err record_join(struct call_batch *b, struct call_session *s,
    const struct call_member *m, const struct call_input *in) {
    const char *subject = call_rtc_subject(b, &m->row);
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "participant_joined", in, subject, &e));
    e->late = e->late || m->row.expires_at <= b->now_ms;
    TRY(call_event_text(b, e, "generation", m->row.generation));
    TRY(call_event_text(b, e, "intent", m->row.intent));
    TRY(call_event_text(b, e, "focus", m->row.focus_url));
    TRY(call_event_int(b, e, "joined_at", m->row.joined_at));
    if (in->member.key_user == NULL || call_rtc_same(in->member.key_user, m->row.user_id)) {
        return OK;
    }
    TRY(call_rtc_record(b, s, "member_key_mismatch", in, subject, &e));
    return call_event_text(b, e, "key_user", in->member.key_user);
}

/* The last stay there is room for says that it is (CALL_MEMBERS_MAX), so it is said once. */
static enum err record_full(struct call_batch *b, struct call_session *s,
    const struct call_member *m, const struct call_input *in) {
    if (m->row.n < CALL_MEMBERS_MAX) {
        return OK;
    }
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "roster_full", in, "", &e));
    return call_event_int(b, e, "members", m->row.n);
}

static enum err record_change(struct call_batch *b, struct call_session *s,
    const struct call_member *m, const struct call_input *in, const char *type, const char *from,
    const char *to) {
    if (to == NULL || call_rtc_same(from, to)) {
        return OK;
    }
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, type, in, call_rtc_subject(b, &m->row), &e));
    TRY(call_event_text(b, e, "from", from));
    return call_event_text(b, e, "to", to);
}

/* --- effects --- */

enum err call_rtc_join(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (roster_full(s)) {
        return OK;
    }
    wake(b, s, in);
    struct call_member *m = add_stay(b, s, in);
    if (m == NULL) {
        return no_memory();
    }
    s->row.is_group = s->row.is_group || more_than_two(b, s, m->row.user_id);
    settle_media(s);
    note_company(s, m->row.joined_at);
    if (in->reconciled && m->row.joined_at < s->row.created_at && s->row.ring_event_id == NULL) {
        /* Found in the room's state, in no order: the call is as old as its oldest member. */
        s->row.created_at = m->row.joined_at;
        s->row.caller_user = m->row.user_id;
        s->row.caller_party = m->row.party;
    }
    TRY(record_join(b, s, m, in));
    TRY(record_full(b, s, m, in));
    return call_session_push(b, s, PUSH_USER_JOINED, in, NULL);
}

static void describe_call(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    s->row.caller_user = in->member.user_id;
    s->row.caller_party = in->member.device_id ? in->member.device_id : "";
    s->row.first_event_id = in->event_id;
    s->row.ring_event_id = NULL;
    s->row.created_at = in->member.start_ms;
    /* Clients that say nothing are older than the field, and all of them open the camera. */
    s->row.media = call_rtc_same(in->member.intent, "audio") ? "audio" : "video";
    s->row.partial =
        in->member.start_given; /* only a re-sent event has it: an earlier one was missed */
    s->row.historic = in->member.expires_at <= b->now_ms;
    s->row.deadline_at = 0;
    call_rtc_forget_rings(
        s); /* of a stub: of users who are not the first member, so they do not ring */
}

enum err call_rtc_begin(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    describe_call(b, s, in);
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "session_started", in, "", &e));
    TRY(call_event_text(b, e, "media", s->row.media));
    TRY(call_event_text(b, e, "slot", s->row.call_id));
    return call_rtc_join(b, s, in);
}

enum err call_rtc_answer(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const bool late = s->state != CALL_RINGING;
    if (!s->row.historic) {
        s->row.deadline_at = 0;
    }
    TRY(call_rtc_join(b, s, in));
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "call_answered", in, "", &e));
    e->late = e->late || late;
    return call_session_push(b, s, PUSH_CALL_ACCEPTED, in, NULL);
}

enum err call_rtc_refresh(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = call_rtc_stay(s, in);
    if (call_rtc_same(m->row.last_event_id, in->event_id)) {
        return OK;
    }
    wake(b, s, in);
    TRY(record_change(b, s, m, in, "intent_changed", m->row.intent, in->member.intent));
    TRY(record_change(b, s, m, in, "focus_changed", m->row.focus_url, in->member.focus_url));
    note_content(m, in);
    m->row.refreshes++;
    settle_media(s);
    return OK;
}

static enum err push_out(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    return call_rtc_end_stay(b, s, call_rtc_stay(s, in), in, "replaced");
}

enum err call_rtc_take_over(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    TRY(push_out(b, s, in));
    return call_rtc_join(b, s, in);
}

enum err call_rtc_take_over_ringing(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (!s->row.historic) {
        s->row.deadline_at = 0;
    }
    TRY(push_out(b, s, in));
    call_rtc_forget_rings(s);
    s->row.end_reason = RTC_CANCELLED;
    return call_rtc_join(b, s, in);
}

enum err call_rtc_continue_stay(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = call_rtc_stay(s, in);
    wake(b, s, in);
    m->row.left_at = 0;
    m->row.leave_reason = NULL;
    m->row.actor = NULL;
    m->row.refreshes++;
    note_content(m, in);
    note_company(s, m->row.joined_at);
    return call_rtc_record(b, s, "participant_resumed", in, call_rtc_subject(b, &m->row), NULL);
}

enum err call_rtc_resume(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const char *mark = call_rtc_mark(s->state);
    call_session_enter(b, s, CALL_ACTIVE, in);
    s->row.end_reason = mark;
    s->row.status = call_rtc_status(&s->row, CALL_ACTIVE);
    TRY(call_rtc_record(b, s, "session_resumed", in, "", NULL));
    return call_rtc_stay_goes_on(b, s, in) ? call_rtc_continue_stay(b, s, in)
                                           : call_rtc_join(b, s, in);
}
