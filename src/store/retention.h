/*
 * What is old goes by itself: calls that are over, their audit, and what the homeserver need not be
 * told apart from any more.
 *
 * A run begins a few minutes after the start and then once an interval, on one node at a time
 * (node_tasks). It is a purge (store/purge.h) on libuv's thread pool, with a connection of its own,
 * which it has only while it runs: main never waits for it.  Thread: main.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include "core/err.h"

#include <stdint.h>
#include <uv.h>

/* How long what is kept, in milliseconds; 0 = for ever. The age of a call counts from its end. */
struct store_retention_ages {
    int64_t calls_ms;    /* call_sessions and what hangs on it */
    int64_t audit_ms;    /* call_events; a call goes no later than its audit */
    int64_t interval_ms; /* between two runs */
};

struct store_retention;

/** Copies everything. `key_file` is read at each run, as the key may be rotated meanwhile. */
MUST_CHECK enum err store_retention_create(uv_loop_t *loop, const char *url, const char *key_file,
    const struct store_retention_ages *ages, struct store_retention **ret);
/** The clock to the first run begins. */
void store_retention_start(struct store_retention *r);
/** For runs from now on. */
void store_retention_set(struct store_retention *r, const struct store_retention_ages *ages);
/** A run under way ends behind its batch, below a second. The loop must turn until then. */
void store_retention_destroy(struct store_retention *r);

#endif
