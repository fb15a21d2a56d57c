/* MatrixRTC members as sticky events, slots, and hints from encrypted rooms -> inputs. */
#include "appservice/rtc_sticky_events.h"

#include "appservice/event.h"
#include "appservice/notify_events.h"
#include "appservice/rtc_events.h"

#include <string.h>

/* --- the sticky mark, beside the content --- */

static enum err read_mark(const struct as_event *e, int64_t *ret_duration) {
    struct as_node mark;
    const char *key = as_node_which(&e->root, "msc4354_sticky", "sticky");
    TRY(as_node_object(&e->root, key, &mark));
    if (as_node_get(&mark, "duration_ms") == NULL) {
        return as_node_wrong(&mark, "duration_ms", "a number", NULL);
    }
    int64_t duration;
    TRY(as_node_int(&mark, "duration_ms", 0, &duration));
    *ret_duration = as_clamp(duration, 0, AS_STICKY_MAX_MS);
    return OK;
}

/* The origin is clamped to the time of arrival already, so the two ends of 3.3 are one. */
static void set_times(const struct as_event *e, int64_t duration, struct call_input_member *m) {
    m->start_ms = e->origin_ms;
    m->sticky_until = e->origin_ms + duration;
    m->expires_at = m->sticky_until;
}

/* --- members --- */

/* The key in both spellings, which must not contradict each other; the latest text makes it the
 * member's id. */
static enum err read_sticky_key(
    const struct as_event *e, const struct as_node *c, const char *member_id, const char **ret) {
    const char *stable;
    const char *unstable;
    TRY(as_node_maybe_text(c, "sticky_key", AS_ID_MAX, e->arena, &stable));
    TRY(as_node_maybe_text(c, "msc4354_sticky_key", AS_ID_MAX, e->arena, &unstable));
    if (stable != NULL && unstable != NULL && strcmp(stable, unstable) != 0) {
        return err_set(ERR_INVALID, "content: sticky_key and msc4354_sticky_key differ");
    }
    *ret = stable != NULL ? stable : unstable != NULL ? unstable : member_id;
    return *ret != NULL ? OK : as_node_wrong(c, "msc4354_sticky_key", "a string", NULL);
}

/* Nobody may speak for somebody else (3.3). */
static enum err check_user(const struct as_event *e, const struct as_node *member) {
    const char *key = as_node_which(member, "user_id", "claimed_user_id");
    const char *user;
    TRY(as_node_maybe_text(member, key, AS_ID_MAX, e->arena, &user));
    if (user != NULL && strcmp(user, e->sender) != 0) {
        return err_set(ERR_INVALID, "%s.%s: want the sender", member->path, key);
    }
    return OK;
}

static bool says_leave(const struct as_node *c, const struct as_node *member) {
    const char *word = json_string_value(as_node_get(member, "membership"));
    return (member->json == NULL && as_node_get(c, "application") == NULL) ||
           (word != NULL && strcmp(word, "leave") == 0);
}

static enum err read_leave(
    const struct as_event *e, const struct as_node *c, struct call_input_member *m) {
    struct as_node reason;
    TRY(as_node_maybe_text(c, "slot_id", AS_ID_MAX, e->arena, &m->slot));
    TRY(as_node_maybe_object(c, "leave_reason", &reason));
    TRY(as_node_cut_text(&reason, "code", AS_LEAVE_CODE_MAX, e->arena, &m->leave_reason));
    if (m->leave_reason == NULL || strcmp(m->leave_reason, "leave") == 0) {
        m->leave_reason = "left";
    }
    return OK;
}

/* js-sdk 43: transports.published; 42 and before: rtc_transports. */
static enum err read_transports(
    const struct as_event *e, const struct as_node *c, struct call_input_member *m) {
    struct as_node transports;
    struct as_node list;
    TRY(as_node_maybe_object(c, "transports", &transports));
    TRY(as_node_maybe_list(&transports, "published", &list));
    if (list.json == NULL) {
        TRY(as_node_maybe_list(c, "rtc_transports", &list));
    }
    return as_rtc_focus(e, &list, m);
}

static enum err read_join(const struct as_event *e, const struct as_node *c,
    const struct as_node *member, struct call_input_member *m) {
    struct as_node application;
    const char *device_key = as_node_which(member, "device_id", "claimed_device_id");
    if (member->json == NULL) {
        return as_node_wrong(c, "member", "an object", NULL);
    }
    TRY(as_node_text(c, "slot_id", 1, AS_ID_MAX, e->arena, &m->slot));
    TRY(as_node_object(c, "application", &application));
    TRY(as_node_text(&application, "type", 1, AS_ID_MAX, e->arena, &m->application));
    TRY(as_node_maybe_text(member, device_key, AS_ID_MAX, e->arena, &m->device_id));
    if (m->device_id == NULL) {
        m->device_id = "";
    }
    TRY(as_rtc_intent(e, &application, &m->intent));
    return read_transports(e, c, m);
}

enum err as_rtc_sticky(struct as_event *e, const struct as_node *c) {
    int64_t duration;
    struct as_node member;
    const char *key;
    TRY(read_mark(e, &duration));
    TRY(as_node_maybe_object(c, "member", &member));
    bool leave = says_leave(c, &member);
    struct call_input in = as_event_input(e, leave ? IN_MEMBER_LEFT : IN_MEMBER);
    struct call_input_member *m = &in.member;
    TRY(check_user(e, &member));
    TRY(as_node_maybe_text(&member, "id", AS_ID_MAX, e->arena, &m->membership_id));
    TRY(read_sticky_key(e, c, m->membership_id, &key));
    m->generation = "sticky";
    m->user_id = e->sender;
    m->entry_key = arena_printf(e->arena, "%s/%s", e->sender, key);
    if (m->entry_key == NULL) {
        return err_set(ERR_NOMEM, "no memory for the key of an entry");
    }
    m->membership_id = m->membership_id != NULL ? m->membership_id : key;
    set_times(e, duration, m);
    TRY(leave ? read_leave(e, c, m) : read_join(e, c, &member, m));
    return as_event_push(e, &in);
}

/* --- slots --- */

/* js takes everything but "open" for closed, an emptied content too. */
enum err as_rtc_slot(struct as_event *e, const struct as_node *c) {
    const char *status;
    if (e->state_key == NULL) {
        return as_node_wrong(&e->root, "state_key", "a string", NULL);
    }
    TRY(as_node_cut_text(c, "status", AS_NAME_MAX, e->arena, &status));
    if (status != NULL && strcmp(status, "open") == 0) {
        return OK;
    }
    struct call_input in = as_event_input(e, IN_SLOT_CLOSED);
    in.member.slot = e->state_key;
    in.member.state_key = e->state_key;
    in.member.generation = "sticky";
    in.member.user_id = e->sender;
    return as_event_push(e, &in);
}

/* --- encrypted rooms --- */

static enum err push_related(struct as_event *e, const char *target) {
    struct call_input in = as_event_input(e, IN_RELATED_OPAQUE);
    in.ring.target_event_id = target;
    e->needs_people = as_event_current(e, AS_RING_MS); /* in a room of two it may ring */
    return as_event_push(e, &in);
}

/* A ring of js-sdk 43 is sticky and has a relation, so it gives both hints. */
enum err as_rtc_encrypted(struct as_event *e, const struct as_node *c) {
    const char *target;
    TRY(as_node_reference(c, e->arena, &target));
    if (target != NULL) {
        TRY(push_related(e, target));
    }
    const char *key = as_node_which(&e->root, "msc4354_sticky", "sticky");
    int64_t duration;
    if (as_node_get(&e->root, key) == NULL || read_mark(e, &duration) != OK) {
        return OK;
    }
    struct call_input in = as_event_input(e, IN_MEMBER_OPAQUE);
    in.member.generation = "sticky";
    in.member.user_id = e->sender;
    set_times(e, duration, &in.member);
    return as_event_push(e, &in);
}
