/*
 * Routing by table: a method, a path with {names}, a handler. Thread: main.
 *
 * Path parts are matched on the raw, still encoded path: `{x}` takes one part, `{x...}` takes all
 * the rest, slashes included (Synapse leaves `/` unencoded inside user ids). Values are decoded
 * once. No route: 404 M_UNRECOGNIZED; known path, other method: 405 M_UNRECOGNIZED with Allow.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request;

typedef void http_handler(struct http_request *r, void *arg);

struct http_route {
    const char *method;
    const char *path;
    http_handler *handle;
    size_t body_max; /* bytes; over it 413 M_TOO_LARGE. 0 = no body expected (1 KiB is tolerated) */
};

/** Optional, asked as soon as the head has arrived, before any body is read: OK lets the request go
 * on, an error is answered as http_reply_err would. So an unauthorised peer never makes us hold 32
 * MiB. */
typedef enum err http_guard(struct http_request *r, void *arg);

/** Told of each body over its route's limit, before its 413 leaves. `bytes`: what was announced, or
 * what had come so far. */
typedef void http_too_large(void *arg, int64_t bytes);

struct http_router;
MUST_CHECK enum err http_router_create(struct http_router **ret);
void http_router_destroy(struct http_router *t);
/** Adds a table; borrows `routes` for the router's life; `arg` goes to each handler and to `guard`
 * (may be NULL). The later table wins nothing: two equal routes are ERR_INVALID. */
MUST_CHECK enum err http_router_add(
    struct http_router *t, const struct http_route *routes, size_t n, http_guard *guard, void *arg);

/** For a table that was added: its `arg` goes to `told`. */
void http_router_watch_size(
    struct http_router *t, const struct http_route *routes, size_t n, http_too_large *told);

/** Calls `each` for every route, in the order in which they were added. */
typedef void http_router_visitor(void *arg, const struct http_route *route);
void http_router_each(const struct http_router *t, http_router_visitor *each, void *arg);

/** For http/server: sets the request's route and parameters; false when there was none, and then
 * the answer (400, 404, 405, or a preflight's 204) has been given. */
bool http_router_find(const struct http_router *t, struct http_request *r);

#endif
