/* Which rooms began and ended, and telling the database so. Main. */
#include "livekit/node_claims.h"

#include "core/log.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "livekit/node_register.h"
#include "livekit/nodes.h"
#include "rooms/directory.h"
#include "rooms/watcher.h"
#include "store/nodes.h"

#include <string.h>

METRIC_COUNTER(lost_total, "parley_node_rooms_lost_total",
    "Rooms that were ended here because they had begun on another node.");

struct touched {
    char *alias;
    UT_hash_handle hh;
};

/* A question to the store; it outlives its owner. */
struct telling {
    struct lk_node_claims *owner; /* NULL: gone */
    bool all;                     /* it is about every claim of ours */
};

struct lk_node_claims {
    struct lk_node_register *reg;
    struct room_directory *rooms;
    lk_node_claims_ended *ended;
    void *arg;
    struct room_watcher watcher;
    uv_timer_t *turn;
    struct touched *touched;
    struct telling *tellings[3]; /* under way: claims, releases, the rest */
    unsigned beats;
    bool missed; /* something could not be told: all is, after the next beat */
};
enum { CLAIMS, RELEASES, OTHERS };

/* --- what happened --- */

static void drop_touched(struct lk_node_claims *c, struct touched *t) {
    HASH_DEL(c->touched, t);
    mem_free(t->alias);
    mem_free(t);
}

static void on_turn(uv_timer_t *t);

static void touch(struct lk_node_claims *c, const char *alias) {
    struct touched *t = NULL;
    HASH_FIND_STR(c->touched, alias, t);
    if (t != NULL) {
        return;
    }
    t = HASH_COUNT(c->touched) >= LK_NODES_TOUCHED_MAX ? NULL : mem_zalloc(sizeof(*t));
    char *copy = t == NULL ? NULL : mem_strdup(alias);
    if (copy == NULL) {
        mem_free(t);
        c->missed = true;
        return;
    }
    t->alias = copy;
    HASH_ADD_KEYPTR(hh, c->touched, t->alias, strlen(t->alias), t);
    if (t->hh.tbl == NULL) {
        mem_free(t->alias);
        mem_free(t);
        c->missed = true;
        return;
    }
    if (!uv_is_active((uv_handle_t *)c->turn)) {
        uv_timer_start(c->turn, on_turn, 0, 0);
    }
}

static void told(void *arg, const struct room_told *news) {
    struct lk_node_claims *c = arg;
    if (news->type == ROOM_NEWS_FINISHED) {
        c->ended(c->arg, news->room->name);
    }
    if (news->type == ROOM_NEWS_STARTED || news->type == ROOM_NEWS_FINISHED) {
        touch(c, news->room->name);
    }
}

static void touch_room(void *arg, struct room *room) {
    touch(arg, room->name);
}

/* --- telling --- */

static struct telling *begin(struct lk_node_claims *c, int which) {
    struct telling *t = mem_zalloc(sizeof(*t));
    if (t != NULL) {
        t->owner = c;
        t->all = which == OTHERS;
    }
    c->tellings[which] = t;
    c->missed = c->missed || t == NULL;
    return t;
}

/* NULL: the claims are gone. */
static struct lk_node_claims *end(struct telling *t, enum err e) {
    struct lk_node_claims *c = t->owner;
    if (c != NULL) {
        for (size_t i = 0; i < COUNT_OF(c->tellings); i++) {
            c->tellings[i] = c->tellings[i] == t ? NULL : c->tellings[i];
        }
        c->missed = c->missed || (e != OK && !t->all);
        if (c->touched != NULL) {
            uv_timer_start(c->turn, on_turn, 0, 0);
        }
    }
    mem_free(t);
    return c;
}

/* The other node has had it for longer than this one knows. */
static void lose(struct lk_node_claims *c, const struct store_place *p) {
    struct room *room = room_directory_find(c->rooms, p->alias);
    if (room != NULL && strcmp(p->url, lk_node_register_url(c->reg)) != 0) {
        LOG_WARN(&log_root, "room_is_elsewhere", "room=%s node=%s here=%s", LOG_Q(p->alias),
            LOG_Q(p->node), "ended");
        metric_add(&lost_total, 1);
        room_end(room, ROOM_SHUTDOWN);
    }
}

static void on_claimed(void *arg, enum err e, const struct store_place *places, size_t n) {
    struct lk_node_claims *c = end(arg, e);
    for (size_t i = 0; c != NULL && i < n; i++) {
        lose(c, &places[i]);
    }
}

static void on_released(void *arg, enum err e) {
    (void)end(arg, e);
}

static void tell(struct lk_node_claims *c, int which, const char **aliases, size_t n) {
    struct store *store = lk_node_register_store(c->reg);
    const char *node = lk_node_register_name(c->reg);
    struct telling *t = n == 0 ? NULL : begin(c, which);
    if (t == NULL) {
        return;
    }
    enum err e = which == CLAIMS ? store_nodes_claim(store, node, aliases, n, on_claimed, t)
                                 : store_nodes_release(store, node, aliases, n, on_released, t);
    if (e != OK) {
        (void)end(t, e);
    }
}

/* What it did meanwhile does not matter: it is told as it is now. */
static void tell_some(struct lk_node_claims *c) {
    const char *claims[STORE_NODES_ROOMS_MOST];
    const char *releases[STORE_NODES_ROOMS_MOST];
    size_t n_claims = 0;
    size_t n_releases = 0;
    struct touched *t = c->touched;
    for (; t != NULL && n_claims < STORE_NODES_ROOMS_MOST && n_releases < STORE_NODES_ROOMS_MOST;
         t = t->hh.next) {
        if (room_directory_find(c->rooms, t->alias) != NULL) {
            claims[n_claims++] = t->alias;
        } else {
            releases[n_releases++] = t->alias;
        }
    }
    tell(c, CLAIMS, claims, n_claims);
    tell(c, RELEASES, releases, n_releases);
    for (size_t n = n_claims + n_releases; n > 0; n--) {
        drop_touched(c, c->touched);
    }
}

static void on_turn(uv_timer_t *timer) {
    struct lk_node_claims *c = timer->data;
    const bool busy = c->tellings[CLAIMS] != NULL || c->tellings[RELEASES] != NULL;
    if (lk_node_register_store(c->reg) != NULL &&
        lk_node_register_standing(c->reg) == LK_NODE_HELD && !busy && c->touched != NULL) {
        tell_some(c);
    }
}

/* --- the rest --- */

struct names {
    const char **at;
    size_t n, cap;
};

static void add_name(void *arg, struct room *room) {
    struct names *names = arg;
    if (names->n < names->cap) {
        names->at[names->n++] = room->name;
    }
}

/* Claims of an earlier run, or of rooms that were never made. */
static void release_others(struct lk_node_claims *c, int64_t fresh_ms) {
    const size_t cap = room_directory_count(c->rooms);
    struct names names = { mem_alloc((cap + 1) * sizeof(*names.at)), 0, cap };
    struct telling *t = names.at == NULL || c->tellings[OTHERS] != NULL ? NULL : begin(c, OTHERS);
    if (t != NULL) {
        room_directory_each(c->rooms, add_name, &names);
        enum err e = store_nodes_release_others(lk_node_register_store(c->reg),
            lk_node_register_name(c->reg), names.at, names.n, fresh_ms, on_released, t);
        if (e != OK) {
            (void)end(t, e);
        }
    }
    mem_free(names.at);
}

/* Now and then all is told again, so that whatever the database holds against us is heard of. */
void lk_node_claims_beaten(struct lk_node_claims *c, bool anew) {
    const bool tidies = ++c->beats % LK_NODES_TIDY_BEATS == 0;
    if (anew || c->missed || tidies) {
        c->missed = false;
        room_directory_each(c->rooms, touch_room, c);
    }
    if (tidies) {
        release_others(c, LK_NODES_FRESH_MS);
    }
    if (c->touched != NULL) {
        uv_timer_start(c->turn, on_turn, 0, 0);
    }
}

void lk_node_claims_drain(struct lk_node_claims *c) {
    if (lk_node_register_store(c->reg) != NULL &&
        lk_node_register_standing(c->reg) == LK_NODE_HELD) {
        release_others(c, 0);
    }
}

/* --- life --- */

enum err lk_node_claims_create(uv_loop_t *loop, struct lk_node_register *reg,
    struct room_directory *rooms, lk_node_claims_ended *ended, void *arg,
    struct lk_node_claims **ret) {
    struct lk_node_claims *c = mem_zalloc(sizeof(*c));
    uv_timer_t *t = mem_zalloc(sizeof(*t));
    if (c == NULL || t == NULL) {
        mem_free(c);
        mem_free(t);
        return err_set(ERR_NOMEM, "no memory for the claims of a node");
    }
    (void)uv_timer_init(loop, t); /* cannot fail */
    t->data = c;
    *c = (struct lk_node_claims){
        .reg = reg, .rooms = rooms, .ended = ended, .arg = arg, .turn = t
    };
    c->watcher = (struct room_watcher){ .told = told, .arg = c };
    room_directory_watch(rooms, &c->watcher);
    metrics_register(&lost_total);
    *ret = c;
    return OK;
}

void lk_node_claims_destroy(struct lk_node_claims *c) {
    if (c == NULL) {
        return;
    }
    room_directory_unwatch(c->rooms, &c->watcher);
    for (size_t i = 0; i < COUNT_OF(c->tellings); i++) {
        if (c->tellings[i] != NULL) {
            c->tellings[i]->owner = NULL;
        }
    }
    while (c->touched != NULL) {
        drop_touched(c, c->touched);
    }
    uv_close((uv_handle_t *)c->turn, (uv_close_cb)mem_free);
    mem_free(c);
}
