/* Where rooms are: what is known, what is asked, and the way to other nodes. Main. */
#include "livekit/nodes.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "livekit/forward.h"
#include "livekit/node_claims.h"
#include "livekit/node_known.h"
#include "livekit/node_register.h"
#include "livekit/rooms.h"
#include "rooms/directory.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

METRIC_COUNTER(sent_total, "parley_node_sent_total",
    "Token requests and questions that were led to another node.");

/* One that waits for an answer; it outlives its owner while the store has it. */
struct question {
    struct lk_nodes *owner; /* NULL: nobody wants to know any more */
    char *alias;
    bool claims;
    bool at_door;                  /* … for us, before it is for others */
    char tried[LK_NODE_NAME_SIZE]; /* for whom it was claimed; "" = nobody */
    bool asked;                    /* the store has it */
    lk_nodes_placed *placed;
    void *arg;
    struct question *prev, *next;
};

/* The way to a node. */
struct peer {
    char *url;
    struct lk_rooms *rooms;
};

struct lk_nodes {
    struct lk_nodes_config cfg;
    struct lk_node_register *reg;
    struct lk_node_claims *claims;
    uv_timer_t *turn;
    struct lk_node_known *known;
    struct lk_forwards *forwards;
    struct question *questions;
    size_t n_questions;
    struct peer peers[STORE_NODES_MOST];
    size_t n_peers;
};

static void on_ended(void *arg, const char *alias) {
    const struct lk_nodes *n = arg;
    lk_node_known_drop(n->known, alias);
}

static bool is_open(const struct lk_nodes *n, const char *alias) {
    return room_directory_find(n->cfg.rooms, alias) != NULL;
}

static bool is_alone(const struct lk_nodes *n) {
    return lk_node_register_others(n->reg) == 0;
}

/* --- the way to others --- */

static void drop_peer(struct lk_nodes *n, size_t i) {
    lk_rooms_destroy(n->peers[i].rooms);
    mem_free(n->peers[i].url);
    n->peers[i] = n->peers[--n->n_peers];
}

/* Nodes come and go, and some have another address each time. */
static bool have_place_for_peer(struct lk_nodes *n) {
    size_t i = n->n_peers;
    while (n->n_peers == COUNT_OF(n->peers) && i-- > 0) {
        if (lk_rooms_is_idle(n->peers[i].rooms)) {
            drop_peer(n, i);
        }
    }
    return n->n_peers < COUNT_OF(n->peers);
}

/* NULL: no way. */
static struct lk_rooms *way_to(struct lk_nodes *n, const char *inner_url) {
    for (size_t i = 0; i < n->n_peers; i++) {
        if (strcmp(n->peers[i].url, inner_url) == 0) {
            return n->peers[i].rooms;
        }
    }
    if (inner_url[0] == '\0' || !have_place_for_peer(n)) {
        return NULL;
    }
    struct peer p = { .url = mem_strdup(inner_url) };
    if (p.url == NULL || lk_rooms_create(n->cfg.http, n->cfg.keys, inner_url, &p.rooms) != OK) {
        mem_free(p.url);
        return NULL;
    }
    n->peers[n->n_peers++] = p;
    return p.rooms;
}

/* One that shares our address, and cannot be asked, is behind one balancer with us: it is not for
 * us to tell us apart. */
static bool is_ours(const struct lk_nodes *n, const struct store_place *p) {
    return strcmp(p->node, n->cfg.name) == 0 ||
           (strcmp(p->url, n->cfg.url) == 0 && p->inner_url[0] == '\0');
}

/* --- answers --- */

static void question_free(struct question *q) {
    mem_free(q->alias);
    mem_free(q);
}

/* Out of the list; while the store has it, it stays without an owner. */
static void question_end(struct question *q) {
    struct lk_nodes *n = q->owner;
    DL_DELETE(n->questions, q);
    n->n_questions--;
    q->owner = NULL;
    if (!q->asked) {
        question_free(q);
    }
}

static void answer(struct question *q, enum err e, const struct lk_place *place) {
    lk_nodes_placed *placed = q->placed;
    void *arg = q->arg;
    question_end(q);
    placed(arg, e, place);
}

static void answer_here(struct question *q) {
    const struct lk_nodes *n = q->owner;
    const struct lk_place here = {
        .node = n->cfg.name, .url = n->cfg.url, .inner_url = n->cfg.inner_url
    };
    answer(q, OK, &here);
}

static void answer_place(struct question *q, const struct store_place *p) {
    struct lk_nodes *n = q->owner;
    const bool ours = is_ours(n, p);
    lk_node_known_set(n->known, q->alias, ours ? LK_ROOM_HERE : LK_ROOM_ELSEWHERE);
    if (ours) {
        answer_here(q);
        return;
    }
    const struct lk_place place = { .node = p->node,
        .url = p->url,
        .inner_url = p->inner_url,
        .elsewhere = way_to(n, p->inner_url) };
    metric_add(&sent_total, q->at_door ? 0 : 1);
    enum err e = place.elsewhere != NULL
                     ? OK
                     : err_set(ERR_UNREACHABLE,
                           "the room is on the node %s, whose node.url is not set", p->node);
    answer(q, e, &place);
}

static void on_turn(uv_timer_t *t);

/* A room that is nowhere: whoever was to have it has stopped since we heard of it. */
static void answer_nowhere(struct question *q) {
    struct lk_nodes *n = q->owner;
    if (q->claims && q->tried[0] != '\0') {
        lk_node_register_refused(n->reg, q->tried);
        uv_timer_start(n->turn, on_turn, 0, 0);
    } else if (q->claims) {
        answer(q, err_set(ERR_UNREACHABLE, "no node takes rooms now"), NULL);
    } else {
        answer_here(q);
    }
}

static void on_placed(void *arg, enum err e, const struct store_place *places, size_t n_places) {
    struct question *q = arg;
    q->asked = false;
    if (q->owner == NULL) {
        question_free(q);
    } else if (e != OK) {
        answer(q, e, NULL);
    } else if (n_places == 0) {
        answer_nowhere(q);
    } else {
        answer_place(q, &places[0]);
    }
}

/* --- questions --- */

/* We for what is said at our own door, else the least busy. NULL: nobody, and while all come back
 * from an outage nobody may take the rooms of who is a little later. */
static const char *candidate(const struct lk_nodes *n, const struct question *q) {
    if (!q->claims || !lk_node_register_is_settled(n->reg)) {
        return NULL;
    }
    if (q->at_door && q->tried[0] == '\0') {
        return n->cfg.name;
    }
    const struct store_node *chosen = lk_node_register_choose(n->reg);
    return chosen == NULL ? NULL : chosen->name;
}

/* Can it be answered without the database? What is open here is here, and who is alone has all. */
static bool is_plain(const struct lk_nodes *n, const struct question *q) {
    return is_open(n, q->alias) || lk_node_register_store(n->reg) == NULL ||
           (is_alone(n) && lk_node_register_standing(n->reg) != LK_NODE_REPLACED &&
               !lk_node_register_draining(n->reg));
}

static void ask_store(struct question *q) {
    struct lk_nodes *n = q->owner;
    const char *node = candidate(n, q);
    const char *const aliases[] = { q->alias };
    if (node != NULL) {
        lk_node_register_granted(n->reg, node);
    }
    snprintf(q->tried, sizeof(q->tried), "%s", node == NULL ? "" : node);
    q->asked = true;
    enum err e = store_nodes_claim(lk_node_register_store(n->reg), node, aliases, 1, on_placed, q);
    if (e != OK) {
        q->asked = false;
        answer(q, e, NULL);
    }
}

/* Those that came in the meantime wait for the next turn. */
static void on_turn(uv_timer_t *t) {
    struct lk_nodes *n = t->data;
    struct question *q = n->questions;
    while (q != NULL && q->asked) {
        q = q->next;
    }
    if (q == NULL) {
        return;
    }
    uv_timer_start(t, on_turn, 0, 0);
    if (is_plain(n, q)) {
        answer_here(q);
    } else {
        ask_store(q);
    }
}

static enum err ask(struct lk_nodes *n, const struct question *like) {
    if (n->n_questions >= LK_NODES_ASKED_MAX) {
        return err_set(ERR_LIMIT, "%d questions for rooms are under way", LK_NODES_ASKED_MAX);
    }
    struct question *q = mem_zalloc(sizeof(*q));
    char *copy = q == NULL ? NULL : mem_strdup(like->alias);
    if (copy == NULL) {
        mem_free(q);
        return err_set(ERR_NOMEM, "no memory for a question for a room");
    }
    *q = *like;
    q->owner = n;
    q->alias = copy;
    DL_APPEND(n->questions, q);
    n->n_questions++;
    uv_timer_start(n->turn, on_turn, 0, 0);
    return OK;
}

enum err lk_nodes_place(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg) {
    return ask(n,
        &(struct question){ .alias = (char *)alias, .claims = true, .placed = placed, .arg = arg });
}

enum err lk_nodes_enter(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg) {
    return ask(n, &(struct question){ .alias = (char *)alias,
                      .claims = true,
                      .at_door = true,
                      .placed = placed,
                      .arg = arg });
}

enum err lk_nodes_find(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg) {
    return ask(n, &(struct question){ .alias = (char *)alias, .placed = placed, .arg = arg });
}

void lk_nodes_forget(struct lk_nodes *n, const void *arg) {
    struct question *q = NULL;
    struct question *next = NULL;
    DL_FOREACH_SAFE(n->questions, q, next) {
        if (q->arg == arg) {
            question_end(q);
        }
    }
}

/* --- the door of clients --- */

enum lk_node_entry lk_nodes_admit(const struct lk_nodes *n, const char *alias) {
    const struct lk_node_case c = {
        .is_open = is_open(n, alias),
        .alone = is_alone(n),
        .replaced = lk_node_register_standing(n->reg) == LK_NODE_REPLACED,
        .where = lk_node_known_get(n->known, alias),
    };
    return lk_node_admit(&c);
}

/* --- others --- */

const char *lk_nodes_name(const struct lk_nodes *n) {
    return n->cfg.name;
}

struct lk_forwards *lk_nodes_forwards(struct lk_nodes *n) {
    return n->forwards;
}

size_t lk_nodes_others(const struct lk_nodes *n) {
    return lk_node_register_others(n->reg);
}

void lk_nodes_each_other(const struct lk_nodes *n,
    void (*each)(void *arg, const char *name, const char *inner_url), void *arg) {
    lk_node_register_each_other(n->reg, each, arg);
}

/* --- life --- */

static void count_members(void *arg, struct room *room) {
    *(int *)arg += (int)room->n_members;
}

static int members(void *arg) {
    const struct lk_nodes *n = arg;
    int sum = 0;
    room_directory_each(n->cfg.rooms, count_members, &sum);
    return sum;
}

static void beaten(void *arg, bool anew) {
    const struct lk_nodes *n = arg;
    lk_node_claims_beaten(n->claims, anew);
}

void lk_nodes_set_store(struct lk_nodes *n, struct store *store) {
    lk_node_register_set_store(n->reg, store);
}

void lk_nodes_drain(struct lk_nodes *n) {
    lk_node_register_drain(n->reg);
    lk_node_claims_drain(n->claims);
}

void lk_nodes_leave(struct lk_nodes *n, void (*done)(void *arg), void *arg) {
    lk_node_register_leave(n->reg, done, arg);
}

static enum err build(uv_loop_t *loop, struct lk_nodes *n) {
    const struct lk_nodes_config *c = &n->cfg;
    const struct lk_node_register_config reg = { .name = c->name,
        .url = c->url,
        .inner_url = c->inner_url,
        .version = c->version,
        .workers = c->workers,
        .members = members,
        .beaten = beaten,
        .arg = n };
    TRY(lk_node_known_create(&n->known));
    TRY(lk_forwards_create(c->http, c->name, &n->forwards));
    TRY(lk_node_register_create(loop, &reg, &n->reg));
    return lk_node_claims_create(loop, n->reg, c->rooms, on_ended, n, &n->claims);
}

enum err lk_nodes_create(
    uv_loop_t *loop, const struct lk_nodes_config *cfg, struct lk_nodes **ret) {
    struct lk_nodes *n = mem_zalloc(sizeof(*n));
    uv_timer_t *t = mem_zalloc(sizeof(*t));
    if (n == NULL || t == NULL) {
        mem_free(n);
        mem_free(t);
        return err_set(ERR_NOMEM, "no memory for the nodes");
    }
    (void)uv_timer_init(loop, t); /* cannot fail */
    t->data = n;
    n->turn = t;
    n->cfg = *cfg;
    metrics_register(&sent_total);
    enum err e = build(loop, n);
    if (e != OK) {
        lk_nodes_destroy(n);
        return e;
    }
    *ret = n;
    return OK;
}

void lk_nodes_destroy(struct lk_nodes *n) {
    if (n == NULL) {
        return;
    }
    lk_node_claims_destroy(n->claims);
    lk_node_register_destroy(n->reg);
    while (n->questions != NULL) {
        question_end(n->questions);
    }
    while (n->n_peers > 0) {
        drop_peer(n, n->n_peers - 1);
    }
    lk_forwards_destroy(n->forwards);
    lk_node_known_destroy(n->known);
    uv_close((uv_handle_t *)n->turn, (uv_close_cb)mem_free);
    mem_free(n);
}
