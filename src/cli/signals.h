/*
 * The signals `serve` lives by: SIGTERM and SIGINT stop it gracefully, the next one hurries it
 * where it waits for something that may take long, else it ends at once; SIGHUP reloads. Thread:
 * main.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "core/err.h"

#include <stdbool.h>

#include <uv.h>

struct cli_signals_config {
    void (*stop)(void *arg);   /* called once */
    bool (*hurry)(void *arg);  /* once more: false = nothing can be hurried */
    void (*reload)(void *arg); /* not any more once stopping */
    void *arg;
};

struct cli_signals;
MUST_CHECK enum err cli_signals_create(
    uv_loop_t *loop, const struct cli_signals_config *cfg, struct cli_signals **ret);
/** The loop must turn once more for its handles to be gone. */
void cli_signals_destroy(struct cli_signals *s);

#endif
