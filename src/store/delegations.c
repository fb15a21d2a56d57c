/* The rows of rtc_delegations: writing, renewing, taking over. */
#include "store/delegations.h"

#include "core/mem.h"
#include "store/question.h"
#include "store/tables.h"

/* A question about delegations; its texts live in its own arena. */
struct question {
    struct store_question q;
    struct arena arena;
    struct store_delegation row;
    struct store_holder holder;
    int all;
    store_delegations_done *done;
    store_delegations_found *found;
    void *arg;
};

static struct question *question_of(struct store_question *q) {
    return (struct question *)q;
}

static void finish(struct store_question *q) {
    arena_finish(&question_of(q)->arena);
}

/* NULL when there is no memory for it. Texts that a question does not need are NULL. */
static struct question *question(const struct store_delegation *d, const struct store_holder *h) {
    struct question *q = mem_zalloc(sizeof(*q));
    if (q == NULL) {
        return NULL;
    }
    arena_init(&q->arena);
    q->q.finish = finish;
    q->row = *d;
    const char **texts[] = { &q->row.alias, &q->row.identity, &q->row.delay_id, &q->row.user_id,
        &q->row.room_id, &q->row.state, &q->holder.node };
    q->holder = *h;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = *texts[i] == NULL ? NULL : arena_strdup(&q->arena, *texts[i]);
    }
    if (q->arena.failed) {
        finish(&q->q);
        mem_free(q);
        return NULL;
    }
    return q;
}

static enum err ask(struct store *s, struct question *q, void *arg) {
    if (q == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    q->arg = arg;
    return store_ask(s, &q->q);
}

static void tell_done(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    (void)a;
    q->done(q->arg, e);
}

/* --- writing --- */

static void put_row(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    const void *row = &q->row;
    store_args_columns(args, store_delegation_columns, STORE_DELEGATION_COLUMNS, &row, 1);
    store_args_text(args, q->holder.node);
    store_args_time(args, q->holder.until_ms);
    store_query_put(asked->c, STORE_SAVE_DELEGATION, args);
}

enum err store_delegations_put(struct store *s, const struct store_delegation *d,
    const struct store_holder *h, store_delegations_done *done, void *arg) {
    struct question *q = question(d, h);
    if (q != NULL) {
        q->q.put = put_row;
        q->q.told = tell_done;
        q->done = done;
    }
    return ask(s, q, arg);
}

static void put_removal(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->row.alias);
    store_args_text(args, q->row.identity);
    store_args_text(args, q->row.delay_id);
    store_query_put(asked->c, STORE_REMOVE_DELEGATION, args);
}

enum err store_delegations_remove(struct store *s, const char *alias, const char *identity,
    const char *delay_id, store_delegations_done *done, void *arg) {
    struct question *q = question(
        &(struct store_delegation){ .alias = alias, .identity = identity, .delay_id = delay_id },
        &(struct store_holder){ 0 });
    if (q != NULL) {
        q->q.put = put_removal;
        q->q.told = tell_done;
        q->done = done;
    }
    return ask(s, q, arg);
}

/* --- holding --- */

static void tell_rows(const struct question *q, enum err e, const struct store_answer *a,
    size_t result, int64_t held) {
    struct arena arena;
    arena_init(&arena);
    size_t n = e == OK ? store_answer_rows(a, result) : 0;
    struct store_delegation *rows = arena_array(&arena, n, sizeof(*rows));
    for (size_t i = 0; rows != NULL && i < n; i++) {
        store_columns_read(
            a, result, i, 0, store_delegation_columns, STORE_DELEGATION_COLUMNS, &rows[i], &arena);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->found(q->arg, e, e == OK ? rows : NULL, e == OK ? n : 0, held);
    arena_finish(&arena);
}

enum { HOLD_TAKEN, HOLD_RENEWED, HOLD_OURS };

static void put_hold(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->holder.node);
    store_args_time(args, q->holder.until_ms);
    store_args_time(args, q->holder.now_ms);
    store_args_int(args, STORE_DELEGATIONS_MOST);
    store_query_put(asked->c, STORE_TAKE_DELEGATIONS, args);
    store_args_clear(args);
    store_args_text(args, q->holder.node);
    store_args_time(args, q->holder.until_ms);
    store_query_put(asked->c, STORE_RENEW_DELEGATIONS, args);
    if (q->all) {
        store_args_clear(args);
        store_args_text(args, q->holder.node);
        store_query_put(asked->c, STORE_LIST_DELEGATIONS, args);
    }
}

/* The list of all of ours holds what was taken, too. */
static void tell_hold(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    tell_rows(q, e, a, q->all ? HOLD_OURS : HOLD_TAKEN,
        e == OK ? store_answer_changed(a, HOLD_RENEWED) : 0);
}

enum err store_delegations_hold(struct store *s, const struct store_holder *h, int all,
    store_delegations_found *found, void *arg) {
    struct question *q = question(&(struct store_delegation){ 0 }, h);
    if (q != NULL) {
        q->q.put = put_hold;
        q->q.told = tell_hold;
        q->all = all;
        q->found = found;
    }
    return ask(s, q, arg);
}

static void put_take(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->row.alias);
    store_args_text(args, q->row.identity);
    store_args_text(args, q->holder.node);
    store_args_time(args, q->holder.until_ms);
    store_query_put(asked->c, STORE_TAKE_DELEGATION, args);
}

static void tell_take(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    tell_rows(
        (const struct question *)asked, e, a, 0, e == OK ? (int64_t)store_answer_rows(a, 0) : 0);
}

enum err store_delegations_take(struct store *s, const char *alias, const char *identity,
    const struct store_holder *h, store_delegations_found *found, void *arg) {
    struct question *q =
        question(&(struct store_delegation){ .alias = alias, .identity = identity }, h);
    if (q != NULL) {
        q->q.put = put_take;
        q->q.told = tell_take;
        q->found = found;
    }
    return ask(s, q, arg);
}
