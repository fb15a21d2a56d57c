/* A question under way.  Thread: main. */
#include "store/question.h"

#include "core/mem.h"

void *store_question_make(size_t size) {
    struct store_question *q = mem_zalloc(size);
    if (q != NULL) {
        arena_init(&q->arena);
    }
    return q;
}

void store_question_keep(struct store_question *q, const char **const *texts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        *texts[i] = arena_strdup(&q->arena, *texts[i]);
    }
}

void *store_question_rows(const struct store_answer *a, size_t result,
    const struct store_column *cols, size_t n_cols, size_t size, struct arena *arena,
    size_t *ret_n) {
    size_t n = store_answer_rows(a, result);
    char *rows = arena_array(arena, n, size);
    for (size_t i = 0; rows != NULL && i < n; i++) {
        store_columns_read(a, result, i, 0, cols, n_cols, rows + i * size, arena);
    }
    *ret_n = n;
    return rows;
}

static void end(struct store_question *q) {
    if (q != NULL) {
        arena_finish(&q->arena);
        mem_free(q);
    }
}

static void answered(void *arg, enum err e, const struct store_answer *a) {
    struct store_question *q = arg;
    store_release(q->c);
    q->told(q, e, a);
    end(q);
}

static void leased(void *arg, enum err e, struct store_connection *c) {
    struct store_question *q = arg;
    if (e != OK) {
        q->told(q, e, NULL);
        end(q);
        return;
    }
    q->c = c;
    store_args_clear(&c->args);
    q->put(q);
    store_query_send(c, answered, q);
}

enum err store_ask(struct store *s, struct store_question *q) {
    enum err e = q == NULL || q->arena.failed ? err_set(ERR_NOMEM, "out of memory")
                                              : store_lease(s, leased, q);
    if (e != OK) {
        end(q);
    }
    return e;
}
