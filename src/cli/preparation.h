/*
 * cli/database's work while `serve` starts, on libuv's thread pool, because libpq waits there:
 * again and again until the database is there, while the listeners already answer.  Thread: main,
 * except for the work itself.
 */
#ifndef CLI_PREPARATION_H
#define CLI_PREPARATION_H

#include "core/err.h"

#include <stdbool.h>
#include <uv.h>

struct config;
struct store_audit_key;

/** `e` OK: takes over the key. Else waiting would not help, and `text` says what to do. */
typedef void cli_preparation_done(
    void *arg, enum err e, const char *text, struct store_audit_key *key);
/** The database could not be had; it is tried again. */
typedef void cli_preparation_waiting(void *arg, const char *text);

struct cli_preparation_config {
    const struct config *config; /* borrowed */
    cli_preparation_waiting *waiting;
    cli_preparation_done *done; /* called once */
    void *arg;
};

struct cli_preparation;
/** Begins at once. */
MUST_CHECK enum err cli_preparation_create(
    uv_loop_t *loop, const struct cli_preparation_config *cfg, struct cli_preparation **ret);
/** Is a try under way? It cannot be broken off, and a loop that waits for it may wait as long as
 * TCP does. */
bool cli_preparation_busy(const struct cli_preparation *p);
/** No more callbacks. The loop must turn until the try under way is over. */
void cli_preparation_destroy(struct cli_preparation *p);

#endif
