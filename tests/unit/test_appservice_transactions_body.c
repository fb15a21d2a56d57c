/* Cutting a body into events. */
#include "appservice/transactions_body.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

/* The entries with | between them. */
static void check_split(const char *body, size_t len, enum err want_err, const char *want) {
    struct arena arena;
    const struct as_body_event *events = NULL;
    size_t n = 0;
    char got[256] = "";
    arena_init(&arena);
    CHECK_ERR(want_err, as_body_split(body, len, &arena, &events, &n));
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(got);
        snprintf(got + used, sizeof(got) - used, "%s%.*s", i == 0 ? "" : "|", (int)events[i].len,
            events[i].text);
    }
    CHECK_STR(want_err == OK ? want : "", got);
    arena_finish(&arena);
}

TEST(appservice_transactions_body, cuts_events_out) {
    static const struct {
        const char *name;
        const char *body;
        const char *want;
    } rows[] = {
        { "none", "{\"events\":[]}", "" },
        { "two", "{\"events\":[{\"a\":1},{}]}", "{\"a\":1}|{}" },
        { "white space", " \r\n{ \"events\" :\t[ {} ,\n[ ] ] } ", "{}|[ ]" },
        { "brackets in strings", "{\"events\":[{\"}]\":\"[{\"}]}", "{\"}]\":\"[{\"}" },
        { "escapes", "{\"events\":[{\"a\":\"\\\"]\\\\\"}]}", "{\"a\":\"\\\"]\\\\\"}" },
        { "nested", "{\"events\":[{\"a\":[{\"b\":[]}]},[[]]]}", "{\"a\":[{\"b\":[]}]}|[[]]" },
        { "scalars", "{\"events\":[1,\"x\",null,true,-1e5]}", "1|\"x\"|null|true|-1e5" },
        { "between other keys",
            "{\"ephemeral\":[{}],\"events\":[7],\"de.sorunome.msc2409.to_device\":[]}", "7" },
        { "events elsewhere", "{\"x\":{\"events\":[1]},\"events\":[2]}", "2" },
        { "said twice", "{\"events\":[1,2],\"events\":[3]}", "3" },
        { "a number no library takes", "{\"events\":[{\"a\":1e999},{\"b\":2}]}",
            "{\"a\":1e999}|{\"b\":2}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check_split(r->body, strlen(r->body), OK, r->want);
    }
}

TEST(appservice_transactions_body, refuses_what_is_no_transaction) {
    static const struct {
        const char *body;
        const char *want;
    } rows[] = {
        { "", "the body is no JSON: want an object" },
        { "[]", "the body is no JSON: want an object" },
        { "{}", "events: want a list" },
        { "{\"events\":{}}", "events: want a list" },
        { "{\"events\":null}", "events: want a list" },
        { "{\"events\":[", "the body is no JSON: a value is missing" },
        { "{\"events\":[]", "the body is no JSON: want a comma between members" },
        { "{\"events\":[]}x", "the body is no JSON: something behind the object" },
        { "{\"events\":[1,]}", "the body is no JSON: a value is missing" },
        { "{\"events\":[1 2]}", "the body is no JSON: want a comma between events" },
        { "{\"events\":[{}", "the body is no JSON: want a comma between events" },
        { "{\"events\":[{[}", "the body is no JSON: a bracket that nobody closes" },
        { "{\"events\":[\"x", "the body is no JSON: a string that never ends" },
        { "{\"events\":[\"x\\", "the body is no JSON: a string that never ends" },
        { "{\"events\":[\"x\\\"", "the body is no JSON: a string that never ends" },
        { "{\"events\"", "the body is no JSON: want a colon behind a key" },
        { "{events:[]}", "the body is no JSON: want a key" },
        { "{\"a\":1,}", "the body is no JSON: want a key" },
        { "{\"a\"", "the body is no JSON: want a colon behind a key" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->body);
        check_split(r->body, strlen(r->body), ERR_INVALID, "");
        CHECK_STR(r->want, err_text());
    }
    ROW("a NUL");
    check_split("{\"events\":[]}\0", 14, ERR_INVALID, "");
}

TEST(appservice_transactions_body, takes_ten_thousand_events) {
    static char body[4 * AS_BODY_EVENTS_MAX];
    for (int over = 0; over < 2; over++) {
        struct arena arena;
        const struct as_body_event *events;
        size_t n = 0;
        char *at = stpcpy(body, "{\"events\":[1");
        for (int i = 1; i < AS_BODY_EVENTS_MAX + over; i++) {
            at = stpcpy(at, ",1");
        }
        at = stpcpy(at, "]}");
        arena_init(&arena);
        CHECK_ERR(over ? ERR_TOO_LARGE : OK,
            as_body_split(body, (size_t)(at - body), &arena, &events, &n));
        CHECK_INT(over ? 0 : AS_BODY_EVENTS_MAX, n);
        arena_finish(&arena);
    }
}

TEST_ALLOC(appservice_transactions_body, survives_no_memory) {
    CLEANUP(arena_finish) struct arena arena;
    const struct as_body_event *events;
    size_t n;
    arena_init(&arena);
    return as_body_split("{\"events\":[1]}", 14, &arena, &events, &n);
}
