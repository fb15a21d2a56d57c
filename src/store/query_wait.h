/*
 * A connection that waits: for the command line (migrate, audit), and in `serve` for libuv's thread
 * pool only (preparation, retention).  Thread: one, whoever opened it.
 */
#ifndef STORE_QUERY_WAIT_H
#define STORE_QUERY_WAIT_H

#include "core/err.h"

#include <stddef.h>

struct store_session;

/** Connects. ERR_DATABASE with the server's words, ERR_INVALID for a string that is no URL. */
MUST_CHECK enum err store_session_open(const char *url, struct store_session **ret);
/** Closes, which ends an open transaction without effect. */
void store_session_close(struct store_session *s);

/** Gets one row: values as text, NULL = SQL NULL, borrowed for the call. An error ends the query
 * and is passed on. */
typedef enum err store_session_row(void *arg, const char *const *values);

/** One statement with parameters as text ($1 …), row by row in constant memory. `row` NULL = no
 * rows are wanted. */
MUST_CHECK enum err store_session_query(struct store_session *s, const char *sql,
    const char *const *params, size_t n, store_session_row *row, void *arg);
/** Several statements without parameters. */
MUST_CHECK enum err store_session_run(struct store_session *s, const char *sql);

#endif
