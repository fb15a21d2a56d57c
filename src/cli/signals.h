/*
 * The signals `serve` lives by: SIGTERM and SIGINT stop it gracefully, the second one at once;
 * SIGHUP reloads. Thread: main.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "core/err.h"

#include <uv.h>

struct cli_signals_config {
    void (*stop)(void *arg);   /* called once */
    void (*reload)(void *arg); /* not any more once stopping */
    void *arg;
};

struct cli_signals;
MUST_CHECK enum err cli_signals_create(
    uv_loop_t *loop, const struct cli_signals_config *cfg, struct cli_signals **ret);
/** The loop must turn once more for its handles to be gone. */
void cli_signals_destroy(struct cli_signals *s);

#endif
