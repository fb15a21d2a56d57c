/*
 * WebSocket: a table of paths with callbacks, on libwebsockets.
 *
 * The acceptor hands over a connection whose head is a correct upgrade to a path of the table.
 * `accept` decides by its request; refused ones are answered in HTTP, so that the client reads why.
 * From then on the callbacks come in this order: open (unless the client leaves during the
 * handshake), message…, close. All of it on the main thread.
 */
#ifndef HTTP_SOCKET_H
#define HTTP_SOCKET_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_request;
struct http_socket;  /* one WebSocket */
struct http_sockets; /* all of them, and the table */

/* Close codes (RFC 6455, 7.4.1, and IANA's registry). */
#define HTTP_SOCKET_NORMAL     1000
#define HTTP_SOCKET_GOING_AWAY 1001
#define HTTP_SOCKET_LOST       1006 /* given to `close` when no close frame came; never sent */
#define HTTP_SOCKET_POLICY     1008
#define HTTP_SOCKET_TOO_BIG    1009
#define HTTP_SOCKET_RESTARTING 1012
#define HTTP_SOCKET_SLOW       1013 /* "try again later": the client did not read what we sent */

struct http_socket_path {
    const char *path; /* whole and raw, as in "/rtc" */
    const char
        *protocol; /* the subprotocol spoken here, or NULL. Clients that name none are let in. */
    size_t
        message_max;  /* bytes of one message; over it the socket is closed with 1009. 0 = 2 MiB */
    size_t queue_max; /* bytes waiting to be sent; over it 1013. 0 = 4 MiB */
    void *arg;        /* for accept */
    /** Looks at path, query, headers and peer (request.h; no answering: that is done for the
     * error, or as http_reply_upgrade was told). OK lets the client in, and `close` will be called
     * once for *ret_state, whatever happens. `r` ends with the call. Who cannot say yet holds the
     * client back: http/hold.h. */
    enum err (*accept)(struct http_request *r, void *arg, void **ret_state);
    /** It stands; `s` is valid until close returns. */
    void (*open)(struct http_socket *s, void *state);
    /** A whole message, borrowed, with a NUL behind it. */
    void (*message)(struct http_socket *s, void *state, const char *bytes, size_t len, bool binary);
    /** It is over; `code` is what the client sent, or the one we closed with, or HTTP_SOCKET_LOST.
     */
    void (*close)(void *state, int code);
};

struct http_sockets_config {
    const struct http_socket_path *paths; /* borrowed for life */
    size_t n_paths;
    unsigned sockets_max;    /* over it upgrades get 429. 0 = 10,000 */
    int64_t ping_after_us;   /* silence before we ping; 0 = 25 s */
    int64_t hangup_after_us; /* silence before we give up; 0 = 60 s */
};

MUST_CHECK enum err http_sockets_create(
    uv_loop_t *loop, const struct http_sockets_config *cfg, struct http_sockets **ret);
/** Closes all, each with its `close`. The loop must run until its handles are gone. */
void http_sockets_destroy(struct http_sockets *t);
/** Lets nobody in any more and closes all with `code`; calls done(arg) when none is left, at the
 * latest after limit_us. */
void http_sockets_drain(
    struct http_sockets *t, int code, int64_t limit_us, void (*done)(void *arg), void *arg);
unsigned http_sockets_count(const struct http_sockets *t);

/** For http/server: is this one of the paths? */
bool http_sockets_know(const struct http_sockets *t, const char *path);
/** For http/server: asks the path's `accept` and takes fd on OK; on an error fd is still the
 * caller's. The request's head must still be unread in fd. */
MUST_CHECK enum err http_sockets_adopt(struct http_sockets *t, struct http_request *r, int fd);

struct http_relay_from;
struct http_relay_to;
/** For http/hold: http_relay_begin, for a client that counts among ours. ERR_LIMIT, and its errors.
 */
MUST_CHECK enum err http_sockets_relay(
    struct http_sockets *t, const struct http_relay_from *from, const struct http_relay_to *to);
/** Copies and queues a message. ERR_LIMIT: the queue was full, and the socket is being closed with
 * 1013. ERR_GONE: it was being closed already. ERR_NOMEM. */
MUST_CHECK enum err http_socket_send(
    struct http_socket *s, const void *bytes, size_t len, bool binary);
/** Sends what is queued, then closes. `close` is called later, never from inside. The reason (at
 * most 123 bytes, UTF-8) may be NULL. */
void http_socket_close(struct http_socket *s, int code, const char *reason);

#endif
