/*
 * Our homeserver as `serve` reaches it: one HTTP client, the calls with our token, who is in which
 * room. It needs no database, so it is there before the engine.  Thread: main.
 */
#ifndef CLI_HOMESERVER_H
#define CLI_HOMESERVER_H

#include "core/err.h"

#include <uv.h>

struct as_registration;
struct config;
struct http_client;
struct mx_client;
struct mx_membership;

struct cli_homeserver;
/** Borrows both for its life. */
MUST_CHECK enum err cli_homeserver_create(uv_loop_t *loop, const struct config *c,
    const struct as_registration *registration, struct cli_homeserver **ret);
/** Pending calls end without their callback. The loop must turn until it has nothing left. */
void cli_homeserver_destroy(struct cli_homeserver *h);
/** The registration has other tokens now. ERR_NOMEM. */
MUST_CHECK enum err cli_homeserver_set_tokens(struct cli_homeserver *h);

struct mx_client *cli_homeserver_client(struct cli_homeserver *h);
struct mx_membership *cli_homeserver_membership(struct cli_homeserver *h);

#endif
