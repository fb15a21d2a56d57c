/* What all events have: ids, times, marks; and how fields are read. */
#include "appservice/event.h"

#include "appservice_say.h"

#define HANGUP "hangup call=c1 party= v=0"

/* An event whose head is `head`. */
static void check_head(const char *head, const char *want) {
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "{%s'type':'m.call.hangup','content':{'call_id':'c1'}}", head);
    json_t *event = say_parse(buf_str(&b));
    if (event != NULL) {
        check_event(&say_config, event, false, want);
    }
    json_decref(event);
    buf_finish(&b);
}

TEST(appservice_event, refuses_an_event_without_its_ids) {
    static const struct {
        const char *name;
        const char *head;
        const char *want;
    } rows[] = {
        { "all there", "'room_id':'!r:example.com','event_id':'$e','sender':'@a:example.com',",
            HANGUP },
        { "room of version 12, legacy event id",
            "'room_id':'!Aa0_-','event_id':'$e:example.com','sender':'@A b:example.com',", HANGUP },
        { "no room", "'event_id':'$e','sender':'@a:example.com',",
            "malformed room_id: want a string, got nothing" },
        { "room is none", "'room_id':'#r:example.com','event_id':'$e','sender':'@a:example.com',",
            "malformed room_id: want a room id, got a string" },
        { "no event id", "'room_id':'!r:example.com','sender':'@a:example.com',",
            "malformed event_id: want a string, got nothing" },
        { "event id is none", "'room_id':'!r:example.com','event_id':'e1','sender':'@a:b',",
            "malformed event_id: want an event id, got a string" },
        { "no sender", "'room_id':'!r:example.com','event_id':'$e',",
            "malformed sender: want a user id, got nothing" },
        { "sender is none", "'room_id':'!r:example.com','event_id':'$e','sender':'a',",
            "malformed sender: want a user id, got a string" },
        { "sender with NUL", "'room_id':'!r:example.com','event_id':'$e','sender':'@a\\u0000:b',",
            "malformed sender: a string must not hold NUL" },
        { "state key is a number",
            "'room_id':'!r:example.com','event_id':'$e','sender':'@a:b','state_key':0,",
            "malformed state_key: want a string, got a number" },
        { "unsigned is a list",
            "'room_id':'!r:example.com','event_id':'$e','sender':'@a:b','unsigned':[],",
            "malformed unsigned: want an object, got a list" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check_head(r->head, r->want);
    }
}

/* What the other fields say is not lost with a bad one: the audit wants to know where it was. */
TEST(appservice_event, keeps_the_ids_of_a_malformed_event) {
    struct arena arena;
    struct as_reading reading;
    arena_init(&arena);
    json_t *event = say_parse("{'type':'m.call.hangup','room_id':'!r:example.com','event_id':7,"
                              "'sender':'@a:example.com','content':{}}");
    CHECK_ERR(OK, as_observer_read(&say_config, event, RECEIVED_MS, false, &arena, &reading));
    CHECK_INT(1, reading.n_inputs);
    CHECK_INT(IN_MALFORMED, reading.inputs[0].type);
    CHECK_STR("!r:example.com", reading.inputs[0].room_id);
    CHECK_STR(NULL, reading.inputs[0].event_id);
    CHECK_STR("@a:example.com", reading.inputs[0].sender);
    CHECK_STR("m.call.hangup", reading.inputs[0].room.event_type);
    json_decref(event);
    arena_finish(&arena);
}

TEST(appservice_event, takes_ids_up_to_their_limit) {
    char id[300];
    char head[400];
    for (int over = 0; over < 2; over++) {
        memset(id, 'a', sizeof(id));
        id[0] = '$';
        id[AS_ID_MAX + over] = '\0';
        snprintf(head, sizeof(head), "'room_id':'!r:b','event_id':'%s','sender':'@a:b',", id);
        check_head(
            head, over ? "malformed event_id: want a string of 2 to 255 bytes, got 256" : HANGUP);
    }
}

static void check_times(const char *name, const char *head, int64_t origin, int64_t sent) {
    struct arena arena;
    struct as_event e;
    struct buf b;
    arena_init(&arena);
    buf_init(&b, 0);
    buf_printf(&b, "{%s'room_id':'!r:b','event_id':'$e','sender':'@a:b'}", head);
    json_t *event = say_parse(buf_str(&b));
    ROW(name);
    CHECK_ERR(OK, as_event_open(&say_config, event, "t", RECEIVED_MS, false, &arena, &e));
    CHECK_INT(origin, RECEIVED_MS - e.origin_ms);
    CHECK_INT(sent, RECEIVED_MS - e.sent_ms);
    json_decref(event);
    buf_finish(&b);
    arena_finish(&arena);
}

/* Both as milliseconds before RECEIVED_MS, which is 1764000010000. */
TEST(appservice_event, believes_the_age_before_the_origin) {
    static const struct {
        const char *name;
        const char *head;
        int64_t origin;
        int64_t sent;
    } rows[] = {
        { "both", "'origin_server_ts':1764000000000,'unsigned':{'age':300},", 10000, 300 },
        { "age at the old place", "'origin_server_ts':1764000000000,'age':200,", 10000, 200 },
        { "age at both", "'origin_server_ts':1764000000000,'age':1,'unsigned':{'age':2},", 10000,
            2 },
        { "age negative", "'origin_server_ts':1764000000000,'unsigned':{'age':-5},", 10000, 0 },
        { "age before time began", "'unsigned':{'age':9007199254740993},", 0, RECEIVED_MS - 1 },
        { "no age", "'origin_server_ts':1764000000000,", 10000, 10000 },
        { "neither", "", 0, 0 },
        { "origin in the future", "'origin_server_ts':1764000999999,'unsigned':{'age':5},", 0, 5 },
        { "origin in the future, no age", "'origin_server_ts':1764000999999,", 0, 0 },
        { "origin negative", "'origin_server_ts':-1,'unsigned':{'age':5},", RECEIVED_MS - 1, 5 },
        { "origin with a fraction", "'origin_server_ts':1764000009999.5,", 1, 1 },
        { "origin too large for a number", "'origin_server_ts':1e200,'unsigned':{'age':5},", 0, 5 },
    };
    FOR_ROWS (rows, r) {
        check_times(r->name, r->head, r->origin, r->sent);
    }
}

TEST(appservice_event, refuses_times_that_are_no_numbers) {
    check_head("'room_id':'!r:b','event_id':'$e','sender':'@a:b','origin_server_ts':'now',",
        "malformed origin_server_ts: want a number, got a string");
    check_head("'room_id':'!r:b','event_id':'$e','sender':'@a:b','unsigned':{'age':true},",
        "malformed unsigned.age: want a number, got a boolean");
}

/* A redacted call event has nothing left to read, and that is nobody's mistake. */
TEST(appservice_event, passes_over_redacted_events) {
    check_content("m.call.invite", NULL, "'unsigned':{'redacted_because':{}},", "{}", "");
    check_content("m.call.invite", NULL, "'unsigned':{'redacted_by':'$x'},", "{}", "");
    check_content("org.matrix.msc3401.call.member", "_@alice:example.com_D_m.call",
        "'unsigned':{'redacted_because':{}},", "{}",
        "member_left gen=state slot=m.call#ROOM key=_@alice:example.com_D_m.call "
        "state_key=_@alice:example.com_D_m.call user=@alice:example.com "
        "key_user=@alice:example.com device=D reason=redacted");
}

TEST(appservice_event, names_places_deep_inside) {
    struct as_node list = { .path = "content.memberships" };
    list.json = say_parse("[1,{'x':[]}]");
    struct as_node first = as_node_item(&list, 0);
    struct as_node second = as_node_item(&list, 1);
    struct as_node third = as_node_item(&list, 2);
    CHECK(first.json == NULL && second.json != NULL && third.json == NULL);
    CHECK_STR("content.memberships[0]", first.path);
    int64_t n;
    CHECK_ERR(ERR_INVALID, as_node_int(&second, "x", 0, &n));
    CHECK_STR("content.memberships[1].x: want a number, got a list", err_text());
    json_decref(list.json);
}

TEST(appservice_event, reads_relations_or_nothing) {
    static const struct {
        const char *name;
        const char *content;
        const char *want;
    } rows[] = {
        { "a reference", "{'m.relates_to':{'rel_type':'m.reference','event_id':'$x'}}", "$x" },
        { "FluffyChat's spelling", "{'m.relates.to':{'rel_type':'m.reference','event_id':'$x'}}",
            "$x" },
        { "a thread", "{'m.relates_to':{'rel_type':'m.thread','event_id':'$x'}}", NULL },
        { "no type", "{'m.relates_to':{'event_id':'$x'}}", NULL },
        { "no event", "{'m.relates_to':{'rel_type':'m.reference'}}", NULL },
        { "event is a number", "{'m.relates_to':{'rel_type':'m.reference','event_id':4}}", NULL },
        { "event is no id", "{'m.relates_to':{'rel_type':'m.reference','event_id':'x'}}", NULL },
        { "event with NUL", "{'m.relates_to':{'rel_type':'m.reference','event_id':'$\\u0000'}}",
            NULL },
        { "a text", "{'m.relates_to':'$x'}", NULL },
        { "nothing", "{}", NULL },
    };
    struct arena arena;
    arena_init(&arena);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct as_node content = { .json = say_parse(r->content) };
        const char *got = "untouched";
        CHECK_ERR(OK, as_node_reference(&content, &arena, &got));
        CHECK_STR(r->want, got);
        json_decref(content.json);
    }
    arena_finish(&arena);
}
