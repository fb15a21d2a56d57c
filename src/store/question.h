/*
 * A question to the database that is one batch of statements, outside a unit of work: waits for a
 * connection, sends, hands the answer on, and frees itself. Embed it as the first member of what
 * the question is about. Only src/store includes this.  Thread: main.
 */
#ifndef STORE_QUESTION_H
#define STORE_QUESTION_H

#include "core/mem.h"
#include "store/column.h"
#include "store/connection.h"

struct store_question {
    /* Adds its statements to q->c; the parameters there are empty. */
    void (*put)(struct store_question *q);
    /* Hands the answer (NULL on an error) to whoever asked. */
    void (*told)(const struct store_question *q, enum err e, const struct store_answer *a);
    struct store_connection *c;
    struct arena arena; /* what it holds besides its own memory; given back with it */
};

/** A question of `size` bytes, whose first member is a struct store_question; zeroed. NULL without
 * memory, which store_ask takes. */
void *store_question_make(size_t size);
/** Puts a copy of each text, where it is not NULL, into its place. */
void store_question_keep(struct store_question *q, const char **const *texts, size_t n);
/** All rows of a result as structs of `size` bytes, in an arena; how many in *ret_n. The arena's
 * `failed` tells of missing memory. */
void *store_question_rows(const struct store_answer *a, size_t result,
    const struct store_column *cols, size_t n_cols, size_t size, struct arena *arena,
    size_t *ret_n);

/** Takes q, also on an error, after which `told` is not called. Errors of store_lease; ERR_NOMEM
 * for NULL, and for a question whose arena failed. */
MUST_CHECK enum err store_ask(struct store *s, struct store_question *q);

#endif
