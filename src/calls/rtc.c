/* Which session an input of MatrixRTC concerns; making it, and moving its clock.  Thread: main. */
#include "calls/rtc.h"

#include "calls/rtc_entry.h"
#include "calls/rtc_kept.h"
#include "calls/rtc_leaves.h"
#include "calls/rtc_members.h"
#include "calls/rtc_rings.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The slot of the room call (3.1): where the stub of a ring waits that names none. */
#define ROOM_SLOT "m.call#ROOM"

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a call of a room");
}

void call_rtc_register_metrics(void) {
    call_rtc_leaves_register_metrics();
}

/* --- time --- */

static int64_t earlier(int64_t a, int64_t b) {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The next thing that time does to the members, by the clock of the session's events. */
static int64_t next_expiry(const struct call_session *s) {
    int64_t at = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        at = m->row.left_at == 0 ? earlier(at, m->row.expires_at) : at;
    }
    return at;
}

int64_t call_rtc_due(const struct call_session *s) {
    return s->row.historic ? s->row.deadline_at : earlier(s->row.deadline_at, next_expiry(s));
}

/* What would have happened before `until_ms` happens first, whether or not the timer has come to
 * it: so a call has the same story however late its events arrive. */
static enum err advance(struct call_batch *b, struct call_session *s, int64_t until_ms) {
    for (size_t steps = 1 + call_session_live(s); steps > 0; steps--) {
        if (s->state != CALL_RINGING && s->state != CALL_ACTIVE) {
            return OK;
        }
        int64_t due = earlier(s->state == CALL_RINGING ? call_rtc_ring_end(s) : 0, next_expiry(s));
        if (due == 0 || due >= until_ms) {
            return OK;
        }
        const struct call_input in = {
            .type = IN_DEADLINE,
            .room_id = s->row.room_id,
            .origin_ms = due,
            .sent_ms = due,
            .received_ms = b->now_ms,
        };
        TRY(call_machine_step(b, s, &in));
    }
    return OK;
}

static enum err step(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    TRY(call_machine_step(b, s, in));
    if (s->row.historic && !call_session_final(s)) {
        s->row.deadline_at = b->now_ms + RTC_HISTORIC_WAIT_MS;
        s->changed = true;
    }
    return OK;
}

/* --- finding and making --- */

static bool is_here(const struct call_session *s, const struct call_input *in) {
    return call_rtc_is_rtc(s) && strcmp(s->row.room_id, in->room_id) == 0;
}

static char *lower(struct call_batch *b, const char *s) {
    char *copy = arena_strdup(b->arena, s);
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return copy;
}

/* Unique in the room. Found in its state, an event may be that of a call long over, which nobody
 * emptied: hence the time. */
static char *natural_key(struct call_batch *b, const struct call_input *in, const char *slot) {
    const char *event = in->event_id ? in->event_id : "";
    if (in->reconciled) {
        return arena_printf(b->arena, "%s/%s/%lld", slot, event, (long long)b->now_ms);
    }
    return arena_printf(b->arena, "%s/%s", slot, event);
}

static bool is_taken(const struct call_batch *b, const struct call_input *in, const char *key) {
    for (const struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (is_here(s, in) && strcmp(s->row.natural_key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* *ret stays NULL when this very event has begun a call before. */
static enum err make_session(struct call_batch *b, const struct call_input *in, const char *slot,
    struct call_session **ret) {
    char *low = lower(b, slot);
    char *key = low ? natural_key(b, in, low) : NULL;
    if (key == NULL) {
        return no_memory();
    }
    *ret = NULL;
    if (is_taken(b, in, key)) {
        return OK;
    }
    struct call_session *s = call_session_create(b, "rtc", in, slot, key);
    if (s == NULL) {
        return no_memory();
    }
    s->row.slot = low;
    *ret = s;
    return OK;
}

/* The session in which the sender is; of several the one joined last. */
static struct call_session *session_of_user(
    const struct call_batch *b, const struct call_input *in) {
    struct call_session *found = NULL;
    int64_t latest = 0;
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        const struct call_member *m =
            is_here(s, in) && !call_session_final(s) ? call_rtc_latest_stay(s, in->sender) : NULL;
        if (m != NULL && (found == NULL || m->row.joined_at >= latest)) {
            found = s;
            latest = m->row.joined_at;
        }
    }
    return found;
}

/* --- members --- */

static bool is_call(const struct call_input_member *m) {
    return m->slot != NULL && (m->application == NULL || strcmp(m->application, "m.call") == 0);
}

static enum err recheck(
    struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    return call_rtc_out_of_order(call_rtc_stay(s, in), in) ? call_batch_recheck(b, in->room_id)
                                                           : OK;
}

/* One key holds one membership: what it held in another slot is over. */
static enum err leave_other_slots(struct call_batch *b, const struct call_input *in) {
    struct call_input left = *in;
    left.type = IN_MEMBER_LEFT;
    left.member.leave_reason = "moved";
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (!is_here(s, in) || call_session_final(s) ||
            (is_call(&in->member) && strcasecmp(s->row.slot, in->member.slot) == 0)) {
            continue;
        }
        const struct call_member *m = call_rtc_stay(s, in);
        if (m != NULL && m->row.left_at == 0) {
            TRY(step(b, s, &left));
        }
    }
    return OK;
}

static enum err record_application(struct call_batch *b, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_batch_record_stray(b, "rtc_other_application", in, &e));
    TRY(call_event_text(b, e, "application", in->member.application));
    return call_event_text(b, e, "slot", in->member.slot);
}

/* Does an input about a call that is over still concern it? Else it begins the next one. */
static bool concerns_past(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    return call_rtc_join_beaten(b, s, in) || call_rtc_rejoins(b, s, in);
}

/* A room's state keeps dead entries for ever, of calls that are long over: they tell nothing new.
 */
static bool begins_call(const struct call_batch *b, const struct call_input *in) {
    return in->member.expires_at > b->now_ms &&
           call_session_find_event(b, in->room_id, in->event_id) == NULL;
}

static enum err apply_member(struct call_batch *b, const struct call_input *in) {
    TRY(leave_other_slots(b, in));
    if (!is_call(&in->member)) {
        return record_application(b, in);
    }
    struct call_session *s = call_session_find_slot(b, in->room_id, in->member.slot);
    if (s != NULL) {
        TRY(recheck(b, s, in));
        TRY(advance(b, s, in->origin_ms));
    }
    if (s == NULL || (call_session_final(s) && !concerns_past(b, s, in))) {
        if (in->reconciled && !begins_call(b, in)) {
            return OK;
        }
        TRY(make_session(b, in, in->member.slot, &s));
    }
    return s == NULL ? OK : step(b, s, in);
}

/* An emptied entry may not say its slot any more: the session is where the entry was. */
static enum err apply_left(struct call_batch *b, const struct call_input *in) {
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (!is_here(s, in)) {
            continue;
        }
        TRY(recheck(b, s, in));
        TRY(advance(b, s, in->origin_ms));
        TRY(step(b, s, in));
    }
    return OK;
}

/* The room's state, read a moment ago, says nothing about a call to which something has happened
 * since: the next look will. */
static bool state_is_older(const struct call_session *s, const struct call_input *in) {
    return in->member.state_key == NULL && s->row.last_event_at >= in->member.snapshot_ms;
}

static enum err apply_list(struct call_batch *b, const struct call_input *in) {
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (is_here(s, in) && !call_session_final(s) && !state_is_older(s, in)) {
            TRY(step(b, s, in));
        }
    }
    return OK;
}

/* An older closing does not concern a call that began after it: clients of today do not ask whether
 * the slot is open. */
static enum err apply_slot_closed(struct call_batch *b, const struct call_input *in) {
    struct call_session *s = call_session_find_slot(b, in->room_id, in->member.slot);
    if (s == NULL || call_session_final(s) || in->origin_ms < s->row.created_at) {
        return OK;
    }
    TRY(advance(b, s, in->origin_ms));
    return call_session_final(s) ? OK : step(b, s, in);
}

/* Encrypted: somebody's membership began, changed or ended. Which, and in which slot, nobody can
 * say. */
static enum err apply_member_opaque(struct call_batch *b, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_batch_record_stray(b, "rtc_member_opaque", in, &e));
    e->inferred = true;
    return OK;
}

/* --- rings --- */

/* The session a notification belongs to: the one it points to, else that of its sender (FluffyChat
 * points to nothing). */
static struct call_session *session_of_ring(
    const struct call_batch *b, const struct call_input *in) {
    struct call_session *s = call_session_find_event(b, in->room_id, in->ring.target_event_id);
    return s != NULL && call_rtc_is_rtc(s) ? s : session_of_user(b, in);
}

static struct call_session *live_in_slot(
    const struct call_batch *b, const struct call_input *in, const char *slot) {
    struct call_session *s = call_session_find_slot(b, in->room_id, slot);
    return s != NULL && !call_session_final(s) ? s : NULL;
}

static enum err apply_ring(struct call_batch *b, const struct call_input *in) {
    const char *slot = in->ring.slot ? in->ring.slot : ROOM_SLOT;
    struct call_session *s = session_of_ring(b, in);
    if (s == NULL) {
        s = live_in_slot(b, in, slot);
    }
    if (s == NULL) {
        TRY(make_session(b, in, slot, &s));
    }
    if (s == NULL) {
        return OK;
    }
    TRY(advance(b, s, in->origin_ms));
    return step(b, s, in);
}

static enum err record_lost(struct call_batch *b, const struct call_input *in, const char *type) {
    struct store_event *e = NULL;
    TRY(call_batch_record_stray(b, type, in, &e));
    e->partial = true;
    return call_event_text(b, e, "target", in->ring.target_event_id);
}

static enum err apply_notify(struct call_batch *b, const struct call_input *in) {
    struct call_session *s = session_of_ring(b, in);
    return s ? step(b, s, in) : record_lost(b, in, "call_notified");
}

static enum err apply_decline(struct call_batch *b, const struct call_input *in) {
    struct call_session *s = call_session_find_event(b, in->room_id, in->ring.target_event_id);
    if (s == NULL || !call_rtc_is_rtc(s)) {
        return record_lost(b, in, "call_declined");
    }
    TRY(advance(b, s, in->origin_ms));
    return step(b, s, in);
}

/* Most reactions and relations are about messages: no session, nothing to say. */
static enum err apply_related(struct call_batch *b, const struct call_input *in) {
    struct call_session *s = call_session_find_event(b, in->room_id, in->ring.target_event_id);
    if (s == NULL || !call_rtc_is_rtc(s)) {
        return OK;
    }
    TRY(advance(b, s, in->origin_ms));
    return step(b, s, in);
}

/* --- the door --- */

typedef enum err apply_fn(struct call_batch *b, const struct call_input *in);
static apply_fn *const routes[IN_COUNT] = {
    [IN_MEMBER] = apply_member,
    [IN_MEMBER_LEFT] = apply_left,
    [IN_MEMBER_LIST] = apply_list,
    [IN_MEMBER_OPAQUE] = apply_member_opaque,
    [IN_RING] = apply_ring,
    [IN_NOTIFY] = apply_notify,
    [IN_DECLINE] = apply_decline,
    [IN_SLOT_CLOSED] = apply_slot_closed,
    [IN_HAND_RAISED] = apply_related,
    [IN_RELATED_OPAQUE] = apply_related,
};

enum err call_rtc_apply(struct call_batch *b, const struct call_input *in) {
    return routes[in->type](b, in);
}
