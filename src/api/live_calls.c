/* A call and its people, field by field. */
#include "api/live_calls.h"

#include "core/buf.h"
#include "core/clock.h"
#include "store/live_calls.h"

#include <string.h>

/* Nothing for a time that is not known. */
static void print_time(struct buf *b, const char *key, int64_t at_ms) {
    char text[CLOCK_TEXT_SIZE];
    if (at_ms != 0) {
        clock_format(at_ms, text);
        buf_json_field(b, key, text);
    }
}

static void print_person(struct buf *b, const struct store_participant *p) {
    buf_puts(b, "{");
    buf_json_field(b, "user_id", p->user_id);
    buf_json_field(b, "device_id", p->party);
    buf_json_field(b, "role", p->role);
    buf_json_field(b, "generation", p->generation);
    print_time(b, "joined_at", p->joined_at);
    print_time(b, "answered_at", p->answered_at);
    print_time(b, "expires_at", p->expires_at);
    buf_json_field(b, "focus_url", p->focus_url);
    buf_json_field(b, "type", p->intent);
    buf_puts(b, "}");
}

static void print_call(struct buf *b, const struct store_live_call *c) {
    const struct store_call *row = &c->row;
    buf_puts(b, "{");
    buf_json_field(b, "session_id", row->id);
    buf_json_field(b, "kind", row->kind);
    buf_json_field(b, "room_id", row->room_id);
    buf_json_field(b, "call_id", row->call_id);
    buf_json_field(b, "status", row->status);
    buf_json_field(b, "type", row->media);
    buf_json_bool_field(b, "is_group", row->is_group);
    buf_json_field(b, "caller", row->caller_user);
    buf_json_field(b, "callee", row->callee_user);
    print_time(b, "created_at", row->created_at);
    print_time(b, "answered_at", row->answered_at);
    buf_json_key(b, "participants");
    buf_puts(b, "[");
    for (size_t i = 0; i < c->n_people; i++) {
        buf_puts(b, i == 0 ? "" : ",");
        print_person(b, &c->people[i]);
    }
    buf_puts(b, "]}");
}

void api_live_calls_print(struct buf *b, const struct store_live_calls *calls) {
    buf_puts(b, "{\"calls\":[");
    for (size_t i = 0; i < calls->n; i++) {
        buf_puts(b, i == 0 ? "" : ",");
        print_call(b, &calls->calls[i]);
    }
    buf_puts(b, "]");
    buf_json_bool_field(b, "more", calls->more || calls->incomplete);
    buf_puts(b, "}");
}
