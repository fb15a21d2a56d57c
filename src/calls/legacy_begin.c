/* How a legacy call begins: by its invite, or by something that came before it.  Thread: main. */
#include "calls/legacy_effects.h"
#include "calls/legacy_kept.h"
#include "calls/legacy_people.h"

#include <string.h>

/* An invite for nobody in particular rings in small rooms only: clients do not offer such calls in
 * larger ones. */
#define RING_ROOM_MAX 20

/* 2.1; the reader clamps as well, but a kept input has been through the database. */
#define LIFETIME_MIN_MS     1000
#define LIFETIME_MAX_MS     600000
#define LIFETIME_DEFAULT_MS 60000

int64_t call_legacy_lifetime(const struct call_batch *b, const struct call_input *in) {
    int64_t most = b->policy->ring_lifetime_max_ms;
    most = most > 0 && most < LIFETIME_MAX_MS ? most : LIFETIME_MAX_MS;
    int64_t ms = in->legacy.lifetime_ms > 0 ? in->legacy.lifetime_ms : LIFETIME_DEFAULT_MS;
    ms = ms < LIFETIME_MIN_MS ? LIFETIME_MIN_MS : ms;
    return ms > most ? most : ms;
}

/* --- the invite --- */

static enum err add_caller(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = NULL;
    TRY(call_legacy_party(b, s, in, &m));
    if (m == NULL) {
        return OK;
    }
    m->row.role = "caller";
    m->row.event_id = in->event_id;
    m->row.joined_at = in->sent_ms;
    call_legacy_take_metadata(m, in);
    return OK;
}

/* What a stub took for answers will be answers again by the replay. */
static void forget_answers(struct call_session *s) {
    s->row.answered_at = 0;
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        m->row.answered_at = 0;
        m->changed = true;
    }
}

static void take_invite(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    s->row.caller_user = in->sender;
    s->row.caller_party = in->legacy.party_id;
    s->row.callee_user = call_legacy_callee(b, in);
    s->row.first_event_id = in->event_id;
    s->row.voip_version = in->legacy.version;
    s->row.media = in->legacy.video ? "video" : "audio";
    s->row.rings = call_legacy_room_rings(b, in->room_id);
    s->row.created_at = in->origin_ms;
    s->row.ringing_at = in->origin_ms;
    s->row.partial = false;
    s->changed = true;
}

static enum err record_invite(struct call_batch *b, struct call_session *s,
    const struct call_input *in, struct store_event **ret) {
    TRY(call_session_record(b, s, "call_invited", in, ret));
    TRY(call_event_text(b, *ret, "media", s->row.media));
    TRY(call_event_text(b, *ret, "party", in->legacy.party_id));
    TRY(call_event_int(b, *ret, "version", in->legacy.version));
    TRY(call_event_int(b, *ret, "lifetime_ms", call_legacy_lifetime(b, in)));
    TRY(call_event_text(b, *ret, "callee", s->row.callee_user));
    return call_event_text(b, *ret, "sdp", b->policy->keep_sdp ? in->legacy.sdp : NULL);
}

static enum err push_incoming(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (s->row.callee_user != NULL) {
        return call_session_push(b, s, PUSH_INCOMING_CALL, in, s->row.callee_user);
    }
    const struct call_room_view *room = call_batch_room(b, in->room_id);
    size_t n = room != NULL && room->known && room->n_joined <= RING_ROOM_MAX ? room->n_joined : 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(room->joined[i], in->sender) != 0) {
            TRY(call_session_push(b, s, PUSH_INCOMING_CALL, in, room->joined[i]));
        }
    }
    return OK;
}

/* The kept inputs go through the table again, in their order, now that the caller is known. */
static enum err replay(struct call_batch *b, struct call_session *s) {
    const struct store_kept *kept = s->kept;
    size_t n = s->n_kept;
    call_kept_clear(s);
    for (size_t i = 0; i < n; i++) {
        struct call_input in;
        TRY(call_kept_read(b->arena, s->row.room_id, s->row.call_id, &kept[i], &in));
        TRY(call_machine_step(b, s, &in));
    }
    return OK;
}

enum err call_legacy_invite(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    take_invite(b, s, in);
    forget_answers(s);
    s->row.deadline_at = in->sent_ms + call_legacy_lifetime(b, in);
    TRY(add_caller(b, s, in));
    struct store_event *e = NULL;
    TRY(record_invite(b, s, in, &e));
    TRY(push_incoming(b, s, in));
    call_session_enter(b, s, CALL_RINGING, in);
    return replay(b, s);
}

enum err call_legacy_historic_invite(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    int64_t deadline = in->sent_ms + call_legacy_lifetime(b, in);
    take_invite(b, s, in);
    forget_answers(s);
    s->row.historic = true;
    s->row.ended_at = deadline;
    s->row.final_origin_at = deadline;
    s->row.end_reason = "invite_timeout";
    TRY(add_caller(b, s, in));
    struct store_event *invited = NULL;
    TRY(record_invite(b, s, in, &invited));
    invited->late = true;
    struct store_event *missed = NULL;
    TRY(call_session_record(b, s, "call_missed", in, &missed));
    missed->late = true;
    missed->at = deadline;
    call_session_enter(b, s, CALL_MISSED, in);
    return replay(b, s);
}

enum err call_legacy_conflict(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "conflicting_invite", in, &e));
    return call_event_text(b, e, "party", in->legacy.party_id);
}

enum err call_legacy_fill_invite(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const char *answerer = s->row.callee_user;
    take_invite(b, s, in);
    if (answerer != NULL) {
        s->row.callee_user = answerer;
    }
    TRY(add_caller(b, s, in));
    struct call_member *m = call_session_find_party(s, in->sender, in->legacy.party_id);
    if (m != NULL) {
        call_session_leave(b, s, m, s->row.ended_at, s->row.end_reason, NULL);
    }
    struct store_event *e = NULL;
    TRY(record_invite(b, s, in, &e));
    e->late = true;
    return OK;
}

/* --- the stub --- */

static enum err record_partial(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    s->row.partial = true;
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "call_partial", in, &e));
    return call_event_text(b, e, "input", call_input_name(in->type));
}

void call_legacy_note_earlier(struct call_session *s, const struct call_input *in) {
    if (s->row.partial && in->origin_ms < s->row.created_at) {
        s->row.created_at = in->origin_ms;
        s->changed = true;
    }
}

static enum err keep(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    call_legacy_note_earlier(s, in);
    TRY(call_kept_add(b, s, in));
    if (in->legacy.video) {
        s->row.media = "video";
    }
    return OK;
}

enum err call_legacy_stub(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    s->row.deadline_at = b->now_ms + LEGACY_STUB_MS;
    TRY(record_partial(b, s, in));
    return keep(b, s, in);
}

enum err call_legacy_stub_answer(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (s->state == CALL_NONE) {
        TRY(record_partial(b, s, in));
    }
    TRY(keep(b, s, in));
    TRY(call_legacy_note_answer(b, s, in, "call_answered", NULL));
    if (s->row.callee_user == NULL) {
        s->row.callee_user = in->sender;
    }
    if (s->row.answered_at == 0) {
        s->row.answered_at = call_session_when(s, in);
    }
    s->row.status = "active";
    s->row.deadline_at = b->now_ms + b->policy->max_duration_ms;
    return OK;
}

/* Only signs of a living call make a stub wait longer; once it was answered it waits for the hangup
 * anyhow. */
enum err call_legacy_stub_more(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (in->type == IN_CANDIDATES && s->row.answered_at == 0) {
        s->row.deadline_at = b->now_ms + LEGACY_STUB_MS;
    }
    return keep(b, s, in);
}

enum err call_legacy_stub_hangup(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (s->state == CALL_NONE) {
        TRY(record_partial(b, s, in));
    }
    call_legacy_finish(b, s, in, CALL_ENDED, in->legacy.reason);
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "call_ended", in, &e));
    return call_event_text(b, e, "reason", s->row.end_reason);
}

enum err call_legacy_stub_timeout(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const char *reason = s->row.answered_at != 0 ? "expired" : "no_invite";
    call_legacy_finish(b, s, in, CALL_ENDED, reason);
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "call_ended", in, &e));
    return call_event_text(b, e, "reason", reason);
}
