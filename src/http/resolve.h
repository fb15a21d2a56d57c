/*
 * Names to addresses and services, asked of the DNS on the loop, without a thread.
 *
 * For names that strangers choose: the system's getaddrinfo would hold a thread of libuv's few, or
 * libcurl's, until a name server that never answers was given up, and knows no SRV records. Reads
 * /etc/resolv.conf (again after a minute) and /etc/hosts; takes names as they are, without the
 * search list.  Thread: main.
 */
#ifndef HTTP_RESOLVE_H
#define HTTP_RESOLVE_H

#include "core/err.h"
#include "http/address.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define HTTP_RESOLVED_MAX      16  /* addresses or services taken of one answer */
#define HTTP_SERVICE_HOST_SIZE 256 /* RFC 1035: a name has at most 253 characters */

struct http_resolver;

struct http_resolver_config {
    const char *servers; /* "192.0.2.1,192.0.2.2:5353"; NULL or "" = those of /etc/resolv.conf */
    int64_t timeout_us;  /* of one look-up; 0 = 5 s */
};
/** Copies the configuration, borrows the loop. ERR_INVALID: servers that are none. */
MUST_CHECK enum err http_resolver_create(
    uv_loop_t *loop, const struct http_resolver_config *cfg, struct http_resolver **ret);
/** Look-ups under way end without their callback. The loop must turn until it has nothing left. */
void http_resolver_destroy(struct http_resolver *r);

/* A row of SRV (RFC 2782). */
struct http_service {
    char host[HTTP_SERVICE_HOST_SIZE]; /* letters, digits, dashes, dots, underscores */
    uint16_t port;
    uint16_t priority;
    uint16_t weight;
};

struct http_resolved {
    enum err err; /* OK: at least one; ERR_NOT_FOUND: no such name, or nothing of this kind there;
                     ERR_TIMEOUT, ERR_UNREACHABLE (no name server, a broken answer), ERR_NOMEM */
    const char *text; /* why; "" on OK */
    const struct http_address *addresses;
    size_t n_addresses;
    const struct http_service *services; /* in the order to try them */
    size_t n_services;
};
/** Called once, on main, never from inside the asking. All is borrowed for the call. */
typedef void http_resolved_done(void *arg, const struct http_resolved *a);

struct http_lookup;
/** A and AAAA. ERR_NOMEM, ERR_LIMIT (too many under way): then `done` is not called. `ret` is
 * valid until `done`. */
MUST_CHECK enum err http_resolve_addresses(struct http_resolver *r, const char *name,
    http_resolved_done *done, void *arg, struct http_lookup **ret);
/** SRV. The same. */
MUST_CHECK enum err http_resolve_services(struct http_resolver *r, const char *name,
    http_resolved_done *done, void *arg, struct http_lookup **ret);
/** Ends it without calling `done`. */
void http_resolve_cancel(struct http_lookup *l);

#endif
