/*
 * Where does a homeserver answer other servers? Address, port, /.well-known/matrix/server, SRV,
 * port 8448, in the order that the specification has. What well-known says is kept for as long as
 * it allows; one search a server at a time. Thread: main.  See: Matrix specification v1.19,
 * server-server API, "Resolving server names".
 */
#ifndef MATRIX_DISCOVERY_H
#define MATRIX_DISCOVERY_H

#include "core/err.h"
#include "http/resolve.h"
#include "matrix/server_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mx_outside;
struct mx_discovery;

#define MX_TARGETS_MAX 4 /* places tried of one server */

struct mx_destination {
    struct mx_server_name at; /* for the URL: Host and certificate */
    struct {
        char host[HTTP_SERVICE_HOST_SIZE]; /* "" = that of the URL */
        uint16_t port;
    } targets[MX_TARGETS_MAX]; /* in the order to try them */
    size_t n;
    bool stopped; /* on the way here something lay in an inner network */
};

/** @step_timeout_us  of the well-known request with its redirects; 0 = 5 s. Borrows `o`. */
MUST_CHECK enum err mx_discovery_create(
    struct mx_outside *o, int64_t step_timeout_us, struct mx_discovery **ret);
/** Searches under way end without their callback. */
void mx_discovery_destroy(struct mx_discovery *d);

typedef void mx_discovered(void *arg, const struct mx_destination *to);

struct mx_find;
/**
 * There is always a destination, in the end `name`:8448. `done` is called once, perhaps from inside
 * of this function, and the destination is borrowed for the call.
 * @ret  written before `done` is called, and never after; valid until then
 * Errors: ERR_LIMIT, ERR_NOMEM; then `done` is not called.
 */
MUST_CHECK enum err mx_discovery_find(struct mx_discovery *d, const struct mx_server_name *name,
    mx_discovered *done, void *arg, struct mx_find **ret);
/** Ends it without calling `done`; the search itself goes on, for the next one who asks. */
void mx_discovery_cancel(struct mx_find *f);

#endif
