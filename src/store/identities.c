/* The rows of rtc_identities: writing, finding, barring. */
#include "store/identities.h"

#include "core/mem.h"
#include "store/question.h"
#include "store/tables.h"

struct question {
    struct store_question q;
    struct store_identity row;
    store_identities_done *done;
    store_identities_found *found;
    void *arg;
};

static struct question *question_of(struct store_question *q) {
    return (struct question *)q;
}

/* NULL when there is no memory for it. Texts that a question does not need are NULL. */
static struct question *question(const struct store_identity *row, void *arg) {
    struct question *q = store_question_make(sizeof(*q));
    if (q != NULL) {
        q->row = *row;
        q->arg = arg;
        const char **const texts[] = { &q->row.alias, &q->row.identity, &q->row.room_id,
            &q->row.slot_id, &q->row.user_id, &q->row.device_id, &q->row.member_id,
            &q->row.dialect };
        store_question_keep(&q->q, texts, COUNT_OF(texts));
    }
    return q;
}

/* --- writing --- */

static void put_row(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    const void *row = &q->row;
    store_args_columns(args, store_identity_columns, STORE_IDENTITY_COLUMNS, &row, 1);
    store_args_time(args, q->row.minted_at + STORE_IDENTITIES_LOOK_MS);
    store_query_put(asked->c, STORE_SAVE_IDENTITY, args);
    store_args_clear(args);
    store_args_time(args, q->row.minted_at - STORE_IDENTITIES_KEPT_MS);
    store_query_put(asked->c, STORE_DROP_IDENTITIES, args);
}

static void tell_done(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    (void)a;
    q->done(q->arg, e);
}

enum err store_identities_put(
    struct store *s, const struct store_identity *row, store_identities_done *done, void *arg) {
    struct question *q = question(row, arg);
    if (q != NULL) {
        q->q.put = put_row;
        q->q.told = tell_done;
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

/* --- finding --- */

static void tell_rows(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct arena arena;
    arena_init(&arena);
    size_t n = 0;
    struct store_identity *rows = NULL;
    if (e == OK) {
        rows = store_question_rows(
            a, 0, store_identity_columns, STORE_IDENTITY_COLUMNS, sizeof(*rows), &arena, &n);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->found(q->arg, e, e == OK ? rows : NULL, e == OK ? n : 0);
    arena_finish(&arena);
}

static void put_find(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->row.alias);
    store_args_text(args, q->row.identity);
    store_query_put(asked->c, STORE_FIND_IDENTITY, args);
}

enum err store_identities_find(struct store *s, const char *alias, const char *identity,
    store_identities_found *found, void *arg) {
    struct question *q =
        question(&(struct store_identity){ .alias = alias, .identity = identity }, arg);
    if (q != NULL) {
        q->q.put = put_find;
        q->q.told = tell_rows;
        q->found = found;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

static void put_bar(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->row.room_id);
    store_args_text(args, q->row.user_id);
    store_args_time(args, q->row.barred_at);
    store_args_int(args, STORE_IDENTITIES_BARRED_MOST);
    store_args_text(args, q->row.device_id);
    store_query_put(asked->c, STORE_BAR_IDENTITIES, args);
}

enum err store_identities_bar(struct store *s, const char *room_id, const char *user_id,
    const char *device_id, int64_t at_ms, store_identities_found *found, void *arg) {
    struct question *q = question(
        &(struct store_identity){
            .room_id = room_id, .user_id = user_id, .device_id = device_id, .barred_at = at_ms },
        arg);
    if (q != NULL) {
        q->q.put = put_bar;
        q->q.told = tell_rows;
        q->found = found;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}
