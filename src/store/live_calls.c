/* Two statements with one condition; the second one's rows are handed out to the first one's. */
#include "store/live_calls.h"

#include "core/mem.h"
#include "store/question.h"
#include "store/tables.h"

#include <stdio.h>
#include <string.h>

#define ID_SIZE 256 /* Matrix: ids of at most 255 bytes */

struct question {
    struct store_question q;
    char session_id[ID_SIZE]; /* "" = any; likewise below */
    char room_id[ID_SIZE];
    char user_id[ID_SIZE];
    char kind[ID_SIZE];
    size_t most;
    store_live_calls_told *told;
    void *arg;
};

static void put_filter(struct question *q, enum store_statement s, size_t people) {
    struct store_args *args = &q->q.c->args;
    store_args_clear(args);
    store_args_text(args, q->session_id);
    store_args_text(args, q->room_id);
    store_args_text(args, q->user_id);
    store_args_text(args, q->kind);
    store_args_int(args, (int64_t)q->most + 1);
    if (people != 0) {
        store_args_int(args, (int64_t)people);
    }
    store_query_put(q->q.c, s, args);
}

static void put(struct store_question *asked) {
    struct question *q = (struct question *)asked;
    put_filter(q, STORE_LIST_LIVE_CALLS, 0);
    put_filter(q, STORE_LIST_LIVE_PEOPLE, STORE_LIVE_PEOPLE_MOST + 1);
}

static struct store_live_call *find(const struct store_live_calls *l, const char *session_id) {
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->calls[i].row.id, session_id) == 0) {
            return &l->calls[i];
        }
    }
    return NULL;
}

static void read_calls(
    const struct store_answer *a, size_t most, struct arena *arena, struct store_live_calls *ret) {
    size_t rows = store_answer_rows(a, 0);
    ret->more = rows > most;
    ret->n = ret->more ? most : rows;
    ret->calls = arena_array(arena, ret->n, sizeof(*ret->calls));
    for (size_t i = 0; ret->calls != NULL && i < ret->n; i++) {
        store_columns_read(
            a, 0, i, 0, store_call_columns, STORE_CALL_COLUMNS, &ret->calls[i].row, arena);
    }
}

/* The rows of a call stand one behind the other. */
static void read_people(
    const struct store_answer *a, struct arena *arena, struct store_live_calls *ret) {
    size_t rows = store_answer_rows(a, 1);
    ret->incomplete = rows > STORE_LIVE_PEOPLE_MOST;
    rows = ret->incomplete ? STORE_LIVE_PEOPLE_MOST : rows;
    struct store_participant *people = arena_array(arena, rows, sizeof(*people));
    struct store_live_call *call = NULL;
    for (size_t i = 0; people != NULL && i < rows; i++) {
        struct store_participant_row row = { 0 };
        store_columns_read(
            a, 1, i, 0, store_participant_columns, STORE_PARTICIPANT_COLUMNS, &row, arena);
        if (arena->failed) {
            return;
        }
        people[i] = row.stay;
        if (call == NULL || strcmp(call->row.id, row.session_id) != 0) {
            call = find(ret, row.session_id);
        }
        if (call != NULL) {
            call->people = call->n_people == 0 ? &people[i] : call->people;
            call->n_people++;
        }
    }
}

static void tell(const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct store_live_calls found = { 0 };
    struct arena arena;
    arena_init(&arena);
    if (e == OK) {
        read_calls(a, q->most, &arena, &found);
        read_people(a, &arena, &found);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->told(q->arg, e, e == OK ? &found : NULL);
    arena_finish(&arena);
}

static void copy(char to[ID_SIZE], const char *from) {
    snprintf(to, ID_SIZE, "%s", from == NULL ? "" : from);
}

enum err store_live_calls_ask(struct store *s, const struct store_live_filter *filter,
    store_live_calls_told *told, void *arg) {
    struct question *q = store_question_make(sizeof(*q));
    if (q == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    q->q.put = put;
    q->q.told = tell;
    copy(q->session_id, filter->session_id);
    copy(q->room_id, filter->room_id);
    copy(q->user_id, filter->user_id);
    copy(q->kind, filter->kind);
    q->most = filter->most > STORE_LIVE_CALLS_MOST ? STORE_LIVE_CALLS_MOST : filter->most;
    q->told = told;
    q->arg = arg;
    return store_ask(s, &q->q);
}
