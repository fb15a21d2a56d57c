/*
 * Two nodes over one database that is played here: it answers in the loop's next turn. Included
 * once by a test program, in place of store/nodes.
 */
#ifndef TESTS_UNIT_NODES_WORLD_H
#define TESTS_UNIT_NODES_WORLD_H

#include "core/crypto.h"
#include "http/client.h"
#include "livekit/keys.h"
#include "livekit/nodes.h"
#include "rooms_world.h"

#include <string.h>

/* --- the database --- */

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

static inline struct ask *ask_new(int what, void *arg) {
    for (size_t i = 0; i < ROWS; i++) {
        if (!database.asks[i].used) {
            database.asks[i] = (struct ask){ .used = true, .arg = arg };
            database.asks[i].what = what;
            return &database.asks[i];
        }
    }
    abort();
}

static inline struct store_node *node_of(const char *name) {
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

static inline size_t room_of(const char *alias) {
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

static inline void release(const char *node, size_t r) {
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

static inline void answer_claim(const struct ask *a) {
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

static inline void answer(struct ask *slot) {
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
static inline void turn(struct two *t) {
    for (int i = 0; i < 20; i++) {
        uv_run(&t->loop, UV_RUN_NOWAIT);
        for (size_t k = 0; k < ROWS; k++) {
            if (database.asks[k].used) {
                answer(&database.asks[k]);
            }
        }
    }
}

static inline void beat(struct two *t, int which) {
    lk_nodes_set_store(t->nodes[which], DATABASE);
    turn(t);
}

static inline enum err two_open(struct two *t) {
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

static inline void two_close(struct two *t) {
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

static inline void hear_place(void *arg, enum err e, const struct lk_place *p) {
    struct heard *h = arg;
    h->told++;
    h->e = e;
    snprintf(h->url, sizeof(h->url), "%s", p == NULL ? "" : p->url);
    h->elsewhere = p != NULL && p->elsewhere != NULL;
}

typedef enum err asking(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg);

static inline struct heard answer_to(asking *ask, struct two *t, int which, const char *alias) {
    struct heard h = { 0 };
    CHECK_ERR(OK, ask(t->nodes[which], alias, hear_place, &h));
    CHECK_INT(0, h.told);
    turn(t);
    CHECK_INT(1, h.told);
    return h;
}

/* The address that a token for the room has when it is asked for there. */
static inline struct heard place(struct two *t, int which, const char *alias) {
    return answer_to(lk_nodes_place, t, which, alias);
}

static inline enum err make_room(struct two *t, int which, const char *alias) {
    struct room *room = NULL;
    TRY(room_directory_ensure(t->world[which].rooms, alias, NULL, &room));
    turn(t);
    return OK;
}

static inline void open_room(struct two *t, int which, const char *alias) {
    CHECK_ERR(OK, make_room(t, which, alias));
}

static inline bool is_open(const struct two *t, int which, const char *alias) {
    return room_directory_find(t->world[which].rooms, alias) != NULL;
}

#define CHECK_PLACE(want, t, which, alias)                                                         \
    do {                                                                                           \
        const struct heard heard_ = place(t, which, alias);                                        \
        CHECK_ERR(OK, heard_.e);                                                                   \
        CHECK_STR(want, heard_.url);                                                               \
    } while (0)

/* Where somebody gets to who comes to that node's door. */
#define CHECK_ENTER(want, is_elsewhere, t, which, alias)                                           \
    do {                                                                                           \
        const struct heard heard_ = answer_to(lk_nodes_enter, t, which, alias);                    \
        CHECK_ERR(OK, heard_.e);                                                                   \
        CHECK_STR(want, heard_.url);                                                               \
        CHECK((is_elsewhere) == heard_.elsewhere);                                                 \
    } while (0)

#endif
