/*
 * One run of retention, as the thread pool does it. Only store/retention includes this.  Thread:
 * any, one at a time; blocks.
 */
#ifndef STORE_RETENTION_RUN_H
#define STORE_RETENTION_RUN_H

#include "store/retention.h"

#include <stdatomic.h>
#include <stdbool.h>

struct store_retention_run {
    const char *url;
    const char *key_file;
    struct store_retention_ages ages;
    int64_t now_ms;
    atomic_bool *stop; /* true: end behind the batch */
    /* What came of it; what was done counts also when it failed. */
    bool claimed; /* false: another node did it in this interval */
    int64_t calls;
    int64_t chains;
    int64_t audit_rows;
    int64_t txns;
    int64_t event_ids;
};

MUST_CHECK enum err store_retention_run(struct store_retention_run *r);

#endif
