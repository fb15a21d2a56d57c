/*
 * A question to the database that is one batch of statements, outside a unit of work: waits for a
 * connection, sends, hands the answer on, and frees itself. Embed it as the first member of what
 * the question is about. Only src/store includes this.  Thread: main.
 */
#ifndef STORE_QUESTION_H
#define STORE_QUESTION_H

#include "store/connection.h"

struct store_question {
    /* Adds its statements to q->c; the parameters there are empty. */
    void (*put)(struct store_question *q);
    /* Hands the answer (NULL on an error) to whoever asked. */
    void (*told)(const struct store_question *q, enum err e, const struct store_answer *a);
    /* Frees what it holds besides its own memory; NULL = nothing. */
    void (*finish)(struct store_question *q);
    struct store_connection *c;
};

/** Takes q (mem_alloc), also on an error, after which `told` is not called. Errors of store_lease.
 */
MUST_CHECK enum err store_ask(struct store *s, struct store_question *q);

#endif
