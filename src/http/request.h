/*
 * One HTTP request that has arrived whole and waits for its answer.
 *
 * A handler gets it, and answers now or later with one call of http/reply.h; until then the
 * connection is suspended. The request lives until the answer has left or the client has gone.
 * Thread: main.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "core/mem.h"

#include <stdbool.h>
#include <stddef.h>

struct http_request;

/** "GET", "PUT", … */
const char *http_request_method(const struct http_request *r);
/** The path as it was sent, still percent-encoded, without the query. */
const char *http_request_path(const struct http_request *r);
/** The value of a {name} of the route, percent-decoded once; NULL when the route has none of that
 * name. May hold a NUL byte only if the client sent %00, which the router refuses with 400 before
 * any handler. */
const char *http_request_param(const struct http_request *r, const char *name);
/** What stands behind the `?`, as it was sent; NULL = nothing. */
const char *http_request_query_text(const struct http_request *r);
/** A query parameter, percent-decoded once (`+` stays `+`), or NULL. The first one of that name
 * counts. */
const char *http_request_query(const struct http_request *r, const char *name);
/** A header's value, or NULL. Name in any case. */
const char *http_request_header(const struct http_request *r, const char *name);
/** The token of `Authorization: Bearer …`, or NULL. */
const char *http_request_bearer(const struct http_request *r);
/** The body; *len 0 and "" when there is none. NUL behind the last byte. */
const char *http_request_body(const struct http_request *r, size_t *len);
/** The client's address as text, after trusted proxies were taken off (decision 2). */
const char *http_request_peer(const struct http_request *r);
/** Memory that lives as long as the request. */
struct arena *http_request_arena(struct http_request *r);
/** When it arrived, monotonic. */
int64_t http_request_arrived_us(const struct http_request *r);

/** Calls `gone(arg)` when the client leaves before the answer. Then the request must still be
 * answered (the answer goes nowhere), which is what frees it. */
void http_request_on_gone(struct http_request *r, void (*gone)(void *arg), void *arg);

#endif
