/* The dialect that our homeserver speaks for its users, and for other homeservers. */
#include "livekit_world.h"

#define USER_PATH "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token"
#define FED_PATH  "/_matrix/federation/unstable/io.element.msc4195/rtc/livekit/get_token"
#define REST      "\"room_id\":\"!r:example.com\",\"slot_id\":\"m.call#ROOM\",\"member_id\":\"b9c1\""
#define LOCAL     "{\"url\":\"" SFU "\"," REST "}"
#define REMOTE    "{\"url\":\"wss://sfu.other.org\",\"server_name\":\"other.org\"," REST "}"
#define GUEST     "{\"url\":\"" SFU "\",\"user_id\":\"@bob:other.org\"," REST "}"

static const char *const alice[] = { "Authorization", "Bearer hs", "X-Matrix-User-Identifier",
    "@alice:example.com", NULL };
static const char *const other[] = { "Authorization", "Bearer hs", "X-Matrix-Origin", "other.org",
    NULL };

TEST(livekit_proxied, gives_our_users_tokens_without_url) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK(post(USER_PATH, alice, LOCAL));
    CHECK_INT(0, w.verifies);
    CHECK_STR("!r:example.com @alice:example.com - full strict", w.asked);
    admitted(LK_FINE, "joined");
    CHECK_INT(200, w.status);
    CHECK(strncmp(w.body, "{\"jwt\":\"ey", 10) == 0);
    CHECK(strstr(claims(&w), "\"canPublish\":true") != NULL);
    CHECK(
        strncmp(w.note, "token_issued !r:example.com @alice:example.com proxied joined ", 61) == 0);
    world_finish(&w);
}

TEST(livekit_proxied, lets_guests_listen) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK(post(FED_PATH, other, GUEST));
    CHECK_STR("!r:example.com @bob:other.org example.com strict", w.asked);
    admitted(LK_FINE, "joined");
    CHECK_INT(200, w.status);
    CHECK(strstr(claims(&w), "\"canPublish\":false") != NULL);
    world_finish(&w);
}

TEST(livekit_proxied, asks_the_other_server_for_its_own_sfu) {
    static const struct {
        const char *name;
        enum err err;
        const char *json;
        int status;
        const char *want;
    } rows[] = {
        { "a token", OK, "{\"status\":200,\"content\":{\"jwt\":\"abc\"}}", 200,
            "{\"jwt\":\"abc\"}" },
        { "not in the room there", OK,
            "{\"status\":403,\"content\":{\"errcode\":\"M_FORBIDDEN\",\"error\":\"x\"}}", 403,
            "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"The requesting user is not a member of the "
            "room on the destination homeserver\"}" },
        { "another url", OK, "{\"status\":400,\"content\":{\"errcode\":\"M_INVALID_PARAM\"}}", 400,
            "{\"errcode\":\"M_INVALID_PARAM\",\"error\":\"The destination homeserver rejected the "
            "specified `url`\"}" },
        { "another refusal", OK, "{\"status\":403,\"content\":{\"errcode\":\"M_OTHER\"}}", 502,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Unable to reach the specified homeserver\"}" },
        { "no token in it", OK, "{\"status\":200,\"content\":{}}", 502,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Unable to reach the specified homeserver\"}" },
        { "nonsense", OK, "[1]", 502,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Unable to reach the specified homeserver\"}" },
        { "no answer", ERR_UNREACHABLE, NULL, 502,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Unable to reach the specified homeserver\"}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK(post(USER_PATH, alice, REMOTE));
        CHECK_STR("!r:example.com @alice:example.com other.org full strict", w.asked);
        admitted(LK_FINE, "joined");
        CHECK_STR("other.org " FED_PATH
                  " {\"user_id\":\"@alice:example.com\",\"url\":\"wss://sfu.other.org\"," REST "}",
            w.relayed);
        json_t *json = r->json == NULL ? NULL : json_loads(r->json, 0, NULL);
        const struct mx_answer a = { .err = r->err, .text = "", .errcode = "", .json = json };
        w.relay_done(w.relay_arg, &a);
        json_decref(json);
        CHECK_INT(r->status, w.status);
        CHECK_STR(r->want, w.body);
        world_finish(&w);
    }
}

#define HEADERS(...) ((const char *const[]){ "Authorization", "Bearer hs", __VA_ARGS__, NULL })

TEST(livekit_proxied, refuses_word_for_word) {
    const struct {
        const char *name, *path;
        const char *const *headers;
        const char *body;
        int status;
        const char *want;
    } rows[] = {
        { "no user", USER_PATH, HEADERS("Accept", "*/*"), LOCAL, 401,
            "{\"errcode\":\"M_UNAUTHORIZED\",\"error\":\"Missing request authorization\"}" },
        { "an empty user", USER_PATH, HEADERS("X-Matrix-User-Identifier", ""), LOCAL, 401,
            "{\"errcode\":\"M_UNAUTHORIZED\",\"error\":\"Missing request authorization\"}" },
        { "no user id", USER_PATH, HEADERS("X-Matrix-User-Identifier", "alice"), LOCAL, 400,
            "{\"errcode\":\"M_INVALID_PARAM\",\"error\":\"Malformed user identifier\"}" },
        { "another server's user", USER_PATH, HEADERS("X-Matrix-User-Identifier", "@a:other.org"),
            LOCAL, 400,
            "{\"errcode\":\"M_INVALID_PARAM\",\"error\":\"Malformed user identifier\"}" },
        { "another SFU", USER_PATH, alice, "{\"url\":\"" SFU "/\"," REST "}", 400,
            "{\"errcode\":\"M_INVALID_PARAM\",\"error\":\"The request `url` does not match this "
            "service's LiveKit URL\"}" },
        { "no url", USER_PATH, alice, "{" REST "}", 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"The request body is missing `url`\"}" },
        { "no member", USER_PATH, alice,
            "{\"url\":\"" SFU "\",\"room_id\":\"!r:example.com\",\"slot_id\":\"s\"}", 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"The request body is missing `member_id`\"}" },
        { "no JSON", USER_PATH, alice, "{", 400,
            "{\"errcode\":\"M_NOT_JSON\",\"error\":\"Error reading request\"}" },
        { "no origin", FED_PATH, alice, GUEST, 401,
            "{\"errcode\":\"M_UNAUTHORIZED\",\"error\":\"Missing request origin\"}" },
        { "a user header is no origin", FED_PATH, HEADERS("X-Matrix-User-Identifier", "other.org"),
            GUEST, 401, "{\"errcode\":\"M_UNAUTHORIZED\",\"error\":\"Missing request origin\"}" },
        { "a user of a third server", FED_PATH, HEADERS("X-Matrix-Origin", "third.org"), GUEST, 403,
            "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"The user_id does not belong to the origin "
            "server\"}" },
        { "a guest without a name", FED_PATH, other, LOCAL, 400,
            "{\"errcode\":\"M_INVALID_PARAM\",\"error\":\"Malformed user identifier\"}" },
        { "a guest of another SFU", FED_PATH, other,
            "{\"url\":\"wss://x\",\"user_id\":\"@bob:other.org\"," REST "}", 400,
            "{\"errcode\":\"M_INVALID_PARAM\",\"error\":\"The request `url` does not match this "
            "service's LiveKit URL\"}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK(post(r->path, r->headers, r->body));
        CHECK_INT(r->status, w.status);
        CHECK_STR(r->want, w.body);
        CHECK_INT(0, w.admissions);
        CHECK_INT(0, w.verifies);
        world_finish(&w);
    }
}

TEST(livekit_proxied, passes_admissions_refusals_on) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK(post(USER_PATH, alice, REMOTE));
    admitted(LK_SERVER_NOT_JOINED, NULL);
    CHECK_INT(403, w.status);
    CHECK_STR("{\"errcode\":\"M_FORBIDDEN\",\"error\":\"The target server is not joined to the "
              "room\"}",
        w.body);
    world_finish(&w);
}

/* The guard is asked before the body is read. */
TEST(livekit_proxied, believes_our_homeserver_alone) {
    static const struct {
        const char *name;
        const char *authorization;
        enum err want;
    } rows[] = {
        { "our homeserver", "Bearer hs", OK },
        { "another token", "Bearer other", ERR_UNAUTHORIZED },
        { "no token", NULL, ERR_UNAUTHORIZED },
        { "no bearer", "Basic hs", ERR_UNAUTHORIZED },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        struct http_request *q = http_request_create("POST", USER_PATH, strlen(USER_PATH));
        q->deliver = note_answer;
        CHECK(http_request_expect_fields(q, 2));
        if (r->authorization != NULL) {
            http_request_put_field(
                q, "Authorization", 13, r->authorization, strlen(r->authorization));
        }
        CHECK(http_router_find(w.router, q));
        CHECK_ERR(r->want, q->guard(q, q->arg));
        http_request_destroy(q);
        world_finish(&w);
    }
}
