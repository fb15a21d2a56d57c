/*
 * The admin's questions, answered row by row in constant memory (libpq's single-row mode).
 * Blocking: for the command line only, never inside `serve`.  Thread: main.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_audit_report {
    STORE_AUDIT_CALLS,  /* one row a call, newest first */
    STORE_AUDIT_EVENTS, /* one row an event, oldest first within a call; of one call or of a time */
    STORE_AUDIT_USER,   /* one row a call of `user`, with role, answered or not, talking time */
    STORE_AUDIT_STATS,  /* totals per day: calls, answered, missed, failed, minutes, peak of
                           concurrent calls */
    STORE_AUDIT_QUALITY /* one row a device in a call and a device and source that it got from the
                           embedded SFU, the worst first; `user` is either of them */
};

struct store_audit_filter {
    enum store_audit_report report;
    int64_t since_ms; /* 0 = no bound; inclusive */
    int64_t until_ms; /* 0 = no bound; exclusive */
    const char *room; /* NULL = any; likewise below */
    const char *user; /* caller, callee or participant */
    const char *status;
    const char *call; /* session id or client call_id */
    const char *type; /* event type, EVENTS only */
    int64_t limit;    /* 0 = no limit */
    bool by_chain;    /* EVENTS: call by call, not by time */
};

enum store_audit_column_type {
    STORE_AUDIT_TEXT,
    STORE_AUDIT_INT, /* a number, maybe with decimals */
    STORE_AUDIT_BOOL,
    STORE_AUDIT_TIME,
    STORE_AUDIT_JSON
};
struct store_audit_column {
    const char *name;
    enum store_audit_column_type type; /* TIME: RFC 3339 in UTC, as text */
};

/** The columns of a report, in order; *n of them. */
const struct store_audit_column *store_audit_columns(enum store_audit_report report, size_t *n);

/** Gets one row: values as text, NULL = SQL NULL, borrowed for the call. An error ends the query
 * and is passed on. */
typedef enum err store_audit_row(void *arg, const char *const *values);

MUST_CHECK enum err store_audit_run(
    const char *url, const struct store_audit_filter *filter, store_audit_row *row, void *arg);

struct store_anchor;

/** The same for an export: in one snapshot, in which call_heads ends as `head` says afterwards, and
 * without a filter in the order of an index, so that nothing is sorted. */
MUST_CHECK enum err store_audit_export(const char *url, const struct store_audit_filter *filter,
    store_audit_row *row, void *arg, struct store_anchor *head);

#endif
