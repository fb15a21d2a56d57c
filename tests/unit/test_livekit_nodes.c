/* Two nodes over one database: where rooms go, stay and begin anew. */
#include "livekit/nodes.h"

#include "livekit/rooms.h"
#include "livekit/rooms_here.h"
#include "nodes_world.h"

#include <string.h>

TEST(livekit_nodes, is_alone_until_it_hears_of_others) {
    struct two t;
    CHECK_ERR(OK, two_open(&t));
    ROW("no database");
    CHECK_PLACE("wss://a", &t, A, "r");
    CHECK_INT(LK_NODE_LET_IN, lk_nodes_admit(t.nodes[A], "r"));
    ROW("nobody else");
    beat(&t, A);
    CHECK_PLACE("wss://a", &t, A, "r");
    CHECK_INT(LK_NODE_LET_IN, lk_nodes_admit(t.nodes[A], "r"));
    CHECK_INT(0, database.n_rooms);
    ROW("what begins is claimed, and released when it ends");
    open_room(&t, A, "r");
    CHECK_INT(1, database.n_rooms);
    room_end(room_directory_find(t.world[A].rooms, "r"), ROOM_CLOSED);
    turn(&t);
    CHECK_INT(0, database.n_rooms);
    two_close(&t);
}

TEST(livekit_nodes, sends_all_people_of_a_room_to_one_node) {
    struct two t;
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    beat(&t, B);
    beat(&t, A);
    CHECK_PLACE("wss://a", &t, A, "r");
    const struct heard h = place(&t, B, "r");
    CHECK_STR("wss://a", h.url);
    CHECK(h.elsewhere);
    ROW("rooms spread");
    CHECK_PLACE("wss://b", &t, A, "s");
    CHECK_PLACE("wss://b", &t, B, "s");
    ROW("at the wrong door");
    CHECK_INT(LK_NODE_ELSEWHERE, lk_nodes_admit(t.nodes[B], "r"));
    CHECK_INT(LK_NODE_LET_IN, lk_nodes_admit(t.nodes[A], "r"));
    CHECK_ENTER("wss://a", true, &t, B, "r");
    ROW("nobody has heard of it: claimed for the door, which then knows");
    CHECK_INT(LK_NODE_UNSURE, lk_nodes_admit(t.nodes[B], "u"));
    CHECK_ENTER("wss://b", false, &t, B, "u");
    CHECK_INT(LK_NODE_LET_IN, lk_nodes_admit(t.nodes[B], "u"));
    CHECK_PLACE("wss://b", &t, A, "u");
    ROW("asked of, not claimed");
    struct heard found = { 0 };
    CHECK_ERR(OK, lk_nodes_find(t.nodes[A], "nowhere", hear_place, &found));
    turn(&t);
    CHECK_ERR(OK, found.e);
    CHECK(!found.elsewhere);
    CHECK_INT(3, database.n_rooms);
    ROW("forgotten");
    struct heard forgotten = { 0 };
    CHECK_ERR(OK, lk_nodes_place(t.nodes[A], "v", hear_place, &forgotten));
    lk_nodes_forget(t.nodes[A], &forgotten);
    turn(&t);
    CHECK_INT(0, forgotten.told);
    two_close(&t);
}

TEST(livekit_nodes, moves_rooms_of_who_is_gone) {
    struct two t;
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    beat(&t, B);
    CHECK_PLACE("wss://b", &t, B, "r");
    open_room(&t, B, "r");
    ROW("dead: its row runs out");
    node_of("b")->alive = false;
    beat(&t, A);
    CHECK_PLACE("wss://a", &t, A, "r");
    open_room(&t, A, "r");
    ROW("back: what began elsewhere ends here");
    CHECK(is_open(&t, B, "r"));
    beat(&t, B);
    room_end(room_directory_find(t.world[B].rooms, "r"), ROOM_CLOSED);
    open_room(&t, B, "r");
    CHECK(!is_open(&t, B, "r"));
    CHECK(is_open(&t, A, "r"));
    CHECK_PLACE("wss://a", &t, B, "r");
    two_close(&t);
}

static void count_one(void *arg) {
    ++*(int *)arg;
}

TEST(livekit_nodes, gives_a_node_that_stops_no_rooms) {
    struct two t;
    int left = 0;
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    beat(&t, B);
    beat(&t, A);
    CHECK_PLACE("wss://a", &t, A, "stays");
    open_room(&t, A, "stays");
    CHECK_PLACE("wss://b", &t, A, "other");
    CHECK_PLACE("wss://a", &t, A, "unmade");
    lk_nodes_drain(t.nodes[A]);
    turn(&t);
    ROW("what goes on goes on");
    CHECK_PLACE("wss://a", &t, B, "stays");
    ROW("what was not begun is given up");
    CHECK_PLACE("wss://b", &t, B, "unmade");
    CHECK_PLACE("wss://b", &t, A, "new");
    ROW("nor who stands at its door");
    CHECK_ENTER("wss://b", true, &t, A, "newer");
    ROW("left");
    lk_nodes_leave(t.nodes[A], count_one, &left);
    turn(&t);
    CHECK_INT(1, left);
    CHECK_PLACE("wss://b", &t, B, "stays");
    two_close(&t);
}

TEST(livekit_nodes, does_not_guess_without_the_database) {
    struct two t;
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    beat(&t, B);
    beat(&t, A);
    open_room(&t, A, "here");
    database.down = true;
    ROW("what is here goes on");
    CHECK_PLACE("wss://a", &t, A, "here");
    CHECK_INT(LK_NODE_LET_IN, lk_nodes_admit(t.nodes[A], "here"));
    CHECK_INT(LK_NODE_LET_IN, lk_nodes_admit(t.nodes[A], "here"));
    ROW("nothing else begins");
    const struct heard h = place(&t, A, "somewhere");
    CHECK_ERR(ERR_DATABASE, h.e);
    CHECK_INT(LK_NODE_UNSURE, lk_nodes_admit(t.nodes[A], "somewhere"));
    turn(&t);
    CHECK_INT(LK_NODE_UNSURE, lk_nodes_admit(t.nodes[A], "somewhere"));
    turn(&t);
    ROW("it is back");
    database.down = false;
    CHECK_PLACE("wss://b", &t, A, "somewhere");
    two_close(&t);
}

TEST(livekit_nodes, goes_on_alone_without_the_database) {
    struct two t;
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    database.down = true;
    beat(&t, A);
    CHECK_PLACE("wss://a", &t, A, "new");
    open_room(&t, A, "new");
    CHECK_INT(0, database.n_rooms);
    ROW("it is told of when the database is back");
    database.down = false;
    beat(&t, A);
    CHECK_INT(1, database.n_rooms);
    two_close(&t);
}

/* As after a backup was restored, or a hand in the table. */
TEST(livekit_nodes, hears_in_time_that_a_room_is_not_its_own) {
    struct two t;
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    beat(&t, B);
    open_room(&t, B, "r");
    snprintf(database.rooms[room_of("r")].node, sizeof(database.rooms[0].node), "a");
    for (int i = 1; i < LK_NODES_TIDY_BEATS; i++) {
        CHECK(is_open(&t, B, "r"));
        beat(&t, B);
    }
    CHECK(!is_open(&t, B, "r"));
    CHECK_PLACE("wss://a", &t, B, "r");
    two_close(&t);
}

static void hear_rooms(void *arg, enum err e, const json_t *json, const char *text) {
    struct heard *h = arg;
    (void)text;
    h->told++;
    h->e = e;
    h->elsewhere = json == NULL;
}

/* Port 1 of this machine: nobody is there, and so it is known who was asked. */
TEST(livekit_nodes, asks_the_node_that_has_the_room) {
    static const struct {
        const char *name, *alias;
        enum err e;
    } rows[] = {
        { "here", "mine", OK },
        { "nowhere", "nobody's", OK },
        { "elsewhere", "theirs", ERR_UNREACHABLE },
    };
    struct two t;
    struct lk_rooms *rooms = NULL;
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    beat(&t, B);
    beat(&t, A);
    open_room(&t, A, "mine");
    open_room(&t, B, "theirs");
    CHECK_ERR(OK, lk_rooms_create_here(&t.loop, lk_rooms_here, t.world[A].rooms, &rooms));
    lk_rooms_set_nodes(rooms, t.nodes[A]);
    FOR_ROWS (rows, r) {
        struct heard h = { 0 };
        ROW(r->name);
        CHECK_ERR(OK, lk_rooms_list(rooms, r->alias, hear_rooms, &h));
        for (int i = 0; i < 1000 && h.told == 0; i++) {
            turn(&t);
            uv_sleep(1);
        }
        CHECK_INT(1, h.told);
        CHECK_ERR(r->e, h.e);
    }
    ROW("forgotten on its way");
    struct heard forgotten = { 0 };
    CHECK_ERR(OK, lk_rooms_list(rooms, "theirs", hear_rooms, &forgotten));
    uv_run(&t.loop, UV_RUN_NOWAIT);
    lk_rooms_forget(rooms, &forgotten);
    turn(&t);
    CHECK_INT(0, forgotten.told);
    lk_rooms_destroy(rooms);
    two_close(&t);
}

TEST(livekit_nodes, reaches_nodes_that_have_another_address_each_time) {
    struct two t;
    char url[40];
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    beat(&t, B);
    beat(&t, A);
    open_room(&t, B, "r");
    for (int i = 0; i <= STORE_NODES_MOST; i++) {
        snprintf(url, sizeof(url), "http://127.0.0.1:%d", i + 1);
        node_of("b")->inner_url = url;
        CHECK(place(&t, A, "r").elsewhere);
    }
    two_close(&t);
}

TEST(livekit_nodes, steps_back_for_another_process_of_its_name) {
    struct two t;
    CHECK_ERR(OK, two_open(&t));
    beat(&t, A);
    snprintf(database.runs[0], sizeof(database.runs[0]), "another");
    beat(&t, A);
    CHECK_INT(LK_NODE_NOT_HERE, lk_nodes_admit(t.nodes[A], "r"));
    two_close(&t);
}

/* Every answer may be missing its memory: then something is refused, and nothing is lost. */
static enum err place_somewhere(struct two *t, int which, const char *alias) {
    struct heard h = { 0 };
    TRY(lk_nodes_place(t->nodes[which], alias, hear_place, &h));
    turn(t);
    CHECK_INT(1, h.told);
    return h.e == OK ? OK : err_set(ERR_NOMEM, "not placed");
}

TEST_ALLOC(livekit_nodes, survives_no_memory) {
    int left = 0;
    CLEANUP(two_close) struct two t;
    TRY(two_open(&t));
    beat(&t, A);
    beat(&t, B);
    beat(&t, A);
    TRY(make_room(&t, B, "r"));
    (void)lk_nodes_admit(t.nodes[A], "r");
    turn(&t);
    (void)lk_nodes_admit(t.nodes[A], "r");
    TRY(place_somewhere(&t, A, "r"));
    TRY(place_somewhere(&t, A, "s"));
    TRY(make_room(&t, A, "s"));
    beat(&t, B);
    lk_nodes_drain(t.nodes[A]);
    turn(&t);
    struct room *room = room_directory_find(t.world[B].rooms, "r");
    if (room != NULL) { /* where B could not claim it, A has it now */
        room_end(room, ROOM_CLOSED);
    }
    lk_nodes_leave(t.nodes[A], count_one, &left);
    turn(&t);
    CHECK_INT(1, left);
    return OK;
}
