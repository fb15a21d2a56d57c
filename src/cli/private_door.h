/*
 * How our own private listener is reached from this machine.  Thread: main.
 */
#ifndef CLI_PRIVATE_DOOR_H
#define CLI_PRIVATE_DOOR_H

#include "core/err.h"

struct buf;
struct config_list;

/** Appends the URL of the first of http.private that TCP reaches, without a / at the end; one that
 * listens everywhere is reached by loopback. ERR_NOT_FOUND: there are unix sockets only; ERR_NOMEM.
 */
MUST_CHECK enum err cli_private_url(const struct config_list *private, struct buf *ret);
/** The path of its first unix socket, borrowed from the list; NULL = none. */
const char *cli_private_socket(const struct config_list *private);

#endif
