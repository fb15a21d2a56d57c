/* MatrixRTC members as state events -> inputs. */
#include "appservice/rtc_events.h"

#include "appservice/event.h"
#include "appservice/observer.h"
#include "appservice/rtc_key.h"

#include <stdlib.h>
#include <string.h>

#define INTENT_MAX 64 /* bytes; the known ones have 5 */

/* --- what members of all generations have --- */

enum err as_rtc_intent(const struct as_event *e, const struct as_node *n, const char **ret) {
    const char *text;
    TRY(as_node_cut_text(n, "m.call.intent", INTENT_MAX, e->arena, &text));
    *ret = NULL;
    if (text != NULL && (strcmp(text, "audio") == 0 || strcmp(text, "voice") == 0)) {
        *ret = "audio";
    } else if (text != NULL && strcmp(text, "video") == 0) {
        *ret = "video";
    }
    return OK;
}

static size_t bare_length(const char *url) {
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/') {
        n--;
    }
    return n;
}

static bool same_url(const char *a, const char *b) {
    size_t n = bare_length(a);
    return n > 0 && n == bare_length(b) && memcmp(a, b, n) == 0;
}

/* NULL when the entry is no LiveKit focus. Both spellings: deployed and latest. */
static const char *focus_of(const json_t *entry) {
    const char *type = json_string_value(json_object_get(entry, "type"));
    const json_t *url = json_object_get(entry, "livekit_service_url");
    size_t len = json_string_length(url);
    if (type == NULL || (strcmp(type, "livekit") != 0 && strcmp(type, "m.livekit") != 0) ||
        len == 0 || len > AS_URL_MAX || strlen(json_string_value(url)) != len) {
        return NULL;
    }
    return json_string_value(url);
}

enum err as_rtc_focus(
    const struct as_event *e, const struct as_node *foci, struct call_input_member *m) {
    size_t n = json_array_size(foci->json);
    for (size_t i = 0; i < n && i < AS_FOCI_MAX; i++) {
        const char *url = focus_of(json_array_get(foci->json, i));
        if (url == NULL) {
            continue;
        }
        m->focus_url = arena_strdup(e->arena, url);
        if (m->focus_url == NULL) {
            return err_set(ERR_NOMEM, "no memory for a focus");
        }
        m->focus_ours = same_url(url, e->cfg->focus_url);
        return OK;
    }
    return OK;
}

/* --- one entry --- */

/* `expires_ts` is an end and not a duration; Famedly means it, others wrote it for old clients
 * beside `expires`. */
static enum err read_times(
    const struct as_event *e, const struct as_node *n, bool famedly, struct call_input_member *m) {
    int64_t created;
    int64_t expires;
    int64_t end;
    m->start_given = as_node_get(n, "created_ts") != NULL;
    TRY(as_node_int(n, m->start_given ? "created_ts" : "created_at", e->origin_ms, &created));
    TRY(as_node_int(n, "expires", AS_EXPIRES_MS, &expires));
    m->start_ms = as_clamp(created, AS_TIME_MIN, e->received_ms);
    TRY(as_node_int(n, "expires_ts", m->start_ms + as_clamp(expires, 0, AS_NUMBER_MAX), &end));
    if (!famedly && as_node_get(n, "expires") != NULL) {
        end = m->start_ms + as_clamp(expires, 0, AS_NUMBER_MAX);
    }
    m->expires_at = as_clamp(end, AS_TIME_MIN, e->received_ms + AS_EXPIRES_MAX_MS);
    return OK;
}

/* What the session form and an entry of a list have in common. */
static enum err read_entry(const struct as_event *e, const struct as_node *n, const char *foci_key,
    struct call_input_member *m) {
    struct as_node foci;
    const char *call_id;
    TRY(as_node_text(n, "call_id", 0, AS_ID_MAX, e->arena, &call_id));
    TRY(as_node_text(n, "device_id", 1, AS_ID_MAX, e->arena, &m->device_id));
    TRY(as_node_maybe_text(n, "membershipID", AS_ID_MAX, e->arena, &m->membership_id));
    TRY(as_rtc_slot_of(m->application, call_id, e->arena, &m->slot));
    TRY(as_rtc_intent(e, n, &m->intent));
    TRY(as_node_maybe_list(n, foci_key, &foci));
    TRY(as_rtc_focus(e, &foci, m));
    return read_times(e, n, strcmp(m->generation, "famedly") == 0, m);
}

static enum err read_session(
    struct as_event *e, const struct as_node *c, const struct as_rtc_key *key) {
    struct as_node active;
    struct call_input in = as_event_input(e, IN_MEMBER);
    struct call_input_member *m = &in.member;
    m->generation = "state";
    m->entry_key = e->state_key;
    m->state_key = e->state_key;
    m->user_id = e->sender;
    m->key_user = key->user;
    TRY(as_node_text(c, "application", 1, AS_ID_MAX, e->arena, &m->application));
    TRY(read_entry(e, c, "foci_preferred", m));
    TRY(as_node_maybe_object(c, "focus_active", &active));
    TRY(as_node_cut_text(&active, "focus_selection", AS_NAME_MAX, e->arena, &m->focus_selection));
    return as_event_push(e, &in);
}

/* --- lists --- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err push_list(struct as_event *e, const char *generation, const struct as_rtc_key *key,
    const char **remaining, size_t n) {
    struct call_input in = as_event_input(e, IN_MEMBER_LIST);
    in.member.generation = generation;
    in.member.state_key = e->state_key;
    in.member.user_id = e->sender;
    in.member.key_user = key->user;
    in.member.remaining = remaining;
    in.member.n_remaining = n;
    if (n > 1) {
        qsort(remaining, n, sizeof(*remaining), by_text);
    }
    return as_event_push(e, &in);
}

static enum err read_list_entry(struct as_event *e, const struct as_node *entry,
    const char *generation, const struct as_rtc_key *key, const char **ret_key) {
    struct call_input in = as_event_input(e, IN_MEMBER);
    struct call_input_member *m = &in.member;
    m->generation = generation;
    m->state_key = e->state_key;
    m->user_id = e->sender;
    m->key_user = key->user;
    TRY(as_node_maybe_text(entry, "application", AS_ID_MAX, e->arena, &m->application));
    if (m->application == NULL) {
        m->application = "m.call";
    }
    TRY(read_entry(e, entry, "foci_active", m));
    const char *id = m->membership_id != NULL ? m->membership_id : m->device_id;
    m->entry_key = arena_printf(e->arena, "%s/%s", e->state_key, id);
    if (m->entry_key == NULL) {
        return err_set(ERR_NOMEM, "no memory for the key of an entry");
    }
    *ret_key = m->entry_key;
    return as_event_push(e, &in);
}

/* Without `memberships` there are none. */
static enum err read_list(struct as_event *e, const struct as_node *c, const char *generation,
    const struct as_rtc_key *key) {
    struct as_node list;
    TRY(as_node_maybe_list(c, "memberships", &list));
    size_t n = json_array_size(list.json);
    if (n > AS_MEMBERSHIPS_MAX) {
        return err_set(
            ERR_INVALID, "%s: want at most %d entries, got %zu", list.path, AS_MEMBERSHIPS_MAX, n);
    }
    const char **remaining = arena_array(e->arena, n, sizeof(*remaining));
    if (remaining == NULL) {
        return err_set(ERR_NOMEM, "no memory for %zu memberships", n);
    }
    for (size_t i = 0; i < n; i++) {
        struct as_node entry = as_node_item(&list, i);
        if (entry.json == NULL) {
            return err_set(ERR_INVALID, "%s: want an object", entry.path);
        }
        TRY(read_list_entry(e, &entry, generation, key, &remaining[i]));
    }
    return push_list(e, generation, key, remaining, n);
}

/* --- leaving --- */

/* Who leaves is the session's to know; the key is what is left of them here. */
static enum err push_left(struct as_event *e, const struct as_rtc_key *key) {
    struct call_input in = as_event_input(e, IN_MEMBER_LEFT);
    in.member.generation = "state";
    in.member.entry_key = e->state_key;
    in.member.state_key = e->state_key;
    in.member.user_id = key->user != NULL ? key->user : e->sender;
    in.member.key_user = key->user;
    in.member.device_id = key->device;
    in.member.slot = key->slot;
    in.member.leave_reason = e->redacted ? "redacted" : "left";
    return as_event_push(e, &in);
}

static enum err open_member(struct as_event *e, struct as_rtc_key *ret) {
    if (e->state_key == NULL) {
        return as_node_wrong(&e->root, "state_key", "a string", NULL);
    }
    return as_rtc_key_read(e->state_key, e->arena, ret);
}

enum err as_rtc_member(struct as_event *e, const struct as_node *c) {
    struct as_rtc_key key;
    TRY(open_member(e, &key));
    if (as_node_get(c, "memberships") != NULL) {
        return read_list(e, c, "array", &key);
    }
    if (as_node_get(c, "application") != NULL) {
        return read_session(e, c, &key);
    }
    TRY(push_left(e, &key));
    /* A key without a device held a list, and its entries have left as well. */
    return key.device == NULL ? push_list(e, "array", &key, NULL, 0) : OK;
}

enum err as_rtc_famedly(struct as_event *e, const struct as_node *c) {
    struct as_rtc_key key;
    TRY(open_member(e, &key));
    return read_list(e, c, "famedly", &key);
}
