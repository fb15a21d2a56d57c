/* RoomService of one of several nodes: each question gets to the node that can answer it. */
#include "livekit/proto/room_service.pb-c.h"
#include "livekit/twirp.h"
#include "twirp_world.h"

#include "played_nodes.h"

#define ROOM_R  "{\"name\":\"r\"}"
#define FROM_US " bearer=yes X-Parley-Node=one Content-Type: "
#define AS_JSON "\nContent-Length: 2\ncontent-type:  application/json\r\n"
#define MADE    FROM_US "application/json " ROOM_R

static enum err desk_of_two(struct desk *d) {
    TRY(desk_open(d));
    TRY(nodes_open());
    lk_twirp_set_nodes(&d->door, NODES);
    return OK;
}

static void desk_of_two_close(struct desk *d) {
    lk_twirp_set_nodes(&d->door, NULL);
    nodes_close();
    desk_close(d);
}

static bool ask_json(const char *name, const char *video, const char *body) {
    return ask(name, video, JSON, body, strlen(body));
}

TEST(livekit_twirp_nodes, asks_the_node_that_has_the_room) {
    static const struct {
        const char *name;
        enum err e;
        const struct lk_place *place;
        const char *from; /* the node that sends it on; NULL = none */
        int status;       /* 0: another node is asked */
        const char *want; /* NULL = the answer of a room that was made */
    } rows[] = {
        { "there", OK, &there, NULL, 0,
            "POST http://two:8090/twirp/livekit.RoomService/CreateRoom" MADE },
        { "there, says one who says it is here", OK, &there, "two", 412,
            "{\"code\":\"failed_precondition\",\"msg\":\"the room is on the node two: ask "
            "http://two:8090\"}" },
        { "nobody knows that node's door", ERR_UNREACHABLE, &hidden, NULL, 412,
            "{\"code\":\"failed_precondition\",\"msg\":\"the room is on the node two: ask "
            "there\"}" },
        { "the database is away", ERR_DATABASE, NULL, NULL, 503,
            "{\"code\":\"unavailable\",\"msg\":\"where the room is cannot be known now "
            "(database)\"}" },
        { "here", OK, &here, NULL, 200, NULL },
    };
    struct desk d;
    CHECK_ERR(OK, desk_of_two(&d));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        from_node = r->from;
        CHECK(ask_json("CreateRoom", CREATE, ROOM_R));
        from_node = NULL;
        CHECK_INT(0, d.status);
        CHECK_STR("r", nodes.alias);
        CHECK_INT(r->from == NULL ? 'p' : 'f', nodes.how);
        nodes_say(r->e == OK ? OK : err_set(r->e, "secret"), r->place);
        CHECK_INT(r->status, d.status);
        if (r->status == 0) {
            CHECK_STR(r->want, asks[0].said);
            node_answers(0, 418, AS_JSON, "{}", 2);
            CHECK_INT(418, d.status);
            CHECK_STR(JSON, d.type);
            CHECK_STR("{}", d.body);
        } else {
            CHECK_STR(r->want == NULL ? d.body : r->want, d.body);
        }
    }
    ROW("what is open here is not looked for");
    check_answer("ListParticipants", ADMIN, "{\"room\":\"r\"}", 200, "{\"participants\":[]}");
    ROW("nor for who may not ask");
    check_answer("DeleteRoom", LIST, "{\"room\":\"s\"}", 401, DENIED);
    ROW("it cannot be looked for");
    nodes.fails = ERR_LIMIT;
    check_answer("DeleteRoom", CREATE, "{\"room\":\"s\"}", 429,
        "{\"code\":\"resource_exhausted\",\"msg\":\"no\"}");
    nodes.fails = OK;
    desk_of_two_close(&d);
}

TEST(livekit_twirp_nodes, names_the_node_that_does_not_answer) {
    static const char silent[] =
        "{\"code\":\"unavailable\",\"msg\":\"the node two does not answer (timeout)\"}";
    struct desk d;
    CHECK_ERR(OK, desk_of_two(&d));
    ROW("who has the room");
    CHECK(ask_json("DeleteRoom", CREATE, "{\"room\":\"s\"}"));
    CHECK_INT('f', nodes.how);
    nodes_say(OK, &there);
    node_answers(0, 0, NULL, "", 0);
    CHECK_INT(503, d.status);
    CHECK_STR(silent, d.body);
    ROW("one of all");
    nodes.others = 2;
    CHECK(ask_json("ListRooms", LIST, "{}"));
    node_answers(0, 0, NULL, "", 0);
    CHECK_INT(0, d.status);
    node_answers(1, 200, "", "", 0);
    CHECK_INT(503, d.status);
    CHECK_STR(silent, d.body);
    ROW("one of all says no");
    CHECK(ask_json("ListRooms", LIST, "{}"));
    node_answers(0, 401, "", "no", 2);
    node_answers(1, 200, "", "", 0);
    CHECK_INT(503, d.status);
    ROW("it is looked for when we end");
    CHECK(ask_json("DeleteRoom", CREATE, "{\"room\":\"s\"}"));
    lk_twirp_set_nodes(&d.door, NULL);
    CHECK_INT(503, d.status);
    CHECK(nodes.placed == NULL);
    check_answer("DeleteRoom", CREATE, "{\"room\":\"s\"}", 404, NO_ROOM);
    ROW("it is asked there when we end");
    lk_twirp_set_nodes(&d.door, NODES);
    CHECK(ask_json("DeleteRoom", CREATE, "{\"room\":\"s\"}"));
    nodes_say(OK, &there);
    lk_twirp_set_nodes(&d.door, NULL);
    CHECK_STR("{\"code\":\"unavailable\",\"msg\":\"the node two does not answer (gone)\"}", d.body);
    desk_of_two_close(&d);
}

/* The protobuf form of an answer with one room. */
static void put_list(const char *name, struct buf *out) {
    Lk__ListRoomsResponse list = LK__LIST_ROOMS_RESPONSE__INIT;
    Lk__Room room = LK__ROOM__INIT, *rooms[] = { &room };
    room.name = (char *)name;
    list.n_rooms = 1;
    list.rooms = rooms;
    buf_init(out, 0);
    CHECK_ERR(OK, lk_convert_write(&list.base, out));
}

TEST(livekit_twirp_nodes, lists_the_rooms_of_all) {
    struct desk d;
    struct buf s, t;
    CHECK_ERR(OK, desk_of_two(&d));
    lk_twirp_set_nodes(&d.door, NULL);
    CHECK(ask_json("CreateRoom", CREATE, ROOM_R));
    lk_twirp_set_nodes(&d.door, NODES);
    put_list("s", &s);
    put_list("t", &t);
    nodes.others = 2;
    CHECK(ask_json("ListRooms", LIST, "{}"));
    CHECK_INT(0, d.status);
    CHECK_STR("POST http://three:8090/twirp/livekit.RoomService/ListRooms" FROM_US
              "application/protobuf ",
        asks[1].said);
    node_answers(1, 200, "", buf_str(&t), t.len);
    node_answers(0, 200, "", buf_str(&s), s.len);
    CHECK_INT(200, d.status);
    CHECK(strstr(d.body, "\"name\":\"r\"") != NULL);
    CHECK(strstr(d.body, "\"name\":\"s\"") != NULL);
    CHECK(strstr(d.body, "\"name\":\"t\"") != NULL);
    ROW("to another node ours alone");
    from_node = "two";
    check_answer("ListRooms", LIST, "{\"names\":[\"x\"]}", 200, "{\"rooms\":[]}");
    from_node = NULL;
    buf_finish(&s);
    buf_finish(&t);
    desk_of_two_close(&d);
}

static enum err run_all(struct desk *d) {
    TRY(desk_of_two(d));
    nodes.others = 1;
    bool sent = ask_json("CreateRoom", CREATE, ROOM_R);
    if (sent && nodes.placed != NULL) {
        nodes_say(OK, &here);
    }
    bool fine = sent && d->status == 200;
    sent = ask_json("DeleteRoom", CREATE, "{\"room\":\"s\"}");
    if (sent && nodes.placed != NULL) {
        nodes_say(OK, &there);
    }
    if (asks[0].done != NULL) {
        node_answers(0, 200, AS_JSON, "{}", 2);
    }
    fine = fine && sent && d->status == 200;
    sent = ask_json("ListRooms", LIST, "{}");
    if (asks[0].done != NULL) {
        node_answers(0, 200, "", "", 0);
    }
    fine = fine && sent && d->status == 200;
    return fine ? OK : err_set(ERR_NOMEM, "not answered");
}

TEST_ALLOC(livekit_twirp_nodes, survives_no_memory) {
    struct desk d = { 0 };
    const enum err e = run_all(&d);
    if (d.router != NULL) {
        lk_twirp_set_nodes(&d.door, NULL);
    }
    nodes_close();
    nodes.forwards = NULL;
    desk_close(&d);
    return e;
}
