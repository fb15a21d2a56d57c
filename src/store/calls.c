/* A unit of work: opening and ending it. Writing is in store/calls_commit. */
#include "store/calls.h"

#include "core/mem.h"
#include "store/connection.h"
#include "store/work.h"

/* The results of opening, in order. */
enum { OPENED_BEGIN, OPENED_LOCK, OPENED_TXN, OPENED_EVENTS, OPENED_CALLS };

/* --- ending --- */

void store_work_free(struct store_work *w) {
    store_release(w->c);
    mem_free(w);
}

static void rolled_back(void *arg, enum err e, const struct store_answer *a) {
    (void)a;
    struct store_work *w = arg;
    if (e != OK && store_alive(w->c)) {
        /* Nobody knows what state the transaction is in: the server ends it with the connection. */
        store_connection_lost(w->c, STORE_FAILED_LOST, err_text());
    }
    store_work_free(w);
}

void store_work_rollback(struct store_work *w) {
    if (!store_alive(w->c)) {
        store_work_free(w);
        return;
    }
    store_query_put(w->c, STORE_ROLLBACK, NULL);
    store_query_send(w->c, rolled_back, w);
}

void store_calls_abort(struct store_work *w) {
    store_work_rollback(w);
}

/* --- opening --- */

static void fail_opening(struct store_work *w, enum err e) {
    w->opened(w->opened_arg, e, NULL, NULL);
    store_work_rollback(w);
}

static void opened(void *arg, enum err e, const struct store_answer *a) {
    struct store_work *w = arg;
    struct store_snapshot snapshot = { 0 };
    if (e == OK) {
        e = store_txn_rows_read(w, a, OPENED_TXN, &snapshot);
    }
    if (e == OK) {
        e = store_call_rows_read(a, OPENED_CALLS, w->arena, &snapshot);
    }
    if (e == OK) {
        e = store_call_rows_read_key(w, a, OPENED_CALLS);
    }
    if (e != OK) {
        fail_opening(w, e);
        return;
    }
    w->opened(w->opened_arg, OK, w, &snapshot);
}

static void begin(struct store_work *w) {
    store_query_put(w->c, STORE_BEGIN, NULL);
    store_args_clear(&w->c->args);
    store_args_texts(&w->c->args, w->scope.rooms, w->scope.n_rooms);
    store_query_put(w->c, STORE_LOCK_ROOMS, &w->c->args);
    store_txn_rows_find(w);
    store_call_rows_load(w, w->scope.rooms, w->scope.n_rooms);
    store_query_send(w->c, opened, w);
}

static void leased(void *arg, enum err e, struct store_connection *c) {
    struct store_work *w = arg;
    if (e != OK) {
        w->opened(w->opened_arg, e, NULL, NULL);
        mem_free(w);
        return;
    }
    w->c = c;
    begin(w);
}

static enum err start(struct store *s, store_leased *with, struct store_work *like) {
    struct store_work *w = mem_alloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *w = *like;
    enum err e = store_lease(s, with, w);
    if (e != OK) {
        mem_free(w);
    }
    return e;
}

enum err store_calls_open(struct store *s, struct arena *arena, const struct store_scope *scope,
    store_calls_opened *then, void *arg) {
    struct store_work w = {
        .arena = arena, .scope = *scope, .now_ms = scope->now_ms, .opened = then, .opened_arg = arg
    };
    return start(s, leased, &w);
}

/* --- opening what is due --- */

static void due_loaded(void *arg, enum err e, const struct store_answer *a) {
    struct store_work *w = arg;
    struct store_snapshot snapshot = { 0 };
    if (e == OK) {
        e = store_call_rows_read(a, 0, w->arena, &snapshot);
    }
    if (e == OK) {
        e = store_call_rows_read_key(w, a, 0);
    }
    if (e != OK) {
        fail_opening(w, e);
        return;
    }
    w->opened(w->opened_arg, OK, w, &snapshot);
}

/* The rooms are locked now, by a statement before: what is loaded next is what the unit before
 * left. */
static void due_claimed(void *arg, enum err e, const struct store_answer *a) {
    struct store_work *w = arg;
    size_t n = e == OK ? store_answer_rows(a, 1) : 0;
    const char **rooms = arena_array(w->arena, n, sizeof(*rooms));
    for (size_t i = 0; rooms != NULL && i < n; i++) {
        rooms[i] = store_read_text(a, 1, i, 0, w->arena);
    }
    if (e == OK && w->arena->failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    if (e != OK) {
        fail_opening(w, e);
    } else if (n == 0) {
        w->opened(w->opened_arg, OK, w, &(struct store_snapshot){ 0 });
    } else {
        store_call_rows_load(w, rooms, n);
        store_query_send(w->c, due_loaded, w);
    }
}

static void due_leased(void *arg, enum err e, struct store_connection *c) {
    struct store_work *w = arg;
    if (e != OK) {
        leased(arg, e, c);
        return;
    }
    w->c = c;
    store_query_put(c, STORE_BEGIN, NULL);
    store_args_clear(&c->args);
    store_args_time(&c->args, w->now_ms);
    store_args_int(&c->args, (int64_t)w->limit);
    store_query_put(c, STORE_CLAIM_DUE, &c->args);
    store_query_send(c, due_claimed, w);
}

enum err store_calls_open_due(struct store *s, struct arena *arena, int64_t now_ms, size_t limit,
    store_calls_opened *then, void *arg) {
    struct store_work w = {
        .arena = arena, .limit = limit, .now_ms = now_ms, .opened = then, .opened_arg = arg
    };
    return start(s, due_leased, &w);
}
