/* A batch: loading, routing inputs to sessions, running deadlines, collecting what changed. Thread:
 * main. */
#include "calls/batch.h"

#include "calls/admin.h"
#include "calls/legacy.h"
#include "calls/rtc.h"
#include "calls/stale.h"
#include "calls/token.h"
#include "core/clock.h"
#include "store/calls.h"

#include <assert.h>
#include <string.h>

/* Longest run of deadlines of one session in one batch, beside one for each of its members. */
#define DEADLINE_STEPS_MAX 16
/* A deadline that its rule did not move must not come back at once: it would spin the timer. */
#define DEADLINE_AGAIN_MS (60 * SEC_MS)

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a batch of calls");
}

void call_batch_init(
    struct call_batch *b, struct arena *arena, const struct call_policy *policy, int64_t now_ms) {
    *b = (struct call_batch){ .arena = arena, .policy = policy, .now_ms = now_ms };
}

void *call_batch_grow(struct call_batch *b, void *items, size_t n, size_t *cap, size_t size) {
    if (n < *cap) {
        return items;
    }
    size_t wider = *cap == 0 ? 4 : *cap * 2;
    void *copy = arena_array(b->arena, wider, size);
    if (copy == NULL) {
        return NULL;
    }
    if (n > 0) {
        memcpy(copy, items, n * size);
    }
    *cap = wider;
    return copy;
}

/* --- loading --- */

static enum err load_members(
    struct call_batch *b, struct call_session *s, const struct store_loaded_call *from) {
    struct call_member **end = &s->members;
    for (size_t i = 0; i < from->n_participants; i++) {
        struct call_member *m = arena_alloc(b->arena, sizeof(*m));
        if (m == NULL) {
            return no_memory();
        }
        m->row = from->participants[i];
        *end = m;
        end = &m->next;
    }
    s->last_n = from->last_n;
    return OK;
}

static enum err load_session(
    struct call_batch *b, const struct store_loaded_call *from, struct call_session **ret) {
    struct call_session *s = arena_alloc(b->arena, sizeof(*s));
    if (s == NULL) {
        return no_memory();
    }
    s->row = from->row;
    s->state = call_state_read(from->row.state);
    if (s->state == CALL_STATE_COUNT) {
        return err_set(ERR_DATABASE, "call %s has the unknown state \"%s\"", s->row.id,
            from->row.state ? from->row.state : "");
    }
    s->before.status = s->row.status;
    s->before.answered = s->row.answered_at != 0;
    s->before.final = call_session_final(s);
    s->kept = from->kept;
    s->n_kept = from->n_kept;
    s->cap_kept = from->n_kept;
    TRY(load_members(b, s, from));
    *ret = s;
    return OK;
}

enum err call_batch_load(struct call_batch *b, const struct store_snapshot *snapshot) {
    struct call_session **end = &b->sessions;
    for (size_t i = 0; i < snapshot->n_calls; i++) {
        TRY(load_session(b, &snapshot->calls[i], end));
        end = &(*end)->next;
    }
    return OK;
}

/* --- routing --- */

static enum err apply_to_room(struct call_batch *b, const struct call_input *in) {
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (!call_session_final(s) && strcmp(s->row.room_id, in->room_id) == 0) {
            TRY(call_machine_step(b, s, in));
        }
    }
    return OK;
}

/* Most redactions are of messages: no session, nothing to say. */
static enum err apply_redaction(struct call_batch *b, const struct call_input *in) {
    struct call_session *s = call_session_find_event(b, in->room_id, in->ring.target_event_id);
    return s == NULL ? OK : call_machine_step(b, s, in);
}

static enum err apply_malformed(struct call_batch *b, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_batch_record_stray(b, "malformed_event", in, &e));
    TRY(call_event_text(b, e, "event_type", in->room.event_type));
    return call_event_text(b, e, "problem", in->room.problem);
}

static bool in_range(
    enum call_input_type t, enum call_input_type first, enum call_input_type last) {
    return t >= first && t <= last;
}

static struct call_session *session_of(const struct call_batch *b, const struct call_input *in) {
    if (in_range(in->type, IN_INVITE, IN_REPLACES)) {
        return call_session_find_legacy(b, in->room_id, in->legacy.call_id);
    }
    if (in_range(in->type, IN_MEMBER, IN_MEMBER_OPAQUE) || in->type == IN_SLOT_CLOSED) {
        return in->member.slot ? call_session_find_slot(b, in->room_id, in->member.slot) : NULL;
    }
    if (in_range(in->type, IN_RING, IN_RELATED_OPAQUE) || in->type == IN_REDACTED) {
        return call_session_find_event(b, in->room_id, in->ring.target_event_id);
    }
    return NULL;
}

static enum err record_ignored(struct call_batch *b, const struct call_input *in) {
    struct call_session *s = session_of(b, in);
    struct store_event *e = NULL;
    if (s != NULL) {
        TRY(call_session_record(b, s, "event_ignored", in, &e));
    } else {
        TRY(call_batch_record_stray(b, "event_ignored", in, &e));
    }
    return call_event_text(b, e, "input", call_input_name(in->type));
}

enum err call_batch_apply(struct call_batch *b, const struct call_input *in) {
    assert(in->type != IN_DEADLINE && (unsigned)in->type < IN_COUNT);
    if (in->type == IN_MALFORMED) {
        return apply_malformed(b, in);
    }
    if (call_token_is(in)) {
        return call_token_apply(b, in);
    }
    if (call_admin_is(in)) {
        return call_admin_apply(b, in);
    }
    if (call_stale_is(in)) {
        return call_stale_apply(b, in);
    }
    if (in->ignored) {
        return record_ignored(b, in);
    }
    if (in->type == IN_USER_LEFT) {
        return apply_to_room(b, in);
    }
    if (in->type == IN_REDACTED) {
        return apply_redaction(b, in);
    }
    if (in_range(in->type, IN_MEMBER, IN_RELATED_OPAQUE)) {
        return call_rtc_apply(b, in);
    }
    return call_legacy_apply(b, in);
}

enum err call_batch_recheck(struct call_batch *b, const char *room_id) {
    for (size_t i = 0; i < b->n_rechecks; i++) {
        if (strcmp(b->rechecks[i], room_id) == 0) {
            return OK;
        }
    }
    b->rechecks = call_batch_grow(b, b->rechecks, b->n_rechecks, &b->cap_rechecks, sizeof(char *));
    if (b->rechecks == NULL) {
        return no_memory();
    }
    b->rechecks[b->n_rechecks++] = room_id;
    return OK;
}

/* --- time --- */

static enum err run_session(struct call_batch *b, struct call_session *s) {
    size_t steps = DEADLINE_STEPS_MAX + call_session_live(s);
    int64_t due = call_session_due(b, s);
    while (due != 0 && due <= b->now_ms && steps > 0) {
        const struct call_input in = {
            .type = IN_DEADLINE,
            .room_id = s->row.room_id,
            .origin_ms = due,
            .sent_ms = due,
            .received_ms = b->now_ms,
        };
        TRY(call_machine_step(b, s, &in));
        due = call_session_due(b, s);
        steps--;
    }
    /* Also one that is still due: set_due moves it on. */
    if (s->row.due_at != due || (due != 0 && due <= b->now_ms)) {
        s->changed = true;
    }
    return OK;
}

enum err call_batch_run_deadlines(struct call_batch *b) {
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        TRY(run_session(b, s));
    }
    return OK;
}

/* --- what changed --- */

static size_t count_changed_members(const struct call_session *s) {
    size_t n = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        n += m->changed;
    }
    return n;
}

static bool has_changed(const struct call_session *s) {
    return s->state != CALL_NONE &&
           (s->changed || s->kept_changed || s->n_events > 0 || count_changed_members(s) > 0);
}

static void set_due(struct call_batch *b, struct call_session *s) {
    s->row.due_at = call_session_due(b, s);
    if (s->row.due_at != 0 && s->row.due_at <= b->now_ms) {
        s->row.due_at = b->now_ms + DEADLINE_AGAIN_MS;
    }
}

static enum err list_members(
    struct call_batch *b, struct call_session *s, struct store_changed_call *ret) {
    size_t n = count_changed_members(s);
    struct store_participant **list = arena_array(b->arena, n, sizeof(*list));
    if (list == NULL) {
        return no_memory();
    }
    ret->participants = list;
    ret->n_participants = n;
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->changed) {
            *list++ = &m->row;
        }
    }
    return OK;
}

static enum err list_session(
    struct call_batch *b, struct call_session *s, struct store_changed_call *ret) {
    set_due(b, s);
    *ret = (struct store_changed_call){
        .row = &s->row,
        .created = s->created,
        .kept = s->kept,
        .n_kept = s->n_kept,
        .kept_changed = s->kept_changed,
        .events = s->events,
        .n_events = s->n_events,
        .final = call_session_final(s),
    };
    return list_members(b, s, ret);
}

enum err call_batch_changes(struct call_batch *b, struct store_changes *ret) {
    size_t n = 0;
    for (const struct call_session *s = b->sessions; s != NULL; s = s->next) {
        n += has_changed(s);
    }
    struct store_changed_call *calls = arena_array(b->arena, n, sizeof(*calls));
    if (calls == NULL) {
        return no_memory();
    }
    size_t i = 0;
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (has_changed(s)) {
            TRY(list_session(b, s, &calls[i++]));
        }
    }
    *ret = (struct store_changes){
        .calls = calls,
        .n_calls = n,
        .strays = b->strays,
        .n_strays = b->n_strays,
        .now_ms = b->now_ms,
    };
    return call_news_collect(b, ret);
}
