/* Legacy calls: which session an input belongs to, and when the timer must look.  Thread: main. */
#include "calls/legacy.h"

#include "calls/legacy_effects.h"
#include "calls/legacy_people.h"

#include <string.h>

/* Legacy calls of one room at a time that are not over; a room has one or two, a flood has any
 * number. */
#define LEGACY_LIVE_MAX 100

static size_t live_in_room(const struct call_batch *b, const char *room_id) {
    size_t n = 0;
    for (const struct call_session *s = b->sessions; s != NULL; s = s->next) {
        n += !call_session_final(s) && strcmp(s->row.kind, "legacy") == 0 &&
             strcmp(s->row.room_id, room_id) == 0;
    }
    return n;
}

static enum err refuse(struct call_batch *b, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_batch_record_stray(b, "call_refused", in, &e));
    e->call_id = in->legacy.call_id;
    TRY(call_event_text(b, e, "input", call_input_name(in->type)));
    return call_event_text(b, e, "problem", "too many calls in this room at a time");
}

enum err call_legacy_apply(struct call_batch *b, const struct call_input *in) {
    struct call_session *s = call_session_find_legacy(b, in->room_id, in->legacy.call_id);
    if (s == NULL && live_in_room(b, in->room_id) >= LEGACY_LIVE_MAX) {
        return refuse(b, in);
    }
    if (s == NULL) {
        s = call_session_create(b, "legacy", in, in->legacy.call_id, in->legacy.call_id);
        if (s == NULL) {
            return err_set(ERR_NOMEM, "no memory for a call");
        }
    }
    return call_machine_step(b, s, in);
}

int64_t call_legacy_due(const struct call_batch *b, const struct call_session *s) {
    if (s->state == CALL_ACTIVE) {
        return s->row.last_event_at + b->policy->max_duration_ms;
    }
    if (s->state == CALL_ANSWERED) {
        const struct call_member *first = call_legacy_first_answer(s);
        return (first == NULL ? s->row.last_event_at : first->row.joined_at) + LEGACY_SELECT_MS;
    }
    return s->row.deadline_at;
}
