/* The rows of rtc_delegations: writing, renewing, taking over. */
#include "store/delegations.h"

#include "core/mem.h"
#include "store/question.h"
#include "store/tables.h"

struct question {
    struct store_question q;
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

/* NULL when there is no memory for it. Texts that a question does not need are NULL. */
static struct question *question(
    const struct store_delegation *d, const struct store_holder *h, void *arg) {
    struct question *q = store_question_make(sizeof(*q));
    if (q != NULL) {
        q->row = *d;
        q->holder = *h;
        q->arg = arg;
        const char **const texts[] = { &q->row.alias, &q->row.identity, &q->row.delay_id,
            &q->row.user_id, &q->row.room_id, &q->row.state, &q->holder.node };
        store_question_keep(&q->q, texts, COUNT_OF(texts));
    }
    return q;
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
    struct question *q = question(d, h, arg);
    if (q != NULL) {
        q->q.put = put_row;
        q->q.told = tell_done;
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
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
        &(struct store_holder){ 0 }, arg);
    if (q != NULL) {
        q->q.put = put_removal;
        q->q.told = tell_done;
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

/* --- holding --- */

static void tell_rows(const struct question *q, enum err e, const struct store_answer *a,
    size_t result, int64_t held) {
    struct arena arena;
    arena_init(&arena);
    size_t n = 0;
    struct store_delegation *rows = NULL;
    if (e == OK) {
        rows = store_question_rows(a, result, store_delegation_columns, STORE_DELEGATION_COLUMNS,
            sizeof(*rows), &arena, &n);
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
    struct question *q = question(&(struct store_delegation){ 0 }, h, arg);
    if (q != NULL) {
        q->q.put = put_hold;
        q->q.told = tell_hold;
        q->all = all;
        q->found = found;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
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
        question(&(struct store_delegation){ .alias = alias, .identity = identity }, h, arg);
    if (q != NULL) {
        q->q.put = put_take;
        q->q.told = tell_take;
        q->found = found;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}
