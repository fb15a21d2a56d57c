/*
 * Reading one Matrix event: the fields that all events have, and the readers' way to every other
 * field.
 *
 * Every field is hostile. A field of the wrong type or size is ERR_INVALID with a sentence that
 * names its place
 * ("content.call_id: want a string of 1 to 255 bytes, got a number"), from which the observer makes
 * IN_MALFORMED. JSON null counts as absent. Texts are copied to the arena, so the JSON may go.
 * Thread: main; pure.
 */
#ifndef APPSERVICE_EVENT_H
#define APPSERVICE_EVENT_H

#include "calls/input.h"
#include "core/err.h"
#include "core/mem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct as_observer_config;

#define AS_ID_MAX                                                                                  \
    255 /* bytes; Matrix: ids and state keys; 2.1: call_id; ours for party ids and the like */
#define AS_NAME_MAX    255  /* bytes; display names are cut to it */
#define AS_URL_MAX     1024 /* bytes of livekit_service_url */
#define AS_PROBLEM_MAX 255  /* bytes of the sentence in IN_MALFORMED */
#define AS_PATH_SIZE   96   /* bytes of a place; ours are all shorter */
#define AS_TIME_MIN                                                                                \
    1 /* ms; 0 means "not set" in rows and inputs, and no event may unset its own expiry */
#define AS_NUMBER_MAX ((INT64_C(1) << 53) - 1) /* canonical JSON: what every client can hold */

/* An object or list inside an event, and where it is. `json` NULL: it is not there, and neither is
 * anything in it. */
struct as_node {
    json_t *json;            /* borrowed from the event */
    char path[AS_PATH_SIZE]; /* "content.offer"; "" is the event itself */
};

/* An event while it is read. */
struct as_event {
    const struct as_observer_config *cfg;
    struct arena *arena;
    struct as_node root;
    const char *type;
    const char *event_id; /* the three ids are NULL only while an event is refused */
    const char *room_id;
    const char *sender;
    const char *state_key; /* NULL: no state event */
    int64_t origin_ms;
    int64_t sent_ms;
    int64_t received_ms;
    bool ignored;
    bool reconciled;
    bool redacted; /* the homeserver emptied it before it came to us */
    /* what the reader says */
    struct call_input *inputs;
    size_t n_inputs;
    size_t cap_inputs;
    bool membership_changed;
    bool look_at_room;
    bool needs_people;
};

/** Reads the fields common to all events; the type is known already and valid. After ERR_INVALID
 * *ret holds what could be read. */
MUST_CHECK enum err as_event_open(const struct as_observer_config *cfg, const json_t *json,
    const char *type, int64_t received_ms, bool reconciled, struct arena *arena,
    struct as_event *ret);
/** How old it was by the homeserver's clock when it came; never negative. */
int64_t as_event_age(const struct as_event *e);
/** May it still move people: neither soft-failed, nor from a room's state, nor older than
 * `lifetime_ms`? */
bool as_event_current(const struct as_event *e, int64_t lifetime_ms);
/** An input of this event with the common fields set. */
struct call_input as_event_input(const struct as_event *e, enum call_input_type type);
/** Appends a copy. ERR_NOMEM only. */
MUST_CHECK enum err as_event_push(struct as_event *e, const struct call_input *in);

/** The member, or NULL when it is absent or null. */
json_t *as_node_get(const struct as_node *n, const char *key);
/** Two spellings of one field: the first if it is there, else the second. */
const char *as_node_which(const struct as_node *n, const char *first, const char *second);
/** An object that must be there; `maybe`: else ret->json is NULL. */
MUST_CHECK enum err as_node_object(const struct as_node *n, const char *key, struct as_node *ret);
MUST_CHECK enum err as_node_maybe_object(
    const struct as_node *n, const char *key, struct as_node *ret);
MUST_CHECK enum err as_node_list(const struct as_node *n, const char *key, struct as_node *ret);
MUST_CHECK enum err as_node_maybe_list(
    const struct as_node *n, const char *key, struct as_node *ret);
/** Entry `i` of a list; json NULL when it is no object. */
struct as_node as_node_item(const struct as_node *list, size_t i);

/** A text of min … max bytes without NUL that must be there. */
MUST_CHECK enum err as_node_text(const struct as_node *n, const char *key, size_t min, size_t max,
    struct arena *a, const char **ret);
/** The same, or NULL when absent; "" stays "". */
MUST_CHECK enum err as_node_maybe_text(
    const struct as_node *n, const char *key, size_t max, struct arena *a, const char **ret);
/** The same, cut to `max` bytes at the end of a character. */
MUST_CHECK enum err as_node_cut_text(
    const struct as_node *n, const char *key, size_t max, struct arena *a, const char **ret);
/** A long text as it stands in the JSON, not copied; NULL when absent. Borrowed from the event. */
MUST_CHECK enum err as_node_peek(
    const struct as_node *n, const char *key, const char **ret, size_t *ret_len);
/** A user id, or NULL when absent. */
MUST_CHECK enum err as_node_maybe_user(
    const struct as_node *n, const char *key, struct arena *a, const char **ret);
/** A number, clamped to ±AS_NUMBER_MAX; a fraction is cut off (old room versions allow them).
 * `fallback` when absent. */
MUST_CHECK enum err as_node_int(
    const struct as_node *n, const char *key, int64_t fallback, int64_t *ret);
MUST_CHECK enum err as_node_bool(
    const struct as_node *n, const char *key, bool fallback, bool *ret);
/** ERR_INVALID: "<place>: want <wanted>, got <what json is>". */
enum err as_node_wrong(
    const struct as_node *n, const char *key, const char *wanted, const json_t *json);

/** The event that `m.relates_to` points to as m.reference; NULL when it does not, or says nothing
 * readable. */
MUST_CHECK enum err as_node_reference(
    const struct as_node *content, struct arena *a, const char **ret);

int64_t as_clamp(int64_t value, int64_t least, int64_t most);

#endif
