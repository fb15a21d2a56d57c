/* Fields of Matrix events, read with their places. Pure. */
#include "appservice/event.h"

#include "core/utf8.h"
#include "matrix/ids.h"

#include <stdio.h>
#include <string.h>

int64_t as_clamp(int64_t value, int64_t least, int64_t most) {
    return value < least ? least : value > most ? most : value;
}

/* --- places --- */

static void place(const struct as_node *n, const char *key, char ret[AS_PATH_SIZE]) {
    snprintf(ret, AS_PATH_SIZE, "%.47s%s%.47s", n->path, n->path[0] == '\0' ? "" : ".", key);
}

static const char *what(const json_t *json) {
    if (json == NULL) {
        return "nothing";
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

enum err as_node_wrong(
    const struct as_node *n, const char *key, const char *wanted, const json_t *json) {
    char path[AS_PATH_SIZE];
    place(n, key, path);
    return err_set(ERR_INVALID, "%s: want %s, got %s", path, wanted, what(json));
}

json_t *as_node_get(const struct as_node *n, const char *key) {
    json_t *json = json_object_get(n->json, key);
    return json_is_null(json) ? NULL : json;
}

const char *as_node_which(const struct as_node *n, const char *first, const char *second) {
    return as_node_get(n, first) != NULL ? first : second;
}

/* --- objects and lists --- */

static enum err inner(const struct as_node *n, const char *key, json_type type, const char *wanted,
    bool must, struct as_node *ret) {
    json_t *json = as_node_get(n, key);
    if (json == NULL ? must : json_typeof(json) != type) {
        return as_node_wrong(n, key, wanted, json);
    }
    ret->json = json;
    place(n, key, ret->path);
    return OK;
}

enum err as_node_object(const struct as_node *n, const char *key, struct as_node *ret) {
    return inner(n, key, JSON_OBJECT, "an object", true, ret);
}

enum err as_node_maybe_object(const struct as_node *n, const char *key, struct as_node *ret) {
    return inner(n, key, JSON_OBJECT, "an object", false, ret);
}

enum err as_node_list(const struct as_node *n, const char *key, struct as_node *ret) {
    return inner(n, key, JSON_ARRAY, "a list", true, ret);
}

enum err as_node_maybe_list(const struct as_node *n, const char *key, struct as_node *ret) {
    return inner(n, key, JSON_ARRAY, "a list", false, ret);
}

struct as_node as_node_item(const struct as_node *list, size_t i) {
    struct as_node item = { .json = json_array_get(list->json, i) };
    if (!json_is_object(item.json)) {
        item.json = NULL;
    }
    snprintf(item.path, sizeof(item.path), "%.47s[%zu]", list->path, i);
    return item;
}

/* --- texts --- */

enum err as_node_peek(const struct as_node *n, const char *key, const char **ret, size_t *ret_len) {
    const json_t *json = as_node_get(n, key);
    if (json == NULL) {
        *ret = NULL;
        *ret_len = 0;
        return OK;
    }
    if (!json_is_string(json)) {
        return as_node_wrong(n, key, "a string", json);
    }
    const char *text = json_string_value(json);
    size_t len = json_string_length(json);
    if (memchr(text, '\0', len) != NULL) {
        char path[AS_PATH_SIZE];
        place(n, key, path);
        return err_set(ERR_INVALID, "%s: a string must not hold NUL", path);
    }
    *ret = text;
    *ret_len = len;
    return OK;
}

static enum err copy(struct arena *a, const char *text, size_t len, const char **ret) {
    const char *own = arena_strndup(a, text, len);
    if (own == NULL) {
        return err_set(ERR_NOMEM, "no memory for a text of an event");
    }
    *ret = own;
    return OK;
}

static enum err wrong_size(
    const struct as_node *n, const char *key, size_t min, size_t max, size_t len) {
    char path[AS_PATH_SIZE];
    place(n, key, path);
    return err_set(
        ERR_INVALID, "%s: want a string of %zu to %zu bytes, got %zu", path, min, max, len);
}

enum err as_node_text(const struct as_node *n, const char *key, size_t min, size_t max,
    struct arena *a, const char **ret) {
    const char *text;
    size_t len;
    TRY(as_node_peek(n, key, &text, &len));
    if (text == NULL) {
        return as_node_wrong(n, key, "a string", NULL);
    }
    if (len < min || len > max) {
        return wrong_size(n, key, min, max, len);
    }
    return copy(a, text, len, ret);
}

enum err as_node_maybe_text(
    const struct as_node *n, const char *key, size_t max, struct arena *a, const char **ret) {
    if (as_node_get(n, key) == NULL) {
        *ret = NULL;
        return OK;
    }
    return as_node_text(n, key, 0, max, a, ret);
}

enum err as_node_cut_text(
    const struct as_node *n, const char *key, size_t max, struct arena *a, const char **ret) {
    const char *text;
    size_t len;
    TRY(as_node_peek(n, key, &text, &len));
    if (text == NULL) {
        *ret = NULL;
        return OK;
    }
    return copy(a, text, utf8_prefix(text, len, max), ret);
}

enum err as_node_maybe_user(
    const struct as_node *n, const char *key, struct arena *a, const char **ret) {
    const char *text;
    size_t len;
    TRY(as_node_peek(n, key, &text, &len));
    if (text == NULL) {
        *ret = NULL;
        return OK;
    }
    if (len > AS_ID_MAX || !mx_user_id_valid(text)) {
        return as_node_wrong(n, key, "a user id", as_node_get(n, key));
    }
    return copy(a, text, len, ret);
}

/* --- numbers --- */

enum err as_node_int(const struct as_node *n, const char *key, int64_t fallback, int64_t *ret) {
    const json_t *json = as_node_get(n, key);
    if (json == NULL) {
        *ret = fallback;
    } else if (json_is_integer(json)) {
        *ret = as_clamp(json_integer_value(json), -AS_NUMBER_MAX, AS_NUMBER_MAX);
    } else if (json_is_real(json)) {
        double most = (double)AS_NUMBER_MAX;
        double value = json_real_value(json);
        *ret = value >= most ? AS_NUMBER_MAX : value <= -most ? -AS_NUMBER_MAX : (int64_t)value;
    } else {
        return as_node_wrong(n, key, "a number", json);
    }
    return OK;
}

enum err as_node_bool(const struct as_node *n, const char *key, bool fallback, bool *ret) {
    const json_t *json = as_node_get(n, key);
    if (json != NULL && !json_is_boolean(json)) {
        return as_node_wrong(n, key, "a boolean", json);
    }
    *ret = json == NULL ? fallback : json_is_true(json);
    return OK;
}

/* --- relations --- */

/* Relations belong to everybody's events, so an odd one makes nothing of ours malformed. The last
 * spelling is FluffyChat's call page, which meant the first. */
enum err as_node_reference(const struct as_node *content, struct arena *a, const char **ret) {
    static const char *const spellings[] = { "m.relates_to", "m.relates.to" };
    *ret = NULL;
    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        const json_t *relation = as_node_get(content, spellings[i]);
        const char *type = json_string_value(json_object_get(relation, "rel_type"));
        const json_t *target = json_object_get(relation, "event_id");
        size_t len = json_string_length(target);
        if (type != NULL && strcmp(type, "m.reference") == 0 && len > 1 && len <= AS_ID_MAX &&
            json_string_value(target)[0] == '$' && strlen(json_string_value(target)) == len) {
            return copy(a, json_string_value(target), len, ret);
        }
    }
    return OK;
}

/* --- what all events have --- */

static enum err read_room(struct as_event *e) {
    const char *text;
    TRY(as_node_text(&e->root, "room_id", 1, AS_ID_MAX, e->arena, &text));
    if (!mx_room_id_valid(text)) {
        return as_node_wrong(&e->root, "room_id", "a room id", as_node_get(&e->root, "room_id"));
    }
    e->room_id = text;
    return OK;
}

static enum err read_event_id(struct as_event *e) {
    const char *text;
    TRY(as_node_text(&e->root, "event_id", 2, AS_ID_MAX, e->arena, &text));
    if (text[0] != '$') {
        return as_node_wrong(
            &e->root, "event_id", "an event id", as_node_get(&e->root, "event_id"));
    }
    e->event_id = text;
    return OK;
}

static enum err read_sender(struct as_event *e) {
    TRY(as_node_maybe_user(&e->root, "sender", e->arena, &e->sender));
    return e->sender != NULL ? OK : as_node_wrong(&e->root, "sender", "a user id", NULL);
}

static enum err read_state_key(struct as_event *e) {
    return as_node_maybe_text(&e->root, "state_key", AS_ID_MAX, e->arena, &e->state_key);
}

/* The homeserver's own clock beats origin_server_ts, which is the word of a server far away. Where
 * the age is missing (Conduit family) the origin has to do: a replayed event must never look new.
 */
static enum err read_times(struct as_event *e, const struct as_node *about) {
    int64_t origin;
    int64_t age;
    TRY(as_node_int(&e->root, "origin_server_ts", e->received_ms, &origin));
    e->origin_ms = as_clamp(origin, AS_TIME_MIN, e->received_ms);
    TRY(as_node_int(&e->root, "age", e->received_ms - e->origin_ms, &age));
    TRY(as_node_int(about, "age", age, &age));
    e->sent_ms = e->received_ms - as_clamp(age, 0, e->received_ms - AS_TIME_MIN);
    return OK;
}

static enum err read_unsigned(struct as_event *e) {
    struct as_node about = { 0 };
    TRY(as_node_maybe_object(&e->root, "unsigned", &about));
    e->ignored = json_is_true(as_node_get(&about, "io.element.synapse.soft_failed")) ||
                 json_is_true(as_node_get(&about, "io.element.synapse.policy_server_spammy"));
    e->redacted = as_node_get(&about, "redacted_because") != NULL ||
                  as_node_get(&about, "redacted_by") != NULL;
    return read_times(e, &about);
}

enum err as_event_open(const struct as_observer_config *cfg, const json_t *json, const char *type,
    int64_t received_ms, bool reconciled, struct arena *arena, struct as_event *ret) {
    static enum err (*const reads[])(struct as_event *) = { read_room, read_event_id, read_sender,
        read_state_key, read_unsigned };
    *ret = (struct as_event){ .cfg = cfg,
        .arena = arena,
        .root = { .json = (json_t *)(uintptr_t)json }, /* only read: jansson wants no const */
        .type = type,
        .received_ms = received_ms,
        .origin_ms = received_ms,
        .sent_ms = received_ms,
        .reconciled = reconciled };
    enum err e = OK;
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        enum err got = reads[i](ret);
        if (got != OK && e != ERR_NOMEM) {
            e = got;
        }
    }
    return e;
}

int64_t as_event_age(const struct as_event *e) {
    return e->received_ms - e->sent_ms;
}

bool as_event_current(const struct as_event *e, int64_t lifetime_ms) {
    return !e->ignored && !e->reconciled && as_event_age(e) <= lifetime_ms;
}

struct call_input as_event_input(const struct as_event *e, enum call_input_type type) {
    return (struct call_input){ .type = type,
        .room_id = e->room_id,
        .event_id = e->event_id,
        .sender = e->sender,
        .origin_ms = e->origin_ms,
        .sent_ms = e->sent_ms,
        .received_ms = e->received_ms,
        .ignored = e->ignored,
        .reconciled = e->reconciled };
}

enum err as_event_push(struct as_event *e, const struct call_input *in) {
    if (e->n_inputs == e->cap_inputs) {
        size_t cap = e->cap_inputs == 0 ? 2 : e->cap_inputs * 4;
        struct call_input *more = arena_array(e->arena, cap, sizeof(*more));
        if (more == NULL) {
            return err_set(ERR_NOMEM, "no memory for what an event says");
        }
        if (e->n_inputs > 0) {
            memcpy(more, e->inputs, e->n_inputs * sizeof(*more));
        }
        e->inputs = more;
        e->cap_inputs = cap;
    }
    e->inputs[e->n_inputs++] = *in;
    return OK;
}
