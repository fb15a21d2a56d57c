/*
 * PostgreSQL: a few asynchronous connections on the libuv loop. Nothing here waits.
 *
 * A connection is leased for one database transaction (store/calls.h and its like do this);
 * statements are sent in pipeline mode, many per round trip. Names are resolved on libuv's thread
 * pool (decision 11). A lost connection is made again with back-off (100 ms doubling to 5 s,
 * jittered); leases wait in a bounded queue and fail with ERR_DATABASE when none can be had within
 * the connect time-out.  Thread: main.
 */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct store;

struct store_config {
    const char *url;    /* libpq URI or keyword string; never logged */
    unsigned pool_size; /* connections */
    int64_t connect_timeout_us;
    int64_t statement_timeout_us; /* the server ends a statement after this */
};

/** Called whenever the database becomes reachable (true) or is lost (false). Never from inside
 * another call. */
typedef void store_changed_fn(void *arg, bool up);

/** Starts connecting at once; does not wait for it. Copies the configuration. */
MUST_CHECK enum err store_create(uv_loop_t *loop, const struct store_config *cfg,
    store_changed_fn *changed, void *arg, struct store **ret);
/** Is there a live connection right now? */
bool store_up(const struct store *s);
/** Leases under way fail with ERR_DATABASE. The loop must run once more for its handles to be gone.
 */
void store_destroy(struct store *s);

#endif
