/* Beats: our row is written, and all are read. Main. */
#include "livekit/node_register.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "livekit/nodes.h"

#include <string.h>

#define US_PER_MS     1000
#define LEAVE_MOST_MS 5000 /* a stop waits no longer for the database: the row runs out, too */

METRIC_GAUGE(alive_now, "parley_nodes_alive",
    "Nodes with an SFU on this database that are alive, this one included.");
METRIC_GAUGE(registered_now, "parley_node_registered",
    "1 while this node is registered in the database for others to find.");
METRIC_COUNTER(failed_total, "parley_node_beats_failed_total",
    "Times that this node could not say in the database that it lives.");

/* A question to the store; it outlives its owner. */
struct beat {
    struct lk_node_register *owner; /* NULL: gone */
    int64_t sent_us;
};

struct lk_node_register {
    struct lk_node_register_config cfg;
    struct arena texts;
    uv_timer_t *timer;
    struct store *store;
    char run[UUID_TEXT_SIZE];
    int64_t started_ms;
    struct arena listed;
    struct store_node *nodes;
    size_t n;
    struct beat *beat; /* under way; NULL = none */
    enum lk_node_standing standing;
    int64_t good_until_us;
    int64_t settled_us;
    bool took; /* our name is ours: whoever has it now came later */
    bool draining;
    bool over;
    bool told;               /* that it cannot be renewed */
    void (*left)(void *arg); /* NULL: nobody waits for the leave, or it was said */
    void *left_arg;
};

/* --- the list --- */

/* The old one stays where there is no memory for the new. */
static bool keep_list(struct lk_node_register *r, const struct store_node *nodes, size_t n) {
    struct arena a;
    arena_init(&a);
    struct store_node *copy = arena_array(&a, n == 0 ? 1 : n, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < n; i++) {
        copy[i] = nodes[i];
        copy[i].name = arena_strdup(&a, nodes[i].name);
        copy[i].run = arena_strdup(&a, nodes[i].run);
        copy[i].url = arena_strdup(&a, nodes[i].url);
        copy[i].inner_url = arena_strdup(&a, nodes[i].inner_url);
        copy[i].version = NULL;
    }
    if (copy == NULL || a.failed) {
        arena_finish(&a);
        return false;
    }
    arena_finish(&r->listed);
    r->listed = a;
    r->nodes = copy;
    r->n = n;
    return true;
}

/* --- beating --- */

static void log_standing(const struct lk_node_register *r, enum lk_node_standing before) {
    if (r->standing == before) {
        return;
    }
    if (r->standing == LK_NODE_HELD) {
        LOG_INFO(&log_root, "node_registered", "node=%s url=%s others=%zu", LOG_Q(r->cfg.name),
            LOG_Q(r->cfg.url), lk_node_register_others(r));
    } else if (r->standing == LK_NODE_REPLACED) {
        LOG_ERROR(&log_root, "node_replaced", "node=%s text=%s next=%s", LOG_Q(r->cfg.name),
            LOG_Q("another process on this database has the same name"), "node.name");
    }
}

static void take_list(
    struct lk_node_register *r, const struct store_node *nodes, size_t n, int64_t sent_us) {
    const enum lk_node_standing before = r->standing;
    const bool late = clock_mono_us() >= r->good_until_us;
    const bool first = r->good_until_us == 0;
    if (!keep_list(r, nodes, n)) {
        return;
    }
    r->standing = lk_node_standing_of(r->nodes, r->n, r->cfg.name, r->run);
    metric_set(
        &alive_now, (int64_t)lk_node_register_others(r) + (r->standing == LK_NODE_HELD ? 1 : 0));
    metric_set(&registered_now, r->standing == LK_NODE_HELD ? 1 : 0);
    log_standing(r, before);
    if (r->standing != LK_NODE_HELD) {
        return;
    }
    r->took = true;
    r->told = false;
    r->good_until_us = sent_us + LK_NODES_LEASE_MS * US_PER_MS;
    if (late && !first) {
        r->settled_us = clock_mono_us() + LK_NODES_SETTLE_MS * US_PER_MS;
    }
    r->cfg.beaten(r->cfg.arg, late || before != LK_NODE_HELD);
}

static void send_leave(struct lk_node_register *r);

/* Said once an outage. */
static void fail(struct lk_node_register *r) {
    metric_add(&failed_total, 1);
    if (!r->told) {
        LOG_WARN(&log_root, "node_not_renewed", "node=%s text=%s", LOG_Q(r->cfg.name),
            LOG_Q(err_text()));
    }
    r->told = true;
}

static void on_listed(void *arg, enum err e, const struct store_node *nodes, size_t n) {
    struct beat *b = arg;
    struct lk_node_register *r = b->owner;
    if (r != NULL) {
        r->beat = NULL;
        if (r->over) {
            send_leave(r);
        } else if (e == OK) {
            take_list(r, nodes, n, b->sent_us);
        } else {
            fail(r);
        }
    }
    mem_free(b);
}

static void beat(struct lk_node_register *r) {
    struct beat *b = r->store == NULL || r->beat != NULL || r->over ? NULL : mem_zalloc(sizeof(*b));
    if (b == NULL) {
        return;
    }
    *b = (struct beat){ .owner = r, .sent_us = clock_mono_us() };
    const struct store_node own = { .name = r->cfg.name,
        .run = r->run,
        .url = r->cfg.url,
        .inner_url = r->cfg.inner_url,
        .version = r->cfg.version,
        .workers = r->cfg.workers,
        .members = r->cfg.members(r->cfg.arg),
        .draining = r->draining,
        .started_at = r->started_ms,
        .clock_at = clock_wall_ms() };
    if (store_nodes_beat(r->store, &own, LK_NODES_LEASE_MS, !r->took, on_listed, b) != OK) {
        fail(r);
        mem_free(b);
    } else {
        r->beat = b;
    }
}

static void on_timer(uv_timer_t *t) {
    struct lk_node_register *r = t->data;
    if (clock_mono_us() >= r->good_until_us) {
        metric_set(&registered_now, 0);
    }
    beat(r);
}

void lk_node_register_drain(struct lk_node_register *r) {
    r->draining = true;
    if (r->store != NULL && !r->over) {
        uv_timer_start(r->timer, on_timer, 0, LK_NODES_BEAT_MS);
    }
}

/* --- leaving --- */

static void tell_left(struct lk_node_register *r) {
    void (*left)(void *arg) = STEAL(r->left);
    uv_timer_stop(r->timer);
    if (left != NULL) {
        left(r->left_arg);
    }
}

static void on_left(void *arg, enum err e) {
    struct beat *b = arg;
    struct lk_node_register *r = b->owner;
    if (r != NULL) {
        r->beat = NULL;
        LOG_INFO(&log_root, "node_left", "node=%s unregistered=%s", LOG_Q(r->cfg.name),
            e == OK ? "true" : "false");
        tell_left(r);
    }
    mem_free(b);
}

static void on_left_late(uv_timer_t *t) {
    tell_left(t->data);
}

static void send_leave(struct lk_node_register *r) {
    struct beat *b = r->store == NULL ? NULL : mem_zalloc(sizeof(*b));
    if (b == NULL) {
        tell_left(r);
        return;
    }
    b->owner = r;
    r->beat = b;
    if (store_nodes_leave(r->store, r->cfg.name, r->run, on_left, b) != OK) {
        r->beat = NULL;
        mem_free(b);
        tell_left(r);
    }
}

/* Behind a beat that is under way, so that the row does not come to be again. */
void lk_node_register_leave(struct lk_node_register *r, void (*done)(void *arg), void *arg) {
    r->over = true;
    r->left = done;
    r->left_arg = arg;
    metric_set(&registered_now, 0);
    uv_timer_start(r->timer, on_left_late, LEAVE_MOST_MS, 0);
    if (r->beat == NULL) {
        send_leave(r);
    }
}

/* --- questions --- */

const char *lk_node_register_name(const struct lk_node_register *r) {
    return r->cfg.name;
}

const char *lk_node_register_url(const struct lk_node_register *r) {
    return r->cfg.url;
}

struct store *lk_node_register_store(const struct lk_node_register *r) {
    return r->store;
}

enum lk_node_standing lk_node_register_standing(const struct lk_node_register *r) {
    return r->standing;
}

bool lk_node_register_draining(const struct lk_node_register *r) {
    return r->draining || r->over;
}

size_t lk_node_register_others(const struct lk_node_register *r) {
    return lk_node_others(r->nodes, r->n, r->cfg.name);
}

void lk_node_register_each_other(const struct lk_node_register *r,
    void (*each)(void *arg, const char *name, const char *inner_url), void *arg) {
    for (size_t i = 0; i < r->n; i++) {
        if (r->nodes[i].alive && strcmp(r->nodes[i].name, r->cfg.name) != 0) {
            each(arg, r->nodes[i].name, r->nodes[i].inner_url);
        }
    }
}

bool lk_node_register_is_settled(const struct lk_node_register *r) {
    const int64_t now_us = clock_mono_us();
    return now_us < r->good_until_us && now_us >= r->settled_us;
}

/* What we are about to do counts, not what our row says yet. */
const struct store_node *lk_node_register_choose(const struct lk_node_register *r) {
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->nodes[i].name, r->cfg.name) == 0) {
            r->nodes[i].draining = r->nodes[i].draining || lk_node_register_draining(r);
            r->nodes[i].members = r->cfg.members(r->cfg.arg);
        }
    }
    return lk_node_choose(r->nodes, r->n, r->cfg.name);
}

void lk_node_register_granted(struct lk_node_register *r, const char *name) {
    for (size_t i = 0; i < r->n; i++) {
        r->nodes[i].rooms += strcmp(r->nodes[i].name, name) == 0 ? 1 : 0;
    }
}

void lk_node_register_refused(struct lk_node_register *r, const char *name) {
    for (size_t i = 0; i < r->n; i++) {
        r->nodes[i].draining = r->nodes[i].draining || strcmp(r->nodes[i].name, name) == 0;
    }
}

/* --- life --- */

void lk_node_register_set_store(struct lk_node_register *r, struct store *store) {
    r->store = store;
    if (store != NULL) {
        uv_timer_start(r->timer, on_timer, 0, LK_NODES_BEAT_MS);
    } else if (r->left == NULL) {
        uv_timer_stop(r->timer);
    }
}

enum err lk_node_register_create(
    uv_loop_t *loop, const struct lk_node_register_config *cfg, struct lk_node_register **ret) {
    struct lk_node_register *r = mem_zalloc(sizeof(*r));
    uv_timer_t *t = mem_zalloc(sizeof(*t));
    if (r == NULL || t == NULL) {
        mem_free(r);
        mem_free(t);
        return err_set(ERR_NOMEM, "no memory for the register of nodes");
    }
    (void)uv_timer_init(loop, t); /* cannot fail */
    t->data = r;
    r->cfg = *cfg;
    r->timer = t;
    r->started_ms = clock_wall_ms();
    crypto_uuid(r->started_ms, r->run);
    arena_init(&r->texts);
    arena_init(&r->listed);
    const char **const texts[] = { &r->cfg.name, &r->cfg.url, &r->cfg.inner_url, &r->cfg.version };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_strdup(&r->texts, *texts[i]);
    }
    if (r->texts.failed) {
        lk_node_register_destroy(r);
        return err_set(ERR_NOMEM, "no memory for the register of nodes");
    }
    metrics_register(&alive_now);
    metrics_register(&registered_now);
    metrics_register(&failed_total);
    *ret = r;
    return OK;
}

void lk_node_register_destroy(struct lk_node_register *r) {
    if (r == NULL) {
        return;
    }
    if (r->beat != NULL) {
        r->beat->owner = NULL;
    }
    uv_close((uv_handle_t *)r->timer, (uv_close_cb)mem_free);
    arena_finish(&r->listed);
    arena_finish(&r->texts);
    mem_free(r);
}
