/* The pool: who may use a connection now, who waits for one, and what the rest of the program hears
 * of it. */
#include "store/pool.h"

#include "core/log.h"
#include "core/metrics.h"
#include "store/connection.h"

METRIC_GAUGE(
    connections_up, "parley_database_connections", "Connections to PostgreSQL that are up.");
METRIC_HISTOGRAM(lease_wait, "parley_database_lease_wait_seconds",
    "How long a unit of work waited for a connection.");
static struct metric failures[] = {
#define FAILURE(kind)                                                                              \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_database_failures_total", "kind=\"" kind "\"",        \
        "Failures of the database: connect, lost connection, statement, no connection to lease.")
    [STORE_FAILED_CONNECT] = FAILURE("connect"),
    [STORE_FAILED_LOST] = FAILURE("lost"),
    [STORE_FAILED_STATEMENT] = FAILURE("statement"),
    [STORE_FAILED_LEASE] = FAILURE("lease"),
};

void store_count_failure(enum store_failure f) {
    metric_add(&failures[f], 1);
}

static void register_metrics(void) {
    metrics_register(&connections_up);
    metrics_register(&lease_wait);
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        metrics_register(&failures[i]);
    }
}

/* --- waiting --- */

static int64_t wait_deadline_us(const struct store *s, const struct store_waiter *w) {
    return w->since_us + s->connect_timeout_us;
}

static struct store_waiter *take_waiter(struct store *s) {
    struct store_waiter *w = s->waiters;
    s->waiters = w->next;
    if (s->waiters == NULL) {
        s->waiters_end = &s->waiters;
    }
    s->n_waiters--;
    return w;
}

static void fail_waiter(struct store_waiter *w) {
    store_count_failure(STORE_FAILED_LEASE);
    w->leased(w->arg,
        err_set(ERR_DATABASE, "the database cannot be reached, or all connections are busy"), NULL);
    mem_free(w);
}

static void run_turn(uv_timer_t *timer) {
    struct store *s = timer->data;
    for (unsigned i = 0; i < s->n_connections; i++) {
        store_query_turn(s->connections[i]);
    }
    int64_t now = clock_mono_us();
    while (s->waiters != NULL && wait_deadline_us(s, s->waiters) <= now) {
        fail_waiter(take_waiter(s));
    }
    if (s->told_up != store_up(s)) {
        s->told_up = !s->told_up;
        s->changed(s->changed_arg, s->told_up);
    }
    if (s->waiters != NULL && uv_is_active((uv_handle_t *)&s->turn) == 0) {
        int64_t left_ms = (wait_deadline_us(s, s->waiters) - now) / 1000 + 1;
        uv_timer_start(&s->turn, run_turn, (uint64_t)(left_ms > 0 ? left_ms : 0), 0);
    }
}

void store_turn(struct store *s) {
    uv_timer_start(&s->turn, run_turn, 0, 0);
}

void store_count_up(struct store *s, bool up) {
    s->n_up = up ? s->n_up + 1 : s->n_up - 1;
    metric_set(&connections_up, s->n_up);
    store_turn(s);
}

/* --- leases --- */

static struct store_connection *find_idle(const struct store *s) {
    for (unsigned i = 0; i < s->n_connections; i++) {
        if (s->connections[i]->state == STORE_IDLE) {
            return s->connections[i];
        }
    }
    return NULL;
}

void store_serve_waiters(struct store *s) {
    struct store_connection *c;
    while (s->waiters != NULL && (c = find_idle(s)) != NULL) {
        struct store_waiter *w = take_waiter(s);
        metric_observe_us(&lease_wait, clock_mono_us() - w->since_us);
        c->state = STORE_LEASED;
        w->leased(w->arg, OK, c);
        mem_free(w);
    }
}

static enum err add_waiter(struct store *s, store_leased *leased, void *arg) {
    if (s->n_waiters >= STORE_WAITERS_MAX) {
        store_count_failure(STORE_FAILED_LEASE);
        return err_set(
            ERR_DATABASE, "%d units of work wait for a connection already", STORE_WAITERS_MAX);
    }
    struct store_waiter *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *w = (struct store_waiter){ .leased = leased, .arg = arg, .since_us = clock_mono_us() };
    *s->waiters_end = w;
    s->waiters_end = &w->next;
    s->n_waiters++;
    store_turn(s);
    return OK;
}

enum err store_lease(struct store *s, store_leased *leased, void *arg) {
    struct store_connection *c = s->waiters == NULL ? find_idle(s) : NULL;
    if (c == NULL) {
        return add_waiter(s, leased, arg);
    }
    metric_observe_us(&lease_wait, 0);
    c->state = STORE_LEASED;
    leased(arg, OK, c);
    return OK;
}

void store_release(struct store_connection *c) {
    if (c->store == NULL) {
        c->state = STORE_DOWN;
        store_connection_unref(c);
    } else if (c->pg == NULL) {
        store_connection_retry(c);
    } else {
        c->state = STORE_IDLE;
        store_serve_waiters(c->store);
    }
}

bool store_alive(const struct store_connection *c) {
    return c->pg != NULL;
}

/* --- life --- */

bool store_up(const struct store *s) {
    return s->n_up > 0;
}

static void free_store(uv_handle_t *h) {
    mem_free(h->data);
}

enum err store_create(uv_loop_t *loop, const struct store_config *cfg, store_changed_fn *changed,
    void *arg, struct store **ret) {
    if (cfg->pool_size < 1 || cfg->pool_size > STORE_POOL_MAX) {
        return err_set(ERR_INVALID, "database pool size: want 1 to %d", STORE_POOL_MAX);
    }
    struct store *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    s->loop = loop;
    s->connect_timeout_us = cfg->connect_timeout_us;
    s->statement_timeout_us = cfg->statement_timeout_us;
    s->changed = changed;
    s->changed_arg = arg;
    s->waiters_end = &s->waiters;
    s->turn.data = s;
    uv_timer_init(loop, &s->turn);
    register_metrics();
    enum err e = store_statements_build(&s->texts, s->statements);
    if (e == OK) {
        e = store_conninfo_create(cfg->url, cfg->statement_timeout_us, &s->info);
    }
    while (e == OK && s->n_connections < cfg->pool_size) {
        e = store_connection_create(s, &s->connections[s->n_connections]);
        s->n_connections += e == OK;
    }
    if (e != OK) {
        store_destroy(s);
        return e;
    }
    *ret = s;
    return OK;
}

void store_destroy(struct store *s) {
    if (s == NULL) {
        return;
    }
    for (unsigned i = 0; i < s->n_connections; i++) {
        store_connection_destroy(s->connections[i]);
    }
    s->n_connections = 0;
    metric_set(&connections_up, 0);
    while (s->waiters != NULL) {
        fail_waiter(take_waiter(s));
    }
    store_conninfo_destroy(s->info);
    arena_finish(&s->texts);
    uv_close((uv_handle_t *)&s->turn, free_store);
}
