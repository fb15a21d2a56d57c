/* Two nodes over one database that is played here: where rooms go, stay and begin anew. */
#include "livekit/nodes.h"

#include "core/crypto.h"
#include "http/client.h"
#include "livekit/keys.h"
#include "livekit/rooms.h"
#include "livekit/rooms_here.h"
#include "rooms_world.h"

#include <string.h>

/* --- the database: it answers in the loop's next turn --- */

#define DATABASE ((struct store *)&database)
#define ROWS     8

struct ask {
    enum { BEAT, LEAVE, CLAIM, RELEASE } what;
    union {
        store_nodes_listed *listed;
        store_nodes_placed *placed;
        store_nodes_done *done;
    } tell;
    void *arg;
    char aliases[ROWS][16];
    size_t n;
    bool used;
};

static struct {
    struct store_node nodes[ROWS];
    char names[ROWS][16], runs[ROWS][UUID_TEXT_SIZE], urls[ROWS][32];
    size_t n_nodes;
    struct {
        char alias[16], node[16];
    } rooms[ROWS];
    size_t n_rooms;
    struct ask asks[ROWS];
    bool down;
} database;

static struct ask *ask_new(int what, void *arg) {
    for (size_t i = 0; i < ROWS; i++) {
        if (!database.asks[i].used) {
            database.asks[i] = (struct ask){ .used = true, .arg = arg };
            database.asks[i].what = what;
            return &database.asks[i];
        }
    }
    abort();
}

static struct store_node *node_of(const char *name) {
    for (size_t i = 0; i < database.n_nodes; i++) {
        if (strcmp(database.names[i], name) == 0) {
            return &database.nodes[i];
        }
    }
    return NULL;
}

enum err store_nodes_beat(struct store *s, const struct store_node *own, int64_t lease_ms,
    bool takes, store_nodes_listed *listed, void *arg) {
    (void)s;
    (void)lease_ms;
    struct store_node *row = node_of(own->name);
    ask_new(BEAT, arg)->tell.listed = listed;
    if (database.down || (row != NULL && row->alive && !takes && strcmp(row->run, own->run) != 0)) {
        return OK;
    }
    const size_t i = row == NULL ? database.n_nodes++ : (size_t)(row - database.nodes);
    snprintf(database.names[i], sizeof(database.names[i]), "%s", own->name);
    snprintf(database.runs[i], sizeof(database.runs[i]), "%s", own->run);
    snprintf(database.urls[i], sizeof(database.urls[i]), "%s", own->url);
    database.nodes[i] = *own;
    database.nodes[i].name = database.names[i];
    database.nodes[i].run = database.runs[i];
    database.nodes[i].url = database.urls[i];
    database.nodes[i].inner_url = "http://127.0.0.1:1";
    database.nodes[i].version = "0";
    database.nodes[i].alive = true;
    return OK;
}

enum err store_nodes_leave(
    struct store *s, const char *name, const char *run, store_nodes_done *done, void *arg) {
    (void)s;
    (void)run;
    node_of(name)->alive = false;
    ask_new(LEAVE, arg)->tell.done = done;
    return OK;
}

static size_t room_of(const char *alias) {
    size_t i = 0;
    while (i < database.n_rooms && strcmp(database.rooms[i].alias, alias) != 0) {
        i++;
    }
    return i;
}

enum err store_nodes_claim(struct store *s, const char *node, const char *const *aliases, size_t n,
    store_nodes_placed *placed, void *arg) {
    (void)s;
    struct ask *a = ask_new(CLAIM, arg);
    a->tell.placed = placed;
    a->n = n;
    for (size_t i = 0; i < n; i++) {
        const size_t r = room_of(aliases[i]);
        const bool is_free = r == database.n_rooms || !node_of(database.rooms[r].node)->alive;
        snprintf(a->aliases[i], sizeof(a->aliases[i]), "%s", aliases[i]);
        if (node != NULL && !database.down && is_free && node_of(node)->alive &&
            !node_of(node)->draining) {
            snprintf(database.rooms[r].alias, sizeof(database.rooms[r].alias), "%s", aliases[i]);
            snprintf(database.rooms[r].node, sizeof(database.rooms[r].node), "%s", node);
            database.n_rooms += r == database.n_rooms ? 1 : 0;
        }
    }
    return OK;
}

static void release(const char *node, size_t r) {
    if (!database.down && r < database.n_rooms && strcmp(database.rooms[r].node, node) == 0) {
        database.rooms[r] = database.rooms[--database.n_rooms];
    }
}

enum err store_nodes_release(struct store *s, const char *node, const char *const *aliases,
    size_t n, store_nodes_done *done, void *arg) {
    (void)s;
    ask_new(RELEASE, arg)->tell.done = done;
    for (size_t i = 0; i < n; i++) {
        release(node, room_of(aliases[i]));
    }
    return OK;
}

enum err store_nodes_release_others(struct store *s, const char *node, const char *const *aliases,
    size_t n, int64_t fresh_ms, store_nodes_done *done, void *arg) {
    (void)s;
    (void)fresh_ms;
    ask_new(RELEASE, arg)->tell.done = done;
    for (size_t r = database.n_rooms; r-- > 0;) {
        bool kept = false;
        for (size_t i = 0; i < n; i++) {
            kept = kept || strcmp(aliases[i], database.rooms[r].alias) == 0;
        }
        if (!kept) {
            release(node, r);
        }
    }
    return OK;
}

static void answer_claim(const struct ask *a) {
    struct store_place places[ROWS];
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        const size_t r = room_of(a->aliases[i]);
        const struct store_node *node =
            r < database.n_rooms ? node_of(database.rooms[r].node) : NULL;
        if (node != NULL && node->alive) {
            places[n++] = (struct store_place){ database.rooms[r].alias, node->name, node->url,
                node->inner_url };
        }
    }
    a->tell.placed(a->arg, OK, places, n);
}

static void answer(struct ask *slot) {
    const struct ask a = *slot;
    slot->used = false;
    const enum err e = database.down ? err_set(ERR_DATABASE, "down") : OK;
    if (a.what == BEAT) {
        a.tell.listed(a.arg, e, e == OK ? database.nodes : NULL, e == OK ? database.n_nodes : 0);
    } else if (a.what == CLAIM && e == OK) {
        answer_claim(&a);
    } else if (a.what == CLAIM) {
        a.tell.placed(a.arg, e, NULL, 0);
    } else {
        a.tell.done(a.arg, e);
    }
}

/* --- two nodes --- */

struct two {
    uv_loop_t loop;
    struct world world[2];
    struct http_client *http;
    struct lk_keys *keys;
    struct lk_nodes *nodes[2];
};
enum { A, B };

/* Until nothing is left to do at once. */
static void turn(struct two *t) {
    for (int i = 0; i < 20; i++) {
        uv_run(&t->loop, UV_RUN_NOWAIT);
        for (size_t k = 0; k < ROWS; k++) {
            if (database.asks[k].used) {
                answer(&database.asks[k]);
            }
        }
    }
}

static void beat(struct two *t, int which) {
    lk_nodes_set_store(t->nodes[which], DATABASE);
    turn(t);
}

static enum err two_open(struct two *t) {
    static const char *const names[] = { "a", "b" };
    static const char *const urls[] = { "wss://a", "wss://b" };
    memset(&database, 0, sizeof(database));
    *t = (struct two){ 0 };
    uv_loop_init(&t->loop);
    TRY(lk_keys_invent(&t->keys));
    TRY(http_client_create(&t->loop, &t->http));
    for (int i = 0; i < 2; i++) {
        TRY(world_open(&t->world[i], NULL));
        const struct lk_nodes_config cfg = { .name = names[i],
            .url = urls[i],
            .inner_url = "http://127.0.0.1:1",
            .version = "0",
            .workers = 1,
            .rooms = t->world[i].rooms,
            .http = t->http,
            .keys = t->keys };
        TRY(lk_nodes_create(&t->loop, &cfg, &t->nodes[i]));
    }
    return OK;
}

static void two_close(struct two *t) {
    for (int i = 0; i < 2; i++) {
        lk_nodes_destroy(t->nodes[i]);
        world_close(&t->world[i]);
    }
    http_client_destroy(t->http);
    lk_keys_destroy(t->keys);
    turn(t);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&t->loop));
}

struct heard {
    int told;
    enum err e;
    char url[32];
    bool elsewhere;
};

static void hear_place(void *arg, enum err e, const struct lk_place *p) {
    struct heard *h = arg;
    h->told++;
    h->e = e;
    snprintf(h->url, sizeof(h->url), "%s", p == NULL ? "" : p->url);
    h->elsewhere = p != NULL && p->elsewhere != NULL;
}

/* The address that a token for the room has when it is asked for there. */
static struct heard place(struct two *t, int which, const char *alias) {
    struct heard h = { 0 };
    CHECK_ERR(OK, lk_nodes_place(t->nodes[which], alias, hear_place, &h));
    CHECK_INT(0, h.told);
    turn(t);
    CHECK_INT(1, h.told);
    return h;
}

static enum err make_room(struct two *t, int which, const char *alias) {
    struct room *room = NULL;
    TRY(room_directory_ensure(t->world[which].rooms, alias, NULL, &room));
    turn(t);
    return OK;
}

static void open_room(struct two *t, int which, const char *alias) {
    CHECK_ERR(OK, make_room(t, which, alias));
}

static bool is_open(const struct two *t, int which, const char *alias) {
    return room_directory_find(t->world[which].rooms, alias) != NULL;
}

#define CHECK_PLACE(want, t, which, alias)                                                         \
    do {                                                                                           \
        const struct heard heard_ = place(t, which, alias);                                        \
        CHECK_ERR(OK, heard_.e);                                                                   \
        CHECK_STR(want, heard_.url);                                                               \
    } while (0)

/* --- tests --- */

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
    CHECK_INT(LK_NODE_NOT_HERE, lk_nodes_admit(t.nodes[B], "r"));
    CHECK_INT(LK_NODE_LET_IN, lk_nodes_admit(t.nodes[A], "r"));
    ROW("nobody has heard of it: claimed for the door, which then knows");
    CHECK_INT(LK_NODE_COME_AGAIN, lk_nodes_admit(t.nodes[B], "u"));
    CHECK_INT(LK_NODE_COME_AGAIN, lk_nodes_admit(t.nodes[B], "u"));
    turn(&t);
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
    lk_nodes_drain(t.nodes[A]);
    turn(&t);
    ROW("what goes on goes on");
    CHECK_PLACE("wss://a", &t, B, "stays");
    CHECK_PLACE("wss://b", &t, A, "new");
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
    CHECK_INT(LK_NODE_COME_AGAIN, lk_nodes_admit(t.nodes[A], "somewhere"));
    turn(&t);
    CHECK_INT(LK_NODE_COME_AGAIN, lk_nodes_admit(t.nodes[A], "somewhere"));
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
