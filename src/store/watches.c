/* Claiming what is due, writing what was found, and making it due. */
#include "store/watches.h"

#include "core/mem.h"
#include "store/question.h"
#include "store/tables.h"

#include <string.h>

struct question {
    struct store_question q;
    struct store_lease lease;
    /* to settle */
    const void **watches; /* of struct store_watch_found */
    size_t n_watches;
    const void **visits; /* of struct store_visit_found */
    size_t n_visits;
    /* whom the news is about */
    struct store_identity who;
    int64_t visit_at;
    store_watches_due *due;
    store_watches_settled *settled;
    store_watches_done *done;
    void *arg;
};

static struct question *question_of(struct store_question *q) {
    return (struct question *)q;
}

/* NULL when there is no memory for it. */
static struct question *question(void *arg) {
    struct question *q = store_question_make(sizeof(*q));
    if (q != NULL) {
        q->arg = arg;
    }
    return q;
}

/* --- claiming --- */

enum { CLAIM_ADDED, CLAIM_DROPPED, CLAIM_WATCHES, CLAIM_VISITS };

static void put_lease(struct store_args *args, const struct store_lease *lease) {
    store_args_clear(args);
    store_args_time(args, lease->now_ms);
    store_args_time(args, lease->until_ms);
    store_args_int(args, STORE_WATCHES_MOST);
}

static void put_claim(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_time(args, q->lease.now_ms);
    store_query_put(asked->c, STORE_ADD_WATCHES, args);
    store_args_clear(args);
    store_query_put(asked->c, STORE_DROP_WATCHES, args);
    put_lease(args, &q->lease);
    store_query_put(asked->c, STORE_CLAIM_WATCHES, args);
    put_lease(args, &q->lease);
    store_args_time(args, q->lease.now_ms - STORE_STAYS_BACK_MS);
    store_args_time(args, q->lease.now_ms - STORE_OPAQUE_MEMBER_MS);
    store_query_put(asked->c, STORE_CLAIM_VISITS, args);
}

static struct store_visit *read_visits(
    const struct store_answer *a, struct arena *arena, size_t *ret_n) {
    size_t n = store_answer_rows(a, CLAIM_VISITS);
    struct store_visit *rows = arena_array(arena, n, sizeof(*rows));
    for (size_t i = 0; rows != NULL && i < n; i++) {
        store_columns_read(a, CLAIM_VISITS, i, 0, store_identity_columns, STORE_IDENTITY_COLUMNS,
            &rows[i].who, arena);
        store_columns_read(a, CLAIM_VISITS, i, STORE_IDENTITY_COLUMNS, store_visit_columns,
            STORE_VISIT_COLUMNS, &rows[i], arena);
    }
    *ret_n = n;
    return rows;
}

static void tell_claimed(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct store_due due = { 0 };
    struct arena arena;
    arena_init(&arena);
    if (e == OK) {
        due.watches = store_question_rows(a, CLAIM_WATCHES, store_watch_columns,
            STORE_WATCH_COLUMNS, sizeof(*due.watches), &arena, &due.n_watches);
        due.visits = read_visits(a, &arena, &due.n_visits);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->due(q->arg, e, e == OK ? &due : NULL);
    arena_finish(&arena);
}

enum err store_watches_claim(
    struct store *s, const struct store_lease *lease, store_watches_due *due, void *arg) {
    struct question *q = question(arg);
    if (q != NULL) {
        q->q.put = put_claim;
        q->q.told = tell_claimed;
        q->lease = *lease;
        q->due = due;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

/* --- settling --- */

enum { SETTLED_WATCHES, SETTLED_VISITS };

static void put_settle(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_columns(
        args, store_watch_found_columns, STORE_WATCH_FOUND_COLUMNS, q->watches, q->n_watches);
    store_query_put(asked->c, STORE_SETTLE_WATCHES, args);
    store_args_clear(args);
    store_args_columns(
        args, store_visit_found_columns, STORE_VISIT_FOUND_COLUMNS, q->visits, q->n_visits);
    store_query_put(asked->c, STORE_SETTLE_VISITS, args);
}

/* Both lists have at most STORE_WATCHES_MOST rows. */
static void mark_watches(
    const struct question *q, const struct store_answer *a, struct arena *arena, bool *written) {
    for (size_t row = 0; row < store_answer_rows(a, SETTLED_WATCHES); row++) {
        const char *session = store_read_text(a, SETTLED_WATCHES, row, 0, arena);
        int64_t n = store_read_int(a, SETTLED_WATCHES, row, 1);
        for (size_t i = 0; session != NULL && i < q->n_watches; i++) {
            const struct store_watch_found *w = q->watches[i];
            written[i] = written[i] || (w->n == n && strcmp(w->session_id, session) == 0);
        }
    }
}

static void mark_visits(
    const struct question *q, const struct store_answer *a, struct arena *arena, bool *written) {
    for (size_t row = 0; row < store_answer_rows(a, SETTLED_VISITS); row++) {
        const char *alias = store_read_text(a, SETTLED_VISITS, row, 0, arena);
        const char *identity = store_read_text(a, SETTLED_VISITS, row, 1, arena);
        for (size_t i = 0; alias != NULL && identity != NULL && i < q->n_visits; i++) {
            const struct store_visit_found *v = q->visits[i];
            written[i] =
                written[i] || (strcmp(v->alias, alias) == 0 && strcmp(v->identity, identity) == 0);
        }
    }
}

static void tell_settled(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct arena arena;
    arena_init(&arena);
    bool *watches = arena_array(&arena, q->n_watches, sizeof(*watches));
    bool *visits = arena_array(&arena, q->n_visits, sizeof(*visits));
    if (e == OK && !arena.failed) {
        mark_watches(q, a, &arena, watches);
        mark_visits(q, a, &arena, visits);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->settled(q->arg, e, e == OK ? watches : NULL, e == OK ? visits : NULL);
    arena_finish(&arena);
}

static void *copy_of(struct arena *a, const void *from, size_t size) {
    void *to = arena_alloc(a, size);
    return to == NULL ? NULL : memcpy(to, from, size);
}

static void copy_watches(struct question *q, const struct store_watch_found *list, size_t n) {
    q->watches = arena_array(&q->q.arena, n, sizeof(*q->watches));
    for (size_t i = 0; !q->q.arena.failed && i < n; i++) {
        struct store_watch_found *copy = copy_of(&q->q.arena, &list[i], sizeof(*copy));
        if (copy != NULL) {
            copy->session_id = arena_strdup(&q->q.arena, list[i].session_id);
            q->watches[i] = copy;
        }
    }
    q->n_watches = n;
}

static void copy_visits(struct question *q, const struct store_visit_found *list, size_t n) {
    q->visits = arena_array(&q->q.arena, n, sizeof(*q->visits));
    for (size_t i = 0; !q->q.arena.failed && i < n; i++) {
        struct store_visit_found *copy = copy_of(&q->q.arena, &list[i], sizeof(*copy));
        if (copy != NULL) {
            copy->alias = arena_strdup(&q->q.arena, list[i].alias);
            copy->identity = arena_strdup(&q->q.arena, list[i].identity);
            q->visits[i] = copy;
        }
    }
    q->n_visits = n;
}

enum err store_watches_settle(struct store *s, const struct store_watch_found *watches,
    size_t n_watches, const struct store_visit_found *visits, size_t n_visits,
    store_watches_settled *settled, void *arg) {
    struct question *q = question(arg);
    if (q != NULL) {
        q->q.put = put_settle;
        q->q.told = tell_settled;
        q->settled = settled;
        copy_watches(q, watches, n_watches);
        copy_visits(q, visits, n_visits);
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

/* --- news --- */

static void put_three(struct store_question *asked, enum store_statement s, const char *a,
    const char *b, int64_t at) {
    struct store_args *args = &asked->c->args;
    store_args_clear(args);
    store_args_text(args, a);
    store_args_text(args, b);
    store_args_time(args, at);
    store_query_put(asked->c, s, args);
}

static void put_heard(struct store_question *asked) {
    const struct question *q = question_of(asked);
    put_three(asked, STORE_HURRY_WATCHES, q->who.room_id, q->who.user_id, q->lease.now_ms);
    if (q->visit_at != 0) {
        put_three(asked, STORE_PLAN_VISIT, q->who.alias, q->who.identity, q->visit_at);
    }
}

static void put_left(struct store_question *asked) {
    const struct question *q = question_of(asked);
    put_three(asked, STORE_PLAN_VISITS, q->who.room_id, q->who.user_id, q->visit_at);
}

static void tell_done(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    (void)a;
    q->done(q->arg, e);
}

static struct question *news(
    const struct store_identity *who, int64_t visit_at, store_watches_done *done, void *arg) {
    struct question *q = question(arg);
    if (q != NULL) {
        const char **const texts[] = { &q->who.alias, &q->who.identity, &q->who.room_id,
            &q->who.user_id };
        q->who = (struct store_identity){ .alias = who->alias,
            .identity = who->identity,
            .room_id = who->room_id,
            .user_id = who->user_id };
        store_question_keep(&q->q, texts, COUNT_OF(texts));
        q->q.told = tell_done;
        q->visit_at = visit_at;
        q->done = done;
    }
    return q;
}

enum err store_watches_heard(struct store *s, const struct store_identity *who, int64_t now_ms,
    int64_t visit_at, store_watches_done *done, void *arg) {
    struct question *q = news(who, visit_at, done, arg);
    if (q != NULL) {
        q->q.put = put_heard;
        q->lease.now_ms = now_ms;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

enum err store_watches_left(struct store *s, const char *room_id, const char *user_id,
    int64_t visit_at, store_watches_done *done, void *arg) {
    struct question *q = news(
        &(struct store_identity){ .room_id = room_id, .user_id = user_id }, visit_at, done, arg);
    if (q != NULL) {
        q->q.put = put_left;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}
