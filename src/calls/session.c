/* One call of the batch: making, finding and moving it.  Thread: main. */
#include "calls/session.h"

#include "calls/legacy.h"
#include "calls/rtc.h"

#include <string.h>
#include <strings.h>

struct call_session *call_session_create(struct call_batch *b, const char *kind,
    const struct call_input *in, const char *call_id, const char *natural_key) {
    struct call_session *s = arena_alloc(b->arena, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->row = (struct store_call){
        .kind = kind,
        .room_id = in->room_id,
        .call_id = call_id,
        .natural_key = natural_key,
        .media = "audio",
        .rings = true,
        .created_at = in->origin_ms,
        .last_event_at = in->received_ms,
        .duration_ms = -1,
    };
    crypto_uuid(b->now_ms, s->row.id);
    s->state = CALL_NONE;
    s->row.state = call_state_name(CALL_NONE);
    s->created = true;
    struct call_session **end = &b->sessions;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = s;
    return s;
}

/* --- directory --- */

struct call_session *call_session_find_legacy(
    const struct call_batch *b, const char *room_id, const char *call_id) {
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (strcmp(s->row.kind, "legacy") == 0 && strcmp(s->row.room_id, room_id) == 0 &&
            strcmp(s->row.call_id, call_id) == 0) {
            return s;
        }
    }
    return NULL;
}

static bool closed_later(const struct call_session *s, const struct call_session *than) {
    return than == NULL || s->row.closed_at >= than->row.closed_at;
}

struct call_session *call_session_find_slot(
    const struct call_batch *b, const char *room_id, const char *slot) {
    struct call_session *closed = NULL;
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (s->row.slot == NULL || strcmp(s->row.room_id, room_id) != 0 ||
            strcasecmp(s->row.slot, slot) != 0) {
            continue;
        }
        if (!call_session_final(s)) {
            return s;
        }
        if (closed_later(s, closed)) {
            closed = s;
        }
    }
    return closed;
}

static bool is(const char *have, const char *want) {
    return have != NULL && strcmp(have, want) == 0;
}

static bool began_by(const struct call_session *s, const char *event_id) {
    if (is(s->row.first_event_id, event_id) || is(s->row.ring_event_id, event_id)) {
        return true;
    }
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (is(m->row.event_id, event_id) || is(m->row.last_event_id, event_id)) {
            return true;
        }
    }
    for (size_t i = 0; i < s->n_kept; i++) {
        if (is(s->kept[i].event_id, event_id)) {
            return true;
        }
    }
    return false;
}

struct call_session *call_session_find_event(
    const struct call_batch *b, const char *room_id, const char *event_id) {
    for (struct call_session *s = b->sessions; s != NULL && event_id != NULL; s = s->next) {
        if (strcmp(s->row.room_id, room_id) == 0 && began_by(s, event_id)) {
            return s;
        }
    }
    return NULL;
}

const struct call_room_view *call_batch_room(const struct call_batch *b, const char *room_id) {
    for (size_t i = 0; i < b->n_rooms; i++) {
        if (strcmp(b->rooms[i].room_id, room_id) == 0) {
            return &b->rooms[i];
        }
    }
    return NULL;
}

/* --- moving --- */

/* NULL: the status does not follow from the state alone, it stays what the effect made it. */
static const char *const public_status[CALL_STATE_COUNT] = {
    [CALL_RINGING] = "ringing",
    [CALL_ANSWERED] = "active",
    [CALL_ACTIVE] = "active",
    [CALL_ENDED] = "ended",
    [CALL_REJECTED] = "rejected",
    [CALL_MISSED] = "missed",
    [CALL_CANCELLED] = "cancelled",
    [CALL_FAILED] = "failed",
};

static bool is_final(enum call_state s) {
    return (STATES_FINAL & STATE_BIT(s)) != 0;
}

bool call_session_final(const struct call_session *s) {
    return is_final(s->state);
}

int64_t call_session_when(const struct call_session *s, const struct call_input *in) {
    int64_t at = in->origin_ms > in->received_ms ? in->received_ms : in->origin_ms;
    return at < s->row.created_at ? s->row.created_at : at;
}

static void set_once(int64_t *field, int64_t value) {
    if (*field == 0) {
        *field = value;
    }
}

static void close_session(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    set_once(&s->row.closed_at, b->now_ms);
    set_once(&s->row.ended_at, call_session_when(s, in));
    set_once(&s->row.final_origin_at, call_session_when(s, in));
    s->row.deadline_at = 0;
}

/* Forgets how it ended: only the timeline tells that it was over once. */
static void reopen_session(struct call_session *s) {
    s->row.closed_at = 0;
    s->row.ended_at = 0;
    s->row.final_origin_at = 0;
    s->row.duration_ms = -1;
    s->row.end_reason = NULL;
    s->row.failed_reason = NULL;
    s->row.ended_by = NULL;
    s->row.superseded_by = NULL;
}

void call_session_enter(
    struct call_batch *b, struct call_session *s, enum call_state to, const struct call_input *in) {
    if (is_final(to)) {
        close_session(b, s, in);
    } else if (is_final(s->state)) {
        reopen_session(s);
    }
    s->state = to;
    s->row.state = call_state_name(to);
    if (strcmp(s->row.kind, "rtc") == 0) {
        s->row.status = call_rtc_status(&s->row, to);
    } else if (public_status[to] != NULL) {
        s->row.status = public_status[to];
    }
    s->changed = true;
}

int64_t call_session_due(const struct call_batch *b, const struct call_session *s) {
    if (call_session_final(s)) {
        return 0;
    }
    return strcmp(s->row.kind, "legacy") == 0 ? call_legacy_due(b, s) : call_rtc_due(s);
}
