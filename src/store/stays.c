/* The rows of sfu_stays: writing and finding. */
#include "store/stays.h"

#include "core/mem.h"
#include "store/connection.h"
#include "store/question.h"
#include "store/tables.h"
#include "store/work.h"

/* --- with the audit rows --- */

enum err store_stays_save(struct store_work *w) {
    const struct store_changes *ch = w->changes;
    struct store_args *args = &w->c->args;
    if (ch->n_stays > 0) {
        const void **rows = arena_array(w->arena, ch->n_stays, sizeof(*rows));
        if (rows == NULL) {
            return err_set(ERR_NOMEM, "out of memory");
        }
        for (size_t i = 0; i < ch->n_stays; i++) {
            rows[i] = &ch->stays[i];
        }
        store_args_clear(args);
        store_args_columns(args, store_stay_columns, STORE_STAY_COLUMNS, rows, ch->n_stays);
        store_query_put(w->c, STORE_SAVE_STAYS, args);
    }
    if (ch->n_stays_over > 0) { /* behind those: some are over that have just begun */
        store_args_clear(args);
        store_args_texts(args, ch->stays_over, ch->n_stays_over);
        store_query_put(w->c, STORE_END_STAYS, args);
    }
    return OK;
}

/* --- what was left --- */

struct question {
    struct store_question q;
    const char *node, *run, *after;
    store_stays_found *found;
    void *arg;
};

static void put_find(struct store_question *asked) {
    const struct question *q = (const struct question *)asked;
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->node);
    store_args_text(args, q->run);
    store_args_text(args, q->after);
    store_args_int(args, STORE_STAYS_MOST);
    store_query_put(asked->c, STORE_FIND_STAYS, args);
}

static void tell_found(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct arena arena;
    arena_init(&arena);
    size_t n = 0;
    struct store_stay *rows = NULL;
    if (e == OK) {
        rows = store_question_rows(
            a, 0, store_stay_columns, STORE_STAY_COLUMNS, sizeof(*rows), &arena, &n);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->found(q->arg, e, e == OK ? rows : NULL, e == OK ? n : 0);
    arena_finish(&arena);
}

enum err store_stays_left(struct store *s, const char *node, const char *run, const char *after,
    store_stays_found *found, void *arg) {
    struct question *q = store_question_make(sizeof(*q));
    if (q != NULL) {
        *q = (struct question){ q->q, node, run, after, found, arg };
        const char **const texts[] = { &q->node, &q->run, &q->after };
        store_question_keep(&q->q, texts, COUNT_OF(texts));
        q->q.put = put_find;
        q->q.told = tell_found;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}
