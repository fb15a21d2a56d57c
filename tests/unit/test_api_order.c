/* What an admin orders, from requests that are structs; and calls as JSON. */
#include "api/order.h"

#include "api/live_calls.h"
#include "core/buf.h"
#include "http/request.h"
#include "store/live_calls.h"
#include "test.h"

#include <string.h>

#define ID "018f0000-0000-7000-8000-00000000000a"

struct http_request {
    const char *session_id;
    const char *body;
    struct arena arena;
};

const char *http_request_param(const struct http_request *r, const char *name) {
    CHECK_STR("session_id", name);
    return r->session_id;
}
const char *http_request_body(const struct http_request *r, size_t *len) {
    *len = strlen(r->body);
    return r->body;
}
struct arena *http_request_arena(struct http_request *r) {
    return &r->arena;
}

TEST(api_order, reads_what_is_wanted) {
    static const struct {
        const char *name;
        enum api_order_act act;
        const char *session_id, *body;
        enum err want;
        const char *user_id, *device_id, *reason;
    } rows[] = {
        { "end, no body", API_ORDER_END, ID, "", OK, NULL, NULL, NULL },
        { "end, an empty object", API_ORDER_END, ID, "{}", OK, NULL, NULL, NULL },
        { "end, a reason", API_ORDER_END, ID, "{\"reason\":\"x\"}", OK, NULL, NULL, "x" },
        { "end, null", API_ORDER_END, ID, "{\"reason\":null}", OK, NULL, NULL, NULL },
        { "end needs no user", API_ORDER_END, ID, "{\"user_id\":\"@a:hs\"}", OK, NULL, NULL, NULL },
        { "upper case", API_ORDER_END, "018F0000-0000-7000-8000-00000000000A", "", OK, NULL, NULL,
            NULL },
        { "kick", API_ORDER_KICK, ID, "{\"user_id\":\"@a:hs\"}", OK, "@a:hs", NULL, NULL },
        { "kick a device", API_ORDER_KICK, ID,
            "{\"user_id\":\"@a:hs\",\"device_id\":\"D\",\"reason\":\"r\"}", OK, "@a:hs", "D", "r" },
        { "kick, no body", API_ORDER_KICK, ID, "", ERR_INVALID, NULL, NULL, NULL },
        { "kick nobody", API_ORDER_KICK, ID, "{}", ERR_INVALID, NULL, NULL, NULL },
        { "kick no user id", API_ORDER_KICK, ID, "{\"user_id\":\"a\"}", ERR_INVALID, NULL, NULL,
            NULL },
        { "mute", API_ORDER_MUTE, ID, "{\"user_id\":\"@a:hs\",\"device_id\":\"D\",\"track\":\"T\"}",
            OK, "@a:hs", "D", NULL },
        { "mute nobody", API_ORDER_MUTE, ID, "{\"track\":\"T\"}", ERR_INVALID, NULL, NULL, NULL },
        { "mute a number", API_ORDER_MUTE, ID, "{\"user_id\":\"@a:hs\",\"track\":1}", ERR_INVALID,
            NULL, NULL, NULL },
        { "no id", API_ORDER_END, "x", "", ERR_NOT_FOUND, NULL, NULL, NULL },
        { "no JSON", API_ORDER_END, ID, "{", ERR_INVALID, NULL, NULL, NULL },
        { "no object", API_ORDER_END, ID, "[]", ERR_INVALID, NULL, NULL, NULL },
        { "twice", API_ORDER_END, ID, "{\"reason\":\"a\",\"reason\":\"b\"}", ERR_INVALID, NULL,
            NULL, NULL },
        { "a number", API_ORDER_END, ID, "{\"reason\":1}", ERR_INVALID, NULL, NULL, NULL },
        { "an empty reason", API_ORDER_END, ID, "{\"reason\":\"\"}", ERR_INVALID, NULL, NULL,
            NULL },
        { "a NUL", API_ORDER_END, ID, "{\"reason\":\"a\\u0000b\"}", ERR_INVALID, NULL, NULL, NULL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct http_request request = { .session_id = r->session_id, .body = r->body };
        struct api_order o = { 0 };
        CHECK_ERR(r->want, api_order_read(&request, r->act, "@admin:hs", &o));
        if (r->want == OK) {
            CHECK_STR(ID, o.session_id);
            CHECK_STR("@admin:hs", o.who);
            CHECK_STR(r->user_id, o.user_id);
            CHECK_STR(r->device_id, o.device_id);
            CHECK_STR(r->reason, o.reason);
            CHECK_STR(strstr(r->body, "track") == NULL ? NULL : "T", o.track);
        }
        arena_finish(&request.arena);
    }
}

TEST_ALLOC(api_order, survives_no_memory) {
    struct http_request request = { ID, "{\"user_id\":\"@a:hs\",\"reason\":\"r\"}", { 0 } };
    struct api_order o = { 0 };
    enum err e = api_order_read(&request, API_ORDER_KICK, "admin token", &o);
    arena_finish(&request.arena);
    return e;
}

TEST(api_live_calls, prints_calls) {
    struct store_participant people[] = {
        { .user_id = "@a:hs",
            .party = "D",
            .role = "member",
            .joined_at = 1000,
            .intent = "video" },
        { .user_id = "@b:hs", .party = "\"" },
    };
    struct store_live_call calls[] = {
        { .row = { .id = ID,
              .kind = "rtc",
              .room_id = "!r:hs",
              .status = "active",
              .media = "video",
              .is_group = true,
              .created_at = 1000 },
            .people = people,
            .n_people = 2 },
        { .row = { .id = ID, .kind = "legacy" } },
    };
    const struct store_live_calls all = { calls, 2, true, false };
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    api_live_calls_print(&b, &all);
    CHECK_STR("{\"calls\":[{\"session_id\":\"" ID "\",\"kind\":\"rtc\",\"room_id\":\"!r:hs\","
              "\"status\":\"active\",\"type\":\"video\",\"is_group\":true,"
              "\"created_at\":\"1970-01-01T00:00:01.000Z\",\"participants\":["
              "{\"user_id\":\"@a:hs\",\"device_id\":\"D\",\"role\":\"member\","
              "\"joined_at\":\"1970-01-01T00:00:01.000Z\",\"type\":\"video\"},"
              "{\"user_id\":\"@b:hs\",\"device_id\":\"\\\"\"}]},"
              "{\"session_id\":\"" ID "\",\"kind\":\"legacy\",\"is_group\":false,"
              "\"participants\":[]}],\"more\":true}",
        buf_str(&b));
}
