/*
 * Taking calls and people out of the database: by age, by room, by person.
 *
 *     struct store_purge p = { .scope = STORE_PURGE_USER, .user = "@alice:example.com",
 *         .reason = "her wish", .actor = "root" };
 *     store_purge_run(url, key, &p, &totals);
 *
 * What is evidence goes with a tombstone (store/tombstone.h), so the chain stays true; what is only
 * the history of calls (call_sessions and what hangs on it) goes without one. A call that is still
 * going on is left alone and counted.
 *
 * Calls go on meanwhile. Work is done in batches, each a short transaction that either has happened
 * with its tombstone or not at all: a purge may be killed at any moment, and run again. A room that
 * a unit of work holds is not waited for but tried again; other locks are waited for less than a
 * second. Between batches there is a pause as long as the batch, so that the disk is shared.
 *
 * Blocking: for the command line and the thread pool.  Thread: one, the caller's.
 */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store_audit_key;

enum store_purge_scope {
    STORE_PURGE_HISTORY, /* calls that were over before `before_ms`: their rows, not their audit */
    STORE_PURGE_BEFORE,  /* the same with their audit, and audit rows of no call */
    STORE_PURGE_ROOM,    /* all calls of a room, with their audit; of the events of no call what
                            names people */
    STORE_PURGE_USER     /* the name of a person, wherever it stands */
};

struct store_purge_totals {
    int64_t calls;        /* rows of call_sessions deleted, with their participants */
    int64_t calls_erased; /* in which a person's name was replaced */
    int64_t chains;       /* purged whole */
    int64_t rows;         /* of call_events deleted with them */
    int64_t rows_erased;  /* of call_events */
    int64_t news;         /* rows of call_news deleted */
    int64_t news_erased;  /* in which a person's name was replaced */
    int64_t live;         /* calls that match and are going on: left alone */
    int64_t busy;         /* calls whose room was in use at every try: left alone */
    int64_t tombstones;
    int64_t acts; /* tombstones that name the person as who acted or as the reason: they stay */
    bool stopped; /* `progress` said so */
};

/** Told after each batch. False ends the purge; what was done stays done. */
typedef bool store_purge_progress(void *arg, const struct store_purge_totals *so_far);

/* All borrowed for the call. */
struct store_purge {
    enum store_purge_scope scope;
    int64_t before_ms; /* HISTORY, BEFORE: Unix milliseconds */
    const char *room;  /* ROOM */
    const char *user;  /* USER */
    const char *label; /* BEFORE: word before the time in tombstones: "retention"; NULL = none */
    const char *reason;
    const char *actor;
    bool dry_run;                   /* only count */
    store_purge_progress *progress; /* NULL = none */
    void *arg;
};

/**
 * Purges. A person's name becomes one pseudonym for the whole run, "erased:" and 12 hex digits, in
 * the rows that keep a call countable; in call_events it becomes NULL.
 * @key  not needed for STORE_PURGE_HISTORY and for a dry run
 * Errors: ERR_DATABASE, ERR_NOMEM; ERR_CONFLICT: the key is not the one the audit is written with;
 * ERR_INVALID: reason or actor is too long, or names the person to be erased. `ret` holds what was
 * done also when it fails.
 */
MUST_CHECK enum err store_purge_run(const char *url, const struct store_audit_key *key,
    const struct store_purge *p, struct store_purge_totals *ret);

#endif
