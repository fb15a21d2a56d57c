/* The table of event types: which reader reads which. */
#include "appservice/observer.h"

#include "appservice/event.h"
#include "appservice/notify_events.h"
#include "appservice/room_events.h"
#include "appservice/rtc_events.h"
#include "appservice/rtc_sticky_events.h"
#include "appservice/voip_events.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

/* A reader adds inputs to `e`; ERR_INVALID with a sentence makes the event malformed. */
typedef enum err as_reader(struct as_event *e, const struct as_node *content);

struct row {
    const char *type;
    as_reader *read;
    bool even_redacted; /* an emptied content still says something */
};

/* Sorted by strcmp. Every name in all its spellings (matrix-calls 2.2, 2.7, 3.2, 3.3, 3.4). */
static const struct row rows[] = {
    { "com.famedly.call.member", as_rtc_famedly, true },
    { "m.call.answer", as_voip_answer, false },
    { "m.call.asserted_identity", as_voip_identity, false },
    { "m.call.candidates", as_voip_candidates, false },
    { "m.call.hangup", as_voip_hangup, false },
    { "m.call.invite", as_voip_invite, false },
    { "m.call.member", as_rtc_member, true },
    { "m.call.negotiate", as_voip_negotiate, false },
    { "m.call.notify", as_notify_older, false },
    { "m.call.reject", as_voip_reject, false },
    { "m.call.replaces", as_voip_replaces, false },
    { "m.call.sdp_stream_metadata_changed", as_voip_metadata, false },
    { "m.call.select_answer", as_voip_select_answer, false },
    { "m.reaction", as_notify_reaction, false },
    { "m.room.encrypted", as_rtc_encrypted, false },
    { "m.room.join_rules", as_room_join_rules, true },
    { "m.room.member", as_room_member, true },
    { "m.room.redaction", as_room_redaction, false },
    { "m.rtc.decline", as_notify_decline, false },
    { "m.rtc.member", as_rtc_sticky, false },
    { "m.rtc.notification", as_notify_ring, false },
    { "m.rtc.slot", as_rtc_slot, true },
    { "org.matrix.call.asserted_identity", as_voip_identity, false },
    { "org.matrix.call.replaces", as_voip_replaces, false },
    { "org.matrix.call.sdp_stream_metadata_changed", as_voip_metadata, false },
    { "org.matrix.msc3401.call.member", as_rtc_member, true },
    { "org.matrix.msc4075.call.notify", as_notify_older, false },
    { "org.matrix.msc4075.rtc.notification", as_notify_ring, false },
    { "org.matrix.msc4143.rtc.member", as_rtc_sticky, false },
    { "org.matrix.msc4143.rtc.slot", as_rtc_slot, true },
    { "org.matrix.msc4310.rtc.decline", as_notify_decline, false },
};

static int by_type(const void *key, const void *row) {
    return strcmp(key, ((const struct row *)row)->type);
}

/* NULL: none of ours. A type with a NUL inside is none either. */
static const struct row *find_row(const json_t *event) {
    const json_t *type = json_object_get(event, "type");
    const char *text = json_string_value(type);
    if (text == NULL || strlen(text) != json_string_length(type)) {
        return NULL;
    }
    return bsearch(text, rows, COUNT_OF(rows), sizeof(rows[0]), by_type);
}

static enum err read_content(struct as_event *e, const struct row *row) {
    struct as_node content;
    TRY(as_node_object(&e->root, "content", &content));
    if (e->redacted && !row->even_redacted) {
        return OK;
    }
    return row->read(e, &content);
}

/* One row of the audit instead of whatever the reader had said before it stumbled. */
static enum err push_malformed(struct as_event *e) {
    const char *text = err_text();
    struct call_input in = as_event_input(e, IN_MALFORMED);
    in.room.event_type = e->type;
    in.room.problem =
        arena_strndup(e->arena, text, utf8_prefix(text, strlen(text), AS_PROBLEM_MAX));
    if (in.room.problem == NULL) {
        return err_set(ERR_NOMEM, "no memory for what is wrong with an event");
    }
    e->n_inputs = 0;
    e->needs_people = false;
    return as_event_push(e, &in);
}

enum err as_observer_read(const struct as_observer_config *cfg, const json_t *event,
    int64_t received_ms, bool reconciled, struct arena *arena, struct as_reading *ret) {
    const struct row *row = find_row(event);
    if (row == NULL) {
        *ret = (struct as_reading){ 0 };
        return OK;
    }
    struct as_event e;
    enum err err = as_event_open(cfg, event, row->type, received_ms, reconciled, arena, &e);
    if (err == OK) {
        err = read_content(&e, row);
    }
    if (err == ERR_INVALID) {
        err = push_malformed(&e);
    }
    TRY(err);
    *ret = (struct as_reading){ .inputs = e.inputs,
        .n_inputs = e.n_inputs,
        .room_id = e.room_id,
        .membership_changed = e.membership_changed,
        .look_at_room = e.look_at_room,
        .needs_people = e.needs_people };
    return OK;
}
