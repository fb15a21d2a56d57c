/* Ring, decline, notification.  Thread: main. */
#include "calls/rtc_rings.h"

#include "calls/rtc.h"
#include "calls/rtc_callees.h"
#include "calls/rtc_end.h"
#include "calls/rtc_entry.h"
#include "calls/rtc_kept.h"
#include "calls/rtc_members.h"

#include <string.h>

int64_t call_rtc_ring_end(const struct call_session *s) {
    const int64_t end = call_rtc_kept_end(s);
    return end != 0 ? end : s->row.deadline_at;
}

/* --- guards --- */

bool call_rtc_ring_waits(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return call_rtc_kept_ties(s, in->member.user_id, in->event_id, in->member.start_ms);
}

bool call_rtc_alone(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return call_rtc_user_in(s, in->sender) && !call_rtc_company(s);
}

bool call_rtc_ring_over(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return call_rtc_ring_end(s) <= in->origin_ms;
}

bool call_rtc_callee_declines(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return call_rtc_same(s->row.ring_event_id, in->ring.target_event_id) &&
           call_rtc_same(s->row.callee_user, in->sender);
}

static bool two_people(const struct call_batch *b, const struct call_session *s) {
    const struct call_room_view *room = call_batch_room(b, s->row.room_id);
    return room != NULL && room->known && room->n_joined == 2;
}

bool call_rtc_likely_ring(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    const struct call_member *m = call_rtc_latest_stay(s, in->sender);
    return s->row.ring_event_id == NULL && m != NULL && call_rtc_alone(b, s, in) &&
           call_rtc_owns_event(s, in->sender, in->ring.target_event_id) &&
           in->origin_ms - m->row.joined_at <= RTC_OPAQUE_RING_MS;
}

bool call_rtc_likely_ring_of_two(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    return call_rtc_likely_ring(b, s, in) && two_people(b, s);
}

/* A guessed ring in a larger room does not ring; what it may have lived follows from when it came.
 */
static int64_t likely_end(const struct call_session *s) {
    return s->state == CALL_RINGING ? call_rtc_ring_end(s)
                                    : s->row.created_at + RTC_OPAQUE_RING_MS + RTC_OPAQUE_LIFE_MS;
}

bool call_rtc_likely_decline(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return call_rtc_same(s->row.ring_event_id, in->ring.target_event_id) &&
           !call_rtc_same(s->row.caller_user, in->sender) && in->origin_ms <= likely_end(s);
}

bool call_rtc_likely_decline_of_two(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    return call_rtc_likely_decline(b, s, in) && call_rtc_callee_declines(b, s, in) &&
           !s->row.is_group && (two_people(b, s) || call_batch_room(b, in->room_id) == NULL);
}

/* --- a ring out of its input --- */

static enum err ring_of(
    struct call_batch *b, const struct call_input *in, struct call_rtc_ring *ret) {
    const bool opaque = in->type == IN_RELATED_OPAQUE;
    *ret = (struct call_rtc_ring){
        .event_id = in->event_id,
        .sender = in->sender,
        .target = in->ring.target_event_id,
        .intent = opaque ? NULL : in->ring.intent,
        .start_ms = opaque ? in->origin_ms : in->ring.start_ms,
        .end_ms = opaque ? in->origin_ms + RTC_OPAQUE_LIFE_MS : in->ring.end_ms,
    };
    const int64_t most = b->policy->ring_lifetime_max_ms;
    if (most > 0 && ret->end_ms - ret->start_ms > most) {
        ret->end_ms = ret->start_ms + most;
    }
    return call_rtc_callees(b, in, ret);
}

static const char *only_callee(const struct call_rtc_ring *ring) {
    return ring->n_callees == 1 ? ring->callees[0] : "";
}

static enum err record(struct call_batch *b, struct call_session *s,
    const struct call_rtc_ring *ring, const struct call_input *in, struct store_event **ret) {
    const char *callees = NULL;
    TRY(call_rtc_callees_text(b, ring, &callees));
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "call_ringing", in, only_callee(ring), &e));
    e->late = e->late || ring->end_ms <= b->now_ms;
    e->inferred = in->type == IN_RELATED_OPAQUE;
    TRY(call_event_int(b, e, "ends_at", ring->end_ms));
    TRY(call_event_int(b, e, "callees", (int64_t)ring->n_callees));
    TRY(call_event_text(b, e, "users", callees));
    *ret = e;
    return OK;
}

/* --- effects --- */

enum err call_rtc_stub_ring(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_rtc_ring ring;
    struct store_event *e = NULL;
    TRY(ring_of(b, in, &ring));
    s->row.partial = true;
    s->row.deadline_at = b->now_ms + RTC_STUB_MS;
    s->row.ring_event_id = in->event_id;
    TRY(call_rtc_keep_ring(b, s, &ring, in));
    return record(b, s, &ring, in, &e);
}

static enum err push_ring(struct call_batch *b, struct call_session *s,
    const struct call_rtc_ring *ring, const struct call_input *in) {
    for (size_t i = 0; i < ring->n_callees && ring->end_ms > b->now_ms; i++) {
        TRY(call_session_push(b, s, PUSH_INCOMING_CALL, in, ring->callees[i]));
    }
    return OK;
}

/* From now on the session rings; `in` is what made it so, the ring or the member it waited for. */
static enum err set_ringing(struct call_batch *b, struct call_session *s,
    const struct call_rtc_ring *ring, const struct call_input *in) {
    s->row.ring_event_id = ring->event_id;
    s->row.ringing_at = ring->start_ms;
    s->row.callee_user = ring->n_callees == 1 ? ring->callees[0] : NULL;
    s->row.is_group = s->row.is_group || ring->n_callees > 1;
    s->row.end_reason = NULL;
    if (!s->row.historic) {
        s->row.deadline_at = ring->end_ms;
    }
    const struct call_member *caller = call_rtc_latest_stay(s, ring->sender);
    if (ring->intent != NULL && (caller == NULL || caller->row.intent == NULL)) {
        s->row.media = strcmp(ring->intent, "audio") == 0 ? "audio" : "video";
    }
    call_rtc_forget_rings(s);
    TRY(call_rtc_keep_ring(b, s, ring, in));
    return push_ring(b, s, ring, in);
}

enum err call_rtc_begin_ringing(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_rtc_ring ring;
    bool found = false;
    TRY(call_rtc_kept_ring(b, s, in->member.user_id, &ring, &found));
    TRY(call_rtc_begin(b, s, in));
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "ring_tied", in, "", &e));
    TRY(call_event_text(b, e, "ring", ring.event_id));
    return set_ringing(b, s, &ring, in);
}

enum err call_rtc_start_ring(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_rtc_ring ring;
    struct store_event *e = NULL;
    TRY(ring_of(b, in, &ring));
    TRY(record(b, s, &ring, in, &e));
    return set_ringing(b, s, &ring, in);
}

enum err call_rtc_record_ring(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_rtc_ring ring;
    struct store_event *e = NULL;
    TRY(ring_of(b, in, &ring));
    ring.n_callees = in->type == IN_RELATED_OPAQUE ? 0 : ring.n_callees; /* no guess upon a guess */
    TRY(record(b, s, &ring, in, &e));
    e->late = e->late || call_session_final(s);
    if (in->type == IN_RELATED_OPAQUE) {
        s->row.ring_event_id = in->event_id; /* what a hidden decline will point to */
        s->changed = true;
    }
    return OK;
}

static enum err miss(
    struct call_batch *b, struct call_session *s, const struct call_input *in, const char *callee) {
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "call_missed", in, callee ? callee : "", &e));
    e->at = call_rtc_ring_end(s);
    return callee ? call_session_push(b, s, PUSH_CALL_MISSED, in, callee) : OK;
}

enum err call_rtc_ring_missed(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_rtc_ring ring = { .n_callees = 0 };
    bool found = false;
    TRY(call_rtc_kept_ring(b, s, NULL, &ring, &found));
    for (size_t i = 0; i < ring.n_callees; i++) {
        TRY(miss(b, s, in, ring.callees[i]));
    }
    if (ring.n_callees == 0) {
        TRY(miss(b, s, in, NULL));
    }
    TRY(call_session_push(b, s, PUSH_CALL_MISSED, in, NULL));
    call_rtc_forget_rings(s);
    s->row.end_reason = RTC_UNANSWERED;
    if (!s->row.historic) {
        s->row.deadline_at = 0;
    }
    return OK;
}

enum err call_rtc_record_decline(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "call_declined", in, "", &e));
    e->inferred = in->type == IN_RELATED_OPAQUE;
    e->late = e->late || call_session_final(s);
    return OK;
}

enum err call_rtc_declined(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    TRY(call_rtc_record_decline(b, s, in));
    TRY(call_session_push(b, s, PUSH_CALL_REJECTED, in, NULL));
    call_rtc_forget_rings(s);
    s->row.end_reason = RTC_DECLINED;
    if (!s->row.historic) {
        s->row.deadline_at = 0;
    }
    return OK;
}

enum err call_rtc_record_notified(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "call_notified", in, "", &e));
    return call_event_int(b, e, "mentions", (int64_t)in->ring.n_mentions);
}
