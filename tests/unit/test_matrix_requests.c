/* What each call to the homeserver asks for. */
#include "matrix_world.h"

static enum err ask_versions(struct mx_client *c, void *arg) {
    return mx_client_versions(c, on_answer, arg);
}
static enum err ask_whoami(struct mx_client *c, void *arg) {
    return mx_client_whoami(c, on_answer, arg);
}
static enum err ask_ping(struct mx_client *c, void *arg) {
    return mx_client_ping(c, "calls/1", on_answer, arg);
}
static enum err ask_register(struct mx_client *c, void *arg) {
    return mx_client_register_sender(c, "_calls", on_answer, arg);
}
static enum err ask_members(struct mx_client *c, void *arg) {
    return mx_client_joined_members(c, "!r/x:hs", on_answer, arg);
}
static enum err ask_state(struct mx_client *c, void *arg) {
    return mx_client_room_state(c, "!r:hs", NULL, on_answer, arg);
}
static enum err ask_state_as(struct mx_client *c, void *arg) {
    return mx_client_room_state(c, "!r:hs", "@a&b:hs", on_answer, arg);
}
static enum err ask_event(struct mx_client *c, void *arg) {
    return mx_client_room_state_event(c, "!r:hs", "m.room.join_rules", "", "@a:hs", on_answer, arg);
}
static enum err ask_restart(struct mx_client *c, void *arg) {
    return mx_client_delayed_event(c, "@a:hs", "syd/1", MX_DELAYED_RESTART, on_answer, arg);
}
static enum err ask_send_now(struct mx_client *c, void *arg) {
    return mx_client_delayed_event(c, "@a:hs", "syd", MX_DELAYED_SEND, on_answer, arg);
}
static enum err ask_delayed(struct mx_client *c, void *arg) {
    return mx_client_delayed_event_get(c, "@a:hs", "syd", on_answer, arg);
}
static enum err ask_put_state(struct mx_client *c, void *arg) {
    const struct mx_state s = { "!r:hs", "m.x", "_@a:hs_D", "{\"a\":1}" };
    return mx_client_put_state(c, &s, NULL, on_answer, arg);
}
static enum err ask_send(struct mx_client *c, void *arg) {
    const struct mx_message m = { "!r:hs", "m.x", "{}", "txn1", 0 };
    return mx_client_send(c, &m, "@a:hs", on_answer, arg);
}
static enum err ask_send_sticky(struct mx_client *c, void *arg) {
    const struct mx_message m = { "!r:hs", "m.x", "{}", "txn1", 3600000 };
    return mx_client_send(c, &m, NULL, on_answer, arg);
}
static enum err ask_user_joined(struct mx_client *c, void *arg) {
    return mx_client_user_is_joined(c, "!r:hs", "@a&b:hs", on_answer, arg);
}
static enum err ask_server_joined(struct mx_client *c, void *arg) {
    return mx_client_server_is_joined(c, "!r:hs", "hs:8448", on_answer, arg);
}
static enum err ask_fed_proxy(struct mx_client *c, void *arg) {
    return mx_client_fed_proxy(c, "o.rg", "/_matrix/x", "{\"a\":1}", on_answer, arg);
}
static enum err ask_bad_joined(struct mx_client *c, void *arg) {
    return mx_client_user_is_joined(c, "../x", "@a:hs", on_answer, arg);
}
static enum err ask_bad_room(struct mx_client *c, void *arg) {
    return mx_client_room_state(c, "../x", NULL, on_answer, arg);
}
static enum err ask_bad_user(struct mx_client *c, void *arg) {
    return mx_client_room_state(c, "!r:hs", "a", on_answer, arg);
}
static enum err ask_bad_key(struct mx_client *c, void *arg) {
    return mx_client_room_state_event(c, "!r:hs", "m.x", "..", NULL, on_answer, arg);
}

TEST(matrix_requests, asks) {
    static const struct {
        const char *name;
        enum err (*ask)(struct mx_client *c, void *arg);
        const char *want;
    } rows[] = {
        { "versions, without the token", ask_versions,
            "GET http://hs:8008/_matrix/client/versions" },
        { "whoami", ask_whoami, "GET http://hs:8008/_matrix/client/v3/account/whoami secret" },
        { "ping", ask_ping,
            "POST http://hs:8008/_matrix/client/v1/appservice/calls%2F1/ping secret {}" },
        { "register", ask_register,
            "POST http://hs:8008/_matrix/client/v3/register secret "
            "{\"type\":\"m.login.application_service\",\"username\":\"_calls\",\"inhibit_login\":"
            "true}" },
        { "members", ask_members,
            "GET http://hs:8008/_matrix/client/v3/rooms/%21r%2Fx%3Ahs/joined_members secret" },
        { "state", ask_state, "GET http://hs:8008/_matrix/client/v3/rooms/%21r%3Ahs/state secret" },
        { "state as a user", ask_state_as,
            "GET http://hs:8008/_matrix/client/v3/rooms/%21r%3Ahs/state?user_id=%40a%26b%3Ahs "
            "secret" },
        { "one state event", ask_event,
            "GET "
            "http://hs:8008/_matrix/client/v3/rooms/%21r%3Ahs/state/m.room.join_rules/"
            "?user_id=%40a%3Ahs secret" },
        { "restart a delayed event", ask_restart,
            "POST http://hs:8008/_matrix/client/unstable/org.matrix.msc4140/delayed_events/"
            "syd%2F1/restart?user_id=%40a%3Ahs secret {}" },
        { "send a delayed event", ask_send_now,
            "POST http://hs:8008/_matrix/client/unstable/org.matrix.msc4140/delayed_events/"
            "syd/send?user_id=%40a%3Ahs secret {}" },
        { "look at a delayed event", ask_delayed,
            "GET http://hs:8008/_matrix/client/unstable/org.matrix.msc4140/delayed_events/"
            "syd?user_id=%40a%3Ahs secret" },
        { "state", ask_put_state,
            "PUT http://hs:8008/_matrix/client/v3/rooms/%21r%3Ahs/state/m.x/_%40a%3Ahs_D secret "
            "{\"a\":1}" },
        { "a message", ask_send,
            "PUT http://hs:8008/_matrix/client/v3/rooms/%21r%3Ahs/send/m.x/txn1?user_id=%40a%3Ahs "
            "secret {}" },
        { "a sticky message", ask_send_sticky,
            "PUT http://hs:8008/_matrix/client/v3/rooms/%21r%3Ahs/send/m.x/txn1"
            "?org.matrix.msc4354.sticky_duration_ms=3600000 secret {}" },
        { "is a user joined", ask_user_joined,
            "GET http://hs:8008/_matrix/client/unstable/io.element.msc4502/rooms/%21r%3Ahs/"
            "is_joined?mxid=%40a%26b%3Ahs secret" },
        { "is a server joined", ask_server_joined,
            "GET http://hs:8008/_matrix/client/unstable/io.element.msc4502/rooms/%21r%3Ahs/"
            "is_joined?server_name=hs%3A8448 secret" },
        { "another server", ask_fed_proxy,
            "POST http://hs:8008/_matrix/client/unstable/io.element.msc4512/appservice/fed_proxy "
            "secret {\"destination\":\"o.rg\",\"method\":\"POST\",\"path\":\"/_matrix/x\","
            "\"body\":{\"a\":1}}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK_ERR(OK, r->ask(w.client, &w.asker));
        CHECK_STR(r->want, w.http.asked);
        answer_text(&w.http, 200, "{}");
        CHECK_INT(1, w.asker.answers);
        CHECK_INT(OK, w.asker.err);
        world_finish(&w);
    }
}

TEST(matrix_requests, refuses_what_no_path_can_hold) {
    static const struct {
        const char *name;
        enum err (*ask)(struct mx_client *c, void *arg);
    } rows[] = {
        { "room id", ask_bad_room },
        { "room id of is_joined", ask_bad_joined },
        { "user id", ask_bad_user },
        { "state key", ask_bad_key },
    };
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_ERR(ERR_INVALID, r->ask(w.client, &w.asker));
    }
    CHECK_INT(0, w.http.sent);
    world_finish(&w);
}
