/*
 * Asks a receiver of webhooks whether it is there, as a webhook would come: for `parley doctor` and
 * `parley webhooks test`.  Thread: main; blocks, on a loop of its own.
 */
#ifndef HOOKS_PING_H
#define HOOKS_PING_H

#include "core/err.h"

#include <stdint.h>

struct hooks_secret;

struct hooks_ping {
    const char *url;
    struct hooks_secret *secret;
    const char *ca_file; /* "" = none */
    int64_t timeout_us;
};
#define HOOKS_PING_TEXT_SIZE 256
struct hooks_pong {
    enum err err; /* OK: an HTTP answer came, whatever its status; else as http/client has it */
    int status;
    char text[HOOKS_PING_TEXT_SIZE]; /* why there was none */
};

/** Sends one and waits. ERR_NOMEM, ERR_IO: nothing was sent. */
MUST_CHECK enum err hooks_ping(const struct hooks_ping *p, struct hooks_pong *ret);

#endif
