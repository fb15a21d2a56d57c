/* The rows of rtc_removals: writing, taking, dropping. */
#include "store/removals.h"

#include "core/mem.h"
#include "store/connection.h"
#include "store/question.h"
#include "store/tables.h"
#include "store/work.h"

struct question {
    struct store_question q;
    struct store_removal row;
    int64_t now_ms;
    int64_t until_ms;
    store_removals_done *done;
    store_removals_found *found;
    void *arg;
};

static struct question *question_of(struct store_question *q) {
    return (struct question *)q;
}

/* NULL when there is no memory for it. Texts that a question does not need are NULL. */
static struct question *question(const struct store_removal *row, void *arg) {
    struct question *q = store_question_make(sizeof(*q));
    if (q != NULL) {
        q->row = *row;
        q->arg = arg;
        const char **const texts[] = { &q->row.room_id, &q->row.user_id, &q->row.device_id,
            &q->row.reason, &q->row.actor };
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

static void put_rows(
    struct store_connection *c, const void *const *rows, size_t n, int64_t until_ms) {
    store_args_clear(&c->args);
    store_args_columns(&c->args, store_removal_columns, STORE_REMOVAL_COLUMNS, rows, n);
    store_args_time(&c->args, until_ms);
    store_query_put(c, STORE_SAVE_REMOVALS, &c->args);
}

/* With the leaves themselves. */
enum err store_removals_save(struct store_work *w) {
    const struct store_changes *ch = w->changes;
    if (ch->n_removals == 0) {
        return OK;
    }
    const void **rows = arena_array(w->arena, ch->n_removals, sizeof(*rows));
    if (rows == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < ch->n_removals; i++) {
        rows[i] = &ch->removals[i];
    }
    put_rows(w->c, rows, ch->n_removals, ch->now_ms + STORE_REMOVALS_HELD_MS);
    return OK;
}

static void put_row(struct store_question *asked) {
    const struct question *q = question_of(asked);
    const void *row = &q->row;
    put_rows(asked->c, &row, 1, q->now_ms + STORE_REMOVALS_HELD_MS);
}

enum err store_removals_put(struct store *s, const struct store_removal *r, int64_t now_ms,
    store_removals_done *done, void *arg) {
    struct question *q = question(r, arg);
    if (q != NULL) {
        q->q.put = put_row;
        q->q.told = tell_done;
        q->now_ms = now_ms;
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

static void put_drop(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->row.room_id);
    store_args_text(args, q->row.user_id);
    store_args_text(args, q->row.device_id);
    store_args_time(args, q->row.left_at);
    store_query_put(asked->c, STORE_DROP_REMOVAL, args);
}

enum err store_removals_drop(
    struct store *s, const struct store_removal *r, store_removals_done *done, void *arg) {
    struct question *q = question(r, arg);
    if (q != NULL) {
        q->q.put = put_drop;
        q->q.told = tell_done;
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

/* --- taking --- */

static void tell_rows(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct arena arena;
    arena_init(&arena);
    size_t n = 0;
    struct store_removal *rows = NULL;
    if (e == OK) {
        rows = store_question_rows(
            a, 0, store_removal_columns, STORE_REMOVAL_COLUMNS, sizeof(*rows), &arena, &n);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->found(q->arg, e, e == OK ? rows : NULL, e == OK ? n : 0);
    arena_finish(&arena);
}

static void put_take(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_time(args, q->now_ms);
    store_args_time(args, q->until_ms);
    store_args_int(args, STORE_REMOVALS_MOST);
    store_query_put(asked->c, STORE_TAKE_REMOVALS, args);
}

enum err store_removals_take(
    struct store *s, int64_t now_ms, int64_t until_ms, store_removals_found *found, void *arg) {
    struct question *q = question(&(struct store_removal){ 0 }, arg);
    if (q != NULL) {
        q->q.put = put_take;
        q->q.told = tell_rows;
        q->now_ms = now_ms;
        q->until_ms = until_ms;
        q->found = found;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}
