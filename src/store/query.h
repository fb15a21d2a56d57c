/*
 * Statements on a leased connection: many at once in pipeline mode, one answer for all of them.
 *
 *     store_query_put(c, STORE_BEGIN, NULL);
 *     store_query_put(c, STORE_LOCK_ROOMS, &args);
 *     store_query_send(c, answered, arg);         -> answered(arg, OK, answer), result 0 and 1
 *
 * Statements are prepared on a connection when it first uses them, in the same round trip.  Thread:
 * main.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "core/err.h"
#include "store/statements.h"

#include <stddef.h>
#include <stdint.h>

struct store_args;
struct store_connection;

/** The results of a batch, one a statement in order. Valid until `answered` returns. */
struct store_answer;
size_t store_answer_count(const struct store_answer *a);
size_t store_answer_rows(const struct store_answer *a, size_t result);
/** Bytes of a value in binary; NULL = SQL NULL, or no such row. */
const char *store_answer_value(
    const struct store_answer *a, size_t result, size_t row, size_t col, size_t *n);
/** Rows that an INSERT, UPDATE or DELETE touched. */
int64_t store_answer_changed(const struct store_answer *a, size_t result);
/** What the server says it did: "COMMIT", or "ROLLBACK" for the COMMIT of a failed transaction. */
const char *store_answer_tag(const struct store_answer *a, size_t result);

/** Called later, once, never from inside store_query_send. ERR_DATABASE: a statement failed (the
 * server's words; what came after it did not run) or the connection is lost; ERR_NOMEM,
 * ERR_INVALID: parameters could not be written. `a` is NULL on an error. */
typedef void store_answered(void *arg, enum err e, const struct store_answer *a);

/** Adds one statement to the batch; `args` NULL = none, else borrowed for the call. After a failure
 * the rest of the batch is left out, so that a COMMIT behind a statement that could not be written
 * never runs. */
void store_query_put(
    struct store_connection *c, enum store_statement statement, const struct store_args *args);
/** Makes the batch fail with `e` and the latest sentence, whatever the server says: for a caller
 * that cannot go on in the middle of it. */
void store_query_fail(struct store_connection *c, enum err e);
/** Sends the batch. One batch at a time on a connection. */
void store_query_send(struct store_connection *c, store_answered *answered, void *arg);

#endif
