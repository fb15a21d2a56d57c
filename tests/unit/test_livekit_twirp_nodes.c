/* RoomService of one of several nodes: whose room is where, in Twirp's words. */
#include "livekit/twirp.h"

#include "twirp_world.h"

static struct {
    lk_nodes_placed *placed; /* NULL: nobody has asked, or who did wants it no more */
    void *arg;
    char alias[16];
    enum err fails; /* at once */
} nodes;

#define NODES ((struct lk_nodes *)&nodes)

enum err lk_nodes_find(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg) {
    CHECK(n == NODES);
    if (nodes.fails != OK) {
        return err_set(nodes.fails, "no");
    }
    nodes.placed = placed;
    nodes.arg = arg;
    snprintf(nodes.alias, sizeof(nodes.alias), "%s", alias);
    return OK;
}

void lk_nodes_forget(struct lk_nodes *n, const void *arg) {
    CHECK(n == NODES && arg == nodes.arg);
    nodes.placed = NULL;
}

/* Of the signalling, which has none here. */
enum lk_node_entry lk_nodes_admit(struct lk_nodes *n, const char *alias) {
    CHECK(n == NULL && alias == NULL);
    return LK_NODE_LET_IN;
}

static void nodes_say(enum err e, const struct lk_place *place) {
    lk_nodes_placed *placed = STEAL(nodes.placed);
    placed(nodes.arg, e, place);
}

TEST(livekit_twirp_nodes, sends_to_the_node_that_has_the_room) {
    static int way;
    static const struct lk_place here = { .node = "one", .url = "wss://one", .inner_url = "" },
                                 there = { .node = "two",
                                     .url = "wss://two",
                                     .inner_url = "http://two:8090",
                                     .elsewhere = (struct lk_rooms *)&way },
                                 hidden = { .node = "two", .url = "wss://two", .inner_url = "" };
    static const struct {
        const char *name;
        enum err e;
        const struct lk_place *place;
        int status;
        const char *want; /* NULL = the answer of a room that was made */
    } rows[] = {
        { "there", OK, &there, 412,
            "{\"code\":\"failed_precondition\",\"msg\":\"the room is on the node two: ask "
            "http://two:8090\"}" },
        { "nobody knows that node's door", ERR_UNREACHABLE, &hidden, 412,
            "{\"code\":\"failed_precondition\",\"msg\":\"the room is on the node two: ask "
            "there\"}" },
        { "the database is away", ERR_DATABASE, NULL, 503,
            "{\"code\":\"unavailable\",\"msg\":\"where the room is cannot be known now "
            "(database)\"}" },
        { "here, or nowhere", OK, &here, 200, NULL },
    };
    struct desk d;
    CHECK_ERR(OK, desk_open(&d));
    lk_twirp_set_nodes(&d.door, NODES);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK(ask("CreateRoom", CREATE, JSON, "{\"name\":\"r\"}", 12));
        CHECK_INT(0, d.status);
        CHECK_STR("r", nodes.alias);
        nodes_say(r->e == OK ? OK : err_set(r->e, "secret"), r->place);
        CHECK_INT(r->status, d.status);
        CHECK_STR(r->want == NULL ? d.body : r->want, d.body);
    }
    ROW("what is open here is not looked for");
    check_answer("ListParticipants", ADMIN, "{\"room\":\"r\"}", 200, "{\"participants\":[]}");
    ROW("nor is what is about no one room");
    CHECK(ask("ListRooms", LIST, JSON, "{}", 2));
    CHECK_INT(200, d.status);
    ROW("nor for who may not ask");
    check_answer("DeleteRoom", LIST, "{\"room\":\"s\"}", 401, DENIED);
    ROW("it cannot be looked for");
    nodes.fails = ERR_LIMIT;
    check_answer("DeleteRoom", CREATE, "{\"room\":\"s\"}", 429,
        "{\"code\":\"resource_exhausted\",\"msg\":\"no\"}");
    nodes.fails = OK;
    ROW("it ends meanwhile");
    CHECK(ask("DeleteRoom", CREATE, JSON, "{\"room\":\"s\"}", 12));
    lk_twirp_set_nodes(&d.door, NULL);
    CHECK_INT(503, d.status);
    CHECK(nodes.placed == NULL);
    check_answer("DeleteRoom", CREATE, "{\"room\":\"s\"}", 404, NO_ROOM);
    desk_close(&d);
}

TEST_ALLOC(livekit_twirp_nodes, survives_no_memory) {
    static const struct lk_place here = { .node = "one", .url = "wss://one", .inner_url = "" };
    CLEANUP(desk_closep) struct desk d = { 0 };
    TRY(desk_open(&d));
    lk_twirp_set_nodes(&d.door, NODES);
    const bool sent = ask("CreateRoom", CREATE, JSON, "{\"name\":\"r\"}", 12);
    if (sent && nodes.placed != NULL) {
        nodes_say(OK, &here);
    }
    return sent && d.status == 200 ? OK : err_set(ERR_NOMEM, "not answered");
}
