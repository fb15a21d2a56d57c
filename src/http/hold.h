/*
 * A WebSocket's upgrade that cannot be decided at once: the client waits at the door, its head
 * still unread, until whoever holds it back says what becomes of it.  Thread: main.
 */
#ifndef HTTP_HOLD_H
#define HTTP_HOLD_H

#include "core/err.h"

#include <stdbool.h>

struct http_hold;
struct http_relay_to;
struct http_request;

#define HTTP_HOLD_US (10 * INT64_C(1000000)) /* then 503 */

/** For `accept` of a WebSocket path (http/socket.h): gives the error to return. `gone` is called
 * when the client has left, or was let wait for too long: *ret is over then. ERR_LIMIT: it is held
 * back; ERR_NOMEM: it is not. */
MUST_CHECK enum err http_hold_begin(
    struct http_request *r, void (*gone)(void *arg), void *arg, struct http_hold **ret);
/** Was this one held back before? */
bool http_hold_was(const struct http_request *r);

/* Each of them ends the hold; not from inside `accept`. */

/** `accept` is asked again. */
void http_hold_decide(struct http_hold *h);
/** Answered in text/plain. */
void http_hold_refuse(struct http_hold *h, int status, const char *text);
/** Goes on with another server, which answers in our place (http/relay.h). */
void http_hold_relay(struct http_hold *h, const struct http_relay_to *to);

#endif
