/*
 * A reading as one line, so that the tables of the readers' tests compare texts:
 *
 *     invite call=c1 party=P v=1 life=60000 video !people
 *
 * Texts that are NULL are left out; times are milliseconds before (-) or after (+) RECEIVED_MS.
 * Events are written with ' for ".
 */
#ifndef TESTS_UNIT_APPSERVICE_SAY_H
#define TESTS_UNIT_APPSERVICE_SAY_H

#include "appservice/observer.h"
#include "calls/input.h"
#include "core/buf.h"
#include "test.h"

#include <inttypes.h>
#include <string.h>

#define RECEIVED_MS INT64_C(1764000010000)

static const struct as_observer_config say_config = {
    .server_name = "example.com", .focus_url = "https://sfu.example.com", .keep_sdp = false
};

static inline void say_text(struct buf *b, const char *key, const char *value) {
    if (value != NULL) {
        buf_printf(b, " %s=%s", key, value);
    }
}

static inline void say_time(struct buf *b, const char *key, int64_t ms) {
    if (ms != 0) {
        buf_printf(b, " %s=%+" PRId64, key, ms - RECEIVED_MS);
    }
}

static inline void say_list(struct buf *b, const char *key, const char *const *list, size_t n) {
    buf_printf(b, " %s=[", key);
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s%s", i == 0 ? "" : ",", list[i]);
    }
    buf_putc(b, ']');
}

static inline void say_legacy(struct buf *b, const struct call_input *in) {
    const struct call_input_legacy *l = &in->legacy;
    say_text(b, "call", l->call_id);
    say_text(b, "party", l->party_id);
    buf_printf(b, " v=%d", l->version);
    if (l->lifetime_ms != 0) {
        buf_printf(b, " life=%" PRId64, l->lifetime_ms);
    }
    say_text(b, "invitee", l->invitee);
    buf_puts(b, l->has_sdp ? l->video ? " video" : " audio" : "");
    say_text(b, "sdp", l->sdp);
    say_text(b, "description", l->description_type);
    say_text(b, "selected", l->selected_party_id);
    say_text(b, "reason", l->reason);
    if (l->has_metadata) {
        buf_printf(b, " streams%s%s%s", l->audio_muted ? " audio_muted" : "",
            l->video_muted ? " video_muted" : "", l->screen_shared ? " screen" : "");
    }
    if (in->type == IN_CANDIDATES) {
        buf_printf(b, " host=%d srflx=%d prflx=%d relay=%d tcp=%d", l->candidates_host,
            l->candidates_srflx, l->candidates_prflx, l->candidates_relay, l->candidates_tcp);
    }
    say_text(b, "id", l->asserted_id);
    say_text(b, "name", l->asserted_name);
    say_text(b, "replacement", l->replacement_id);
    say_text(b, "target", l->target_user);
    say_text(b, "create", l->create_call);
    say_text(b, "await", l->await_call);
    say_text(b, "room", l->target_room);
}

static inline void say_member(struct buf *b, const struct call_input *in) {
    const struct call_input_member *m = &in->member;
    say_text(b, "gen", m->generation);
    say_text(b, "app", m->application);
    say_text(b, "slot", m->slot);
    say_text(b, "key", m->entry_key);
    say_text(b, "state_key", m->state_key);
    say_text(b, "user", m->user_id);
    say_text(b, "key_user", m->key_user);
    say_text(b, "device", m->device_id);
    say_text(b, "id", m->membership_id);
    say_text(b, "intent", m->intent);
    say_text(b, m->focus_ours ? "our_focus" : "focus", m->focus_url);
    say_text(b, "selection", m->focus_selection);
    say_time(b, m->start_given ? "start_given" : "start", m->start_ms);
    say_time(b, "end", m->expires_at);
    say_time(b, "until", m->sticky_until);
    say_text(b, "reason", m->leave_reason);
    if (in->type == IN_MEMBER_LIST) {
        say_list(b, "remaining", m->remaining, m->n_remaining);
    }
}

static inline void say_ring(struct buf *b, const struct call_input *in) {
    const struct call_input_ring *r = &in->ring;
    say_text(b, "target", r->target_event_id);
    say_text(b, "slot", r->slot);
    if (r->n_mentions > 0) {
        say_list(b, "mentions", r->mentions, r->n_mentions);
    }
    buf_puts(b, r->mentions_room ? " everybody" : "");
    say_time(b, "start", r->start_ms);
    say_time(b, "end", r->end_ms);
    say_text(b, "intent", r->intent);
    buf_puts(b, r->older_name ? " older" : "");
}

static inline void say_room(struct buf *b, const struct call_input *in) {
    say_text(b, "user", in->room.user_id);
    say_text(b, "membership", in->room.membership);
    buf_puts(b, in->room.kicked ? " kicked" : "");
    if (in->room.problem != NULL) {
        buf_printf(b, " %s", in->room.problem);
    }
}

static inline void say_input(struct buf *b, const struct call_input *in) {
    buf_printf(b, "%s%s", b->len == 0 ? "" : "; ", call_input_name(in->type));
    if (in->type <= IN_REPLACES) {
        say_legacy(b, in);
    } else if (in->type <= IN_MEMBER_OPAQUE || in->type == IN_SLOT_CLOSED) {
        say_member(b, in);
    } else if (in->type == IN_USER_LEFT || in->type == IN_MALFORMED) {
        say_room(b, in);
    } else {
        say_ring(b, in);
    }
    buf_puts(b, in->ignored ? " ignored" : "");
    buf_puts(b, in->reconciled ? " reconciled" : "");
}

static inline void say_reading(struct buf *b, const struct as_reading *r) {
    for (size_t i = 0; i < r->n_inputs; i++) {
        say_input(b, &r->inputs[i]);
    }
    buf_puts(b, r->membership_changed ? " !changed" : "");
    buf_puts(b, r->look_at_room ? " !look" : "");
    buf_puts(b, r->needs_people ? " !people" : "");
}

/* Gives the JSON of a text with ' for ". */
static inline json_t *say_parse(const char *quoted) {
    struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, quoted);
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] = b.data[i] == '\'' ? '"' : b.data[i];
    }
    json_error_t error;
    json_t *json = json_loadb(b.data, b.len, JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        test_fail(__FILE__, __LINE__, "%s in %s", error.text, quoted);
    }
    buf_finish(&b);
    return json;
}

/* Reads an event and checks what it says. */
static inline void check_event(
    const struct as_observer_config *cfg, const json_t *event, bool reconciled, const char *want) {
    struct arena arena;
    struct as_reading reading;
    struct buf said;
    arena_init(&arena);
    buf_init(&said, 0);
    CHECK_ERR(OK, as_observer_read(cfg, event, RECEIVED_MS, reconciled, &arena, &reading));
    say_reading(&said, &reading);
    CHECK_STR(want, buf_str(&said));
    buf_finish(&said);
    arena_finish(&arena);
}

/* The event around a content: from @alice, sent one second before RECEIVED_MS and two by her own
 * server's clock. `state_key` NULL: a message; `more`: members of the event itself, each with a
 * comma behind it. */
static inline json_t *say_event(
    const char *type, const char *state_key, const char *more, const char *content) {
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b,
        "{'event_id':'$e','room_id':'!r:example.com','sender':'@alice:example.com',"
        "'origin_server_ts':%" PRId64 ",'unsigned':{'age':1000},'type':'%s',",
        RECEIVED_MS - 2000, type);
    if (state_key != NULL) {
        buf_printf(&b, "'state_key':'%s',", state_key);
    }
    buf_printf(&b, "%s'content':%s}", more == NULL ? "" : more, content);
    json_t *event = say_parse(buf_str(&b));
    buf_finish(&b);
    return event;
}

static inline void check_content(const char *type, const char *state_key, const char *more,
    const char *content, const char *want) {
    json_t *event = say_event(type, state_key, more, content);
    if (event != NULL) {
        check_event(&say_config, event, false, want);
    }
    json_decref(event);
}

#endif
