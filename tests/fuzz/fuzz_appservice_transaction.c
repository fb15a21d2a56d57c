/*
 * The body of a transaction: the events found lie in it, in order, without touching; and whenever
 * the JSON library takes the whole body, it finds the same ones.
 */
#include "fuzz.h"

#include "appservice/transactions_body.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#define FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY)

static void check_places(
    const uint8_t *data, size_t len, const struct as_body_event *events, size_t n) {
    const char *last = (const char *)data;
    assert(n <= AS_BODY_EVENTS_MAX);
    for (size_t i = 0; i < n; i++) {
        assert(events[i].len > 0 && events[i].text > last);
        last = events[i].text + events[i].len;
        assert(last < (const char *)data + len);
    }
}

static void check_same(const json_t *list, const struct as_body_event *events, size_t n) {
    assert(json_array_size(list) == n);
    for (size_t i = 0; i < n; i++) {
        json_t *event = json_loadb(events[i].text, events[i].len, FLAGS, NULL);
        assert(event != NULL && json_equal(event, json_array_get(list, i)));
        json_decref(event);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct arena arena;
    const struct as_body_event *events = NULL;
    size_t n = 0;
    arena_init(&arena);
    enum err e = as_body_split((const char *)data, len, &arena, &events, &n);
    assert(e == OK || e == ERR_INVALID || e == ERR_TOO_LARGE);
    if (e == OK) {
        check_places(data, len, events, n);
    }
    json_t *body = json_loadb((const char *)data, len, FLAGS, NULL);
    const json_t *list = json_object_get(body, "events");
    /* Nobody writes the letters of a key as escapes, and we do not read them. The library loses a
     * NUL behind a number; we refuse it. */
    bool plain = memmem(data, len, "\\u", 2) == NULL && memchr(data, '\0', len) == NULL;
    if (json_is_array(list) && plain && e != ERR_TOO_LARGE) {
        assert(e == OK);
        check_same(list, events, n);
    }
    json_decref(body);
    arena_finish(&arena);
    return 0;
}
