/*
 * Very many rows, in constant memory and at the pace of the network: COPY … TO STDOUT in binary.
 * While we work on a row the server is ahead of us.  Blocking, on a connection of its own.  Thread:
 * that of the connection.
 */
#ifndef STORE_QUERY_COPY_H
#define STORE_QUERY_COPY_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_session;

#define STORE_COPY_FIELDS_MAX 32

struct store_copy_field {
    char *bytes; /* in binary, a NUL behind them; NULL = SQL NULL */
    size_t len;
};

struct store_copy {
    struct store_session *session; /* borrowed */
    char *buffer;                  /* libpq's: the row that the fields point into */
    struct store_copy_field fields[STORE_COPY_FIELDS_MAX];
    size_t n; /* of them */
};

/** Sends `select`, a query without parameters. The connection is busy until the last row is read;
 * whoever stops before closes it. ERR_DATABASE with the server's words. */
MUST_CHECK enum err store_copy_begin(
    struct store_copy *c, struct store_session *s, const char *select);
/** Reads the next row into `fields`, valid until the next call. `more` false: there was none.
 * ERR_DATABASE, ERR_NOMEM. */
MUST_CHECK enum err store_copy_next(struct store_copy *c, bool *more);
void store_copy_finish(struct store_copy *c);

/** Finds the fields in the bytes of one message and puts a NUL behind each: bytes[len] is
 * overwritten too. `n` of fields is 0 for the end mark. False for bytes that are no row. */
bool store_copy_parse(char *bytes, size_t len, struct store_copy_field fields[], size_t *n);

/* Single values; false when the field is SQL NULL or has not the size of its type. */
bool store_copy_int(const struct store_copy_field *f, int64_t *ret); /* smallint to bigint */
bool store_copy_bool(const struct store_copy_field *f, bool *ret);
/** NULL gives 0. False also for a time that we would not have written: not in whole milliseconds,
 * not between 1970 and 9999. */
bool store_copy_time(const struct store_copy_field *f, int64_t *ret_ms);

#endif
