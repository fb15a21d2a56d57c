/*
 * /_matrix/app/v1/…: what the homeserver calls (1.3). Authenticates hs_token before a body is read,
 * answers pings and queries, hands transactions on.  Thread: main.
 */
#ifndef APPSERVICE_ROUTES_H
#define APPSERVICE_ROUTES_H

#include "core/err.h"

#include <stddef.h>

struct http_router;
struct as_routes;
struct as_transactions;

struct as_routes_config {
    const char *hs_token;
    const char *hs_token_old; /* accepted beside it while rotating; NULL = none */
    size_t body_max;
};
/** Adds its table to the router, copies the configuration, borrows `transactions`; the router
 * borrows from it until the router's own end. `transactions` NULL: not ready yet, each transaction
 * is answered 503 with Retry-After, so that the homeserver keeps it. */
MUST_CHECK enum err as_routes_create(struct http_router *router, const struct as_routes_config *cfg,
    struct as_transactions *transactions, struct as_routes **ret);
/** From now on transactions go there; NULL: not ready (again). Borrows it until the next call. */
void as_routes_set_transactions(struct as_routes *r, struct as_transactions *transactions);
/** Other tokens from now on; copies them. On ERR_NOMEM the ones before stay. */
MUST_CHECK enum err as_routes_set_tokens(
    struct as_routes *r, const char *hs_token, const char *hs_token_old);
void as_routes_destroy(struct as_routes *r);

#endif
