/*
 * Telling systemd how we are: the protocol of sd_notify(3), by hand. One datagram a message to the
 * unix socket that NOTIFY_SOCKET names ("/path" or "@abstract"); without it everything here does
 * nothing. Thread: main. Never blocks; a message that cannot be sent is dropped.
 */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct cli_notify;

/** Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment. ERR_INVALID for a socket
 * name that cannot be, ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err cli_notify_create(struct cli_notify **ret);
/** The same for a given socket name (NULL = none). */
MUST_CHECK enum err cli_notify_open(const char *socket_name, struct cli_notify **ret);
void cli_notify_destroy(struct cli_notify *n);
void cli_notify_destroyp(struct cli_notify **n);

void cli_notify_ready(struct cli_notify *n);
/** Before settings are read again; cli_notify_ready ends it. */
void cli_notify_reloading(struct cli_notify *n, int64_t mono_us);
void cli_notify_stopping(struct cli_notify *n);
/** While stopping: the manager shall wait so long from now before it kills us. */
void cli_notify_extend(struct cli_notify *n, int64_t us);
/** One line for `systemctl status`. */
void cli_notify_status(struct cli_notify *n, const char *line);

/** Sends WATCHDOG=1 twice in the time the service manager allows, as long as the loop turns; does
 * nothing when it expects none. Stopped by cli_notify_unwatch, after which the loop must turn once
 * more. */
void cli_notify_watch(struct cli_notify *n, uv_loop_t *loop);
void cli_notify_unwatch(struct cli_notify *n);

#endif
