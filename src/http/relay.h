/*
 * Connections of clients that another server of ours answers: every byte goes there and back, from
 * the head of the request on, which gets two lines more: who asks, and one of the caller's.
 *
 * For WebSockets, whose ends find out by pings that the other is gone: what ends on one side is
 * ended on the other.  Thread: main.
 */
#ifndef HTTP_RELAY_H
#define HTTP_RELAY_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_relays;

#define HTTP_RELAY_CONNECT_US  (5 * INT64_C(1000000))
#define HTTP_RELAY_QUEUE_BYTES (256 * (size_t)1024) /* each way; then the sender has to wait */
#define HTTP_RELAY_SILENT_MS   20000 /* what was sent and not acknowledged for so long is lost */

/* Borrowed for the call. */
struct http_relay_to {
    const char *name; /* for people: "node two" */
    const char *url;  /* "http://10.0.0.2:8090": nothing behind the port */
    const char *line; /* "X-Name: value" */
};
struct http_relay_from {
    int fd; /* non-blocking, its head unread */
    const char *peer;
    bool cors;
};

MUST_CHECK enum err http_relays_create(uv_loop_t *loop, struct http_relays **ret);
/** Takes the connection, unless it gives an error: ERR_INVALID, an address that is not http://;
 * ERR_NOMEM, ERR_IO. A server that cannot be reached is told to the client, with 503. */
MUST_CHECK enum err http_relay_begin(
    struct http_relays *all, const struct http_relay_from *from, const struct http_relay_to *to);
unsigned http_relays_count(const struct http_relays *all);
/** Ends all of them. */
void http_relays_end(struct http_relays *all);
/** The loop must turn once more. Takes NULL. */
void http_relays_destroy(struct http_relays *all);

#endif
