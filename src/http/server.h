/*
 * One listener: an address, a router, and whether browsers may call it.
 *
 * An acceptor of our own peeks at the head, then hands the socket to libmicrohttpd (HTTP) or
 * libwebsockets (a correct upgrade to a known path).  Thread: main.  See: http.md of the design,
 * decisions 1, 2 and 6.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_router;
struct http_sockets; /* http/socket.h; may be NULL: then no WebSocket path is known */

struct http_server_config {
    /* "127.0.0.1:8090", "[::1]:8090", "unix:/run/parley/private.sock"; port 0 = any */
    const char *listen;
    bool cors; /* public listener: CORS headers on every answer, OPTIONS answered */
    /* Whose X-Forwarded-For counts: addresses, CIDR blocks, or "unix" for a unix socket's peers. */
    const char *const *trusted_proxies;
    size_t n_trusted;
    /* Who knows it may ask, by a header, what a request looked like from here (http/probe.h); NULL
     * = nobody. Copied. */
    const char *probe_secret;
    unsigned connections_max; /* over it new connections are closed at once and counted */
    int64_t head_timeout_us;  /* from accept to the end of the head */
    int64_t body_timeout_us;  /* from the end of the head to the end of the body */
    int64_t idle_timeout_us;  /* a keep-alive connection without a request */
    unsigned rate_per_s; /* requests and upgrades of one address (IPv6: its /64); 0 = no limit */
    unsigned rate_burst; /* saved up at most; 0 = rate_per_s */
};

struct http_server;
/** Borrows router and sockets for its life; copies the rest. ERR_INVALID names the setting that is
 * wrong; ERR_IO when the address cannot be bound. */
MUST_CHECK enum err http_server_create(uv_loop_t *loop, const struct http_server_config *cfg,
    struct http_router *router, struct http_sockets *sockets, struct http_server **ret);
/** Another probe_secret from now on; on an error the one before stays. */
MUST_CHECK enum err http_server_set_probe_secret(struct http_server *s, const char *secret);
/** The port bound (TCP); 0 for a unix socket. */
int http_server_port(const struct http_server *s);
/** Graceful drain: stops listening, lets requests under way be answered (their answers carry
 * Connection: close), then calls done(arg), at the latest after `limit_us`. */
void http_server_drain(struct http_server *s, int64_t limit_us, void (*done)(void *arg), void *arg);
/** Closes what is still open. The loop must run once more for its handles to be gone. */
void http_server_destroy(struct http_server *s);

#endif
