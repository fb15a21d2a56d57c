/*
 * All addresses we listen on: the public ones and the private ones (decision 1), as one thing to
 * open, drain and close. Thread: main.
 */
#ifndef CLI_LISTENERS_H
#define CLI_LISTENERS_H

#include "core/err.h"

#include <stdint.h>
#include <uv.h>

struct config;
struct http_router;
struct http_sockets;
struct cli_listeners;

/* What is behind them; borrowed for their life. */
struct cli_doors {
    struct http_router *public, *private;
    struct http_sockets *sockets; /* WebSockets of the public ones; NULL: none */
};

/** Opens them all or none. Who knows `probe_secret` may ask what their request
 * looked like from here (http/probe.h). ERR_IO names the address that cannot be had. */
MUST_CHECK enum err cli_listeners_create(uv_loop_t *loop, const struct config *c,
    const char *probe_secret, const struct cli_doors *doors, struct cli_listeners **ret);
/** The port of the first public one; 0: a unix socket, or there is none. */
int cli_listeners_port(const struct cli_listeners *l);
/** Another probe_secret from now on. ERR_NOMEM, ERR_IO: some may have the one before. */
MUST_CHECK enum err cli_listeners_set_probe_secret(struct cli_listeners *l, const char *secret);
/** Lets requests under way end; calls done(arg) once, when all have or `limit_us` is over. */
void cli_listeners_drain(
    struct cli_listeners *l, int64_t limit_us, void (*done)(void *arg), void *arg);
/** Closes what is open. The loop must turn once more. */
void cli_listeners_destroy(struct cli_listeners *l);

#endif
