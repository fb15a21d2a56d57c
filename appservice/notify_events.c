/* Rings, notifications, declines, raised hands -> inputs. */
#include "appservice/notify_events.h"

#include "appservice/event.h"
#include "appservice/rtc_events.h"
#include "appservice/rtc_key.h"
#include "matrix/ids.h"

#include <stdlib.h>
#include <string.h>

#define HAND                                                                                       \
    "\xF0\x9F\x96\x90\xEF\xB8\x8F" /* U+1F590 U+FE0F, the only spelling clients compare with */

/* --- whom, when --- */

static enum err read_user_ids(
    const struct as_event *e, const struct as_node *mentions, struct call_input_ring *r) {
    struct as_node list;
    TRY(as_node_maybe_list(mentions, "user_ids", &list));
    size_t n = json_array_size(list.json);
    n = n < AS_MENTIONS_MAX ? n : AS_MENTIONS_MAX;
    if (n == 0 || r->mentions_room) {
        return OK;
    }
    const char **users = arena_array(e->arena, n, sizeof(*users));
    for (size_t i = 0; users != NULL && i < n; i++) {
        const json_t *user = json_array_get(list.json, i);
        if (!json_is_string(user)) {
            return err_set(ERR_INVALID, "%s[%zu]: want a string", list.path, i);
        }
        const char *text = json_string_value(user);
        if (strlen(text) != json_string_length(user) || !mx_user_id_valid(text)) {
            continue;
        }
        users[r->n_mentions++] = arena_strdup(e->arena, text);
    }
    r->mentions = users;
    return e->arena->failed ? err_set(ERR_NOMEM, "no memory for %zu mentions", n) : OK;
}

static enum err read_mentions(
    const struct as_event *e, const struct as_node *c, struct call_input_ring *r) {
    struct as_node mentions;
    TRY(as_node_maybe_object(c, "m.mentions", &mentions));
    TRY(as_node_bool(&mentions, "room", false, &r->mentions_room));
    return read_user_ids(e, &mentions, r);
}

/* Returns the lifetime, by which the ring is old or not. */
static enum err read_times(const struct as_event *e, const struct as_node *c,
    struct call_input_ring *r, int64_t *ret_lifetime) {
    int64_t sender_ts;
    int64_t lifetime;
    TRY(as_node_int(c, "sender_ts", e->origin_ms, &sender_ts));
    TRY(as_node_int(c, "lifetime", AS_RING_MS, &lifetime));
    lifetime = as_clamp(lifetime, 0, AS_RING_MAX_MS);
    bool near = llabs(sender_ts - e->origin_ms) <= AS_SENDER_DRIFT_MS;
    r->start_ms = as_clamp(near ? sender_ts : e->origin_ms, AS_TIME_MIN, e->received_ms);
    r->end_ms = r->start_ms + lifetime;
    *ret_lifetime = lifetime;
    return OK;
}

static bool text_is(const struct as_node *n, const char *key, const char *want) {
    const char *text = json_string_value(as_node_get(n, key));
    return text != NULL && strcmp(text, want) == 0;
}

/* --- rings --- */

static enum err push_ring(struct as_event *e, const struct as_node *c, struct call_input *in) {
    int64_t lifetime;
    TRY(as_node_reference(c, e->arena, &in->ring.target_event_id));
    TRY(read_mentions(e, c, &in->ring));
    TRY(read_times(e, c, &in->ring, &lifetime));
    e->needs_people = in->type == IN_RING && as_event_current(e, lifetime);
    return as_event_push(e, in);
}

/* A sticky event is withdrawn by one that has nothing but its key (MSC4354). */
static bool withdrawn(const struct as_node *c) {
    size_t keys = (json_object_get(c->json, "msc4354_sticky_key") != NULL) +
                  (json_object_get(c->json, "sticky_key") != NULL);
    return json_object_size(c->json) == keys;
}

/* The latest text has no notification_type any more: what it calls a notification is meant to ring.
 * Application data is at top level in what clients send and inside `application` in the latest
 * text. */
enum err as_notify_ring(struct as_event *e, const struct as_node *c) {
    if (withdrawn(c)) {
        return OK;
    }
    const char *type;
    TRY(as_node_cut_text(c, "notification_type", AS_NAME_MAX, e->arena, &type));
    bool rings = type == NULL || strcmp(type, "ring") == 0;
    struct call_input in = as_event_input(e, rings ? IN_RING : IN_NOTIFY);
    TRY(as_node_maybe_text(c, "slot_id", AS_ID_MAX, e->arena, &in.ring.slot));
    TRY(as_rtc_intent(e, c, &in.ring.intent));
    if (in.ring.intent == NULL && json_is_object(as_node_get(c, "application"))) {
        struct as_node application;
        TRY(as_node_object(c, "application", &application));
        TRY(as_rtc_intent(e, &application, &in.ring.intent));
    }
    return push_ring(e, c, &in);
}

enum err as_notify_older(struct as_event *e, const struct as_node *c) {
    const char *application;
    const char *call_id;
    struct call_input in =
        as_event_input(e, text_is(c, "notify_type", "ring") ? IN_RING : IN_NOTIFY);
    in.ring.older_name = true;
    TRY(as_node_maybe_text(c, "application", AS_ID_MAX, e->arena, &application));
    TRY(as_node_maybe_text(c, "call_id", AS_ID_MAX, e->arena, &call_id));
    if (application != NULL && call_id != NULL) {
        TRY(as_rtc_slot_of(application, call_id, e->arena, &in.ring.slot));
    }
    return push_ring(e, c, &in);
}

/* --- declines and hands --- */

enum err as_notify_decline(struct as_event *e, const struct as_node *c) {
    struct call_input in = as_event_input(e, IN_DECLINE);
    if (withdrawn(c)) {
        return OK;
    }
    TRY(as_node_reference(c, e->arena, &in.ring.target_event_id));
    if (in.ring.target_event_id == NULL) {
        return err_set(ERR_INVALID, "content.m.relates_to: want an m.reference to an event");
    }
    return as_event_push(e, &in);
}

enum err as_notify_reaction(struct as_event *e, const struct as_node *c) {
    struct as_node relation;
    if (as_node_maybe_object(c, "m.relates_to", &relation) != OK ||
        !text_is(&relation, "rel_type", "m.annotation") || !text_is(&relation, "key", HAND)) {
        return OK;
    }
    struct call_input in = as_event_input(e, IN_HAND_RAISED);
    TRY(as_node_text(&relation, "event_id", 2, AS_ID_MAX, e->arena, &in.ring.target_event_id));
    return as_event_push(e, &in);
}
