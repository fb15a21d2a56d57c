/*
 * Rows as columns: one table of fields per C struct says how it becomes SQL text, binary
 * parameters, and back.
 *
 * Many rows travel as one statement: each column is one binary array, and the server turns them
 * into rows again (INSERT … SELECT FROM unnest($1::uuid[], $2::text[], …)). So a unit of work is
 * about ten statements however many rows it writes.  Thread: main.
 */
#ifndef STORE_COLUMN_H
#define STORE_COLUMN_H

#include "core/buf.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct store_answer;

#define STORE_SALT_SIZE 16

enum store_type {
    STORE_UUID,     /* char[UUID_TEXT_SIZE]         uuid */
    STORE_UUID_REF, /* const char *, NULL = NULL    uuid */
    STORE_TEXT,     /* const char *, NULL = NULL    text; bytes that are not UTF-8 become U+FFFD */
    STORE_JSON,     /* const char *, NULL = NULL    json */
    STORE_BOOL,     /* bool                         boolean */
    STORE_INT,      /* int                          integer */
    STORE_TIME,     /* int64_t ms, 0 = NULL         timestamptz */
    STORE_SPAN,     /* int64_t ms, negative = NULL  bigint */
    STORE_MAC,      /* uint8_t[SHA256_SIZE]         bytea */
    STORE_SALT      /* uint8_t[STORE_SALT_SIZE]     bytea */
};

struct store_column {
    const char *name;
    enum store_type type;
    size_t offset;
};
#define STORE_COLUMN(row, field, kind)                                                             \
    { #field, kind, offsetof(struct row, field) }

/* SQL text from a table of columns. */
/** "a, b, c", each with `prefix` before it. */
void store_columns_names(
    struct buf *b, const char *prefix, const struct store_column *cols, size_t n);
/** "unnest($1::uuid[], $2::text[]) AS prefix(a, b)", numbered from `first`. */
void store_columns_unnest(
    struct buf *b, int first, const char *alias, const struct store_column *cols, size_t n);
/** "b = excluded.b, c = excluded.c", without the first `skip` columns. */
void store_columns_update(struct buf *b, const struct store_column *cols, size_t n, size_t skip);

/* The parameters of one statement, in binary. Failures stick and are told by store_args_check. */
#define STORE_ARGS_MAX 64
struct store_args {
    struct buf bytes;
    struct {
        size_t off;
        int len; /* -1 = NULL */
    } values[STORE_ARGS_MAX];
    int n;
    enum err bad;
};
void store_args_init(struct store_args *a);
void store_args_finish(struct store_args *a);
/** Forgets the values, keeps the memory. */
void store_args_clear(struct store_args *a);
MUST_CHECK enum err store_args_check(const struct store_args *a);
void store_args_text(struct store_args *a, const char *s);
void store_args_int(struct store_args *a, int64_t v); /* bigint */
void store_args_time(struct store_args *a, int64_t ms);
void store_args_mac(struct store_args *a, const uint8_t *mac);
/** One array from one field of n rows. */
void store_args_array(
    struct store_args *a, const struct store_column *col, const void *const *rows, size_t n);
/** One array a column. */
void store_args_columns(struct store_args *a, const struct store_column *cols, size_t n_cols,
    const void *const *rows, size_t n);
/** text[] and uuid[] from plain lists. */
void store_args_texts(struct store_args *a, const char *const *list, size_t n);
void store_args_uuids(struct store_args *a, const char *const *list, size_t n);

/** Reads row `row` of the `result`-th result, from column `first` on, into the struct at `ret`.
 * Texts go to the arena, whose `failed` tells of missing memory. */
void store_columns_read(const struct store_answer *answer, size_t result, size_t row, size_t first,
    const struct store_column *cols, size_t n, void *ret, struct arena *arena);
/** Single values of an answer; SQL NULL gives 0, false, NULL. */
const char *store_read_text(
    const struct store_answer *answer, size_t result, size_t row, size_t col, struct arena *arena);
int64_t store_read_int(const struct store_answer *answer, size_t result, size_t row, size_t col);
int64_t store_read_time(const struct store_answer *answer, size_t result, size_t row, size_t col);

/** The text as it is stored: bytes that are not UTF-8 become U+FFFD, so that no peer can make a
 * whole transaction fail. */
void store_text_put(struct buf *b, const char *s);
/** The time as it is stored: at least 1 ms after 1970, at most the year 9999; 0 stays 0. */
int64_t store_time_clamp(int64_t ms);

#endif
