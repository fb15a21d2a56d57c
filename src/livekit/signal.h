/*
 * LiveKit's signalling: the WebSockets /rtc and /rtc/v1, and what clients ask when one was refused.
 *
 *     GET /rtc, /rtc/v1                    upgraded, once every check was passed
 *     GET /rtc/validate, /rtc/v1/validate  the same checks, for browsers: they cannot read why an
 *                                          upgrade was refused
 *     GET /                                200: a client's warm-up
 *
 * cli makes it after the room directory, gives the rows of lk_signal_paths to http_sockets_create
 * and the routes to the public router. Then, at the end: lk_signal_drain, the sockets, the
 * directory, lk_signal_destroy.
 *
 * Thread: main.  See: livekit-protocol 1.4, 1.5, 2.
 */
#ifndef LIVEKIT_SIGNAL_H
#define LIVEKIT_SIGNAL_H

#include "core/err.h"
#include "livekit/ice_servers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_router;
struct http_socket_path;
struct lk_keys;
struct lk_nodes;
struct lk_revoked;
struct lk_signal;
struct room_directory;

/* For http_sockets_config of the listener that carries these paths (livekit-protocol 2.4). */
#define LK_SIGNAL_PING_AFTER_US (10 * INT64_C(1000000))

struct lk_signal_config {
    struct room_directory *rooms; /* started before the first client comes */
    const struct lk_keys *keys;
    const struct lk_revoked *revoked; /* tokens that are refused; NULL = none */
    struct lk_ice ice;                /* for clients behind firewalls; none by default */
    const char *node_id;              /* "ND_…", shown to clients; NULL = a new one */
    /* So that tests live in virtual time; NULL = core/clock. Unix milliseconds. */
    int64_t (*wall_ms)(void *arg);
    void *arg;
};

/** The time by which clients and we agree: Unix milliseconds. */
int64_t lk_signal_wall_ms(const struct lk_signal_config *cfg);
/** Borrows everything for its life. ERR_NOMEM. */
MUST_CHECK enum err lk_signal_create(const struct lk_signal_config *cfg, struct lk_signal **ret);
/** Rows for http_sockets_config; borrowed as long as the signal lives. */
const struct http_socket_path *lk_signal_paths(const struct lk_signal *s, size_t *n);
/** Adds the routes. `root`: also GET and HEAD of "/", where nobody else answers them. The router
 * borrows the signal for its life. */
MUST_CHECK enum err lk_signal_add(struct lk_signal *s, struct http_router *public, bool root);
/** There are other nodes: who asks here for a room of another one is led there
 * (livekit/signal_wait). NULL = no more: before they go. Borrows it. */
void lk_signal_set_nodes(struct lk_signal *s, struct lk_nodes *nodes);
/** Lets nobody in any more, and tells every client to go and reconnect (SERVER_SHUTDOWN). What was
 * said leaves with http_sockets_drain. */
void lk_signal_drain(struct lk_signal *s);
/** After the sockets are gone. Takes NULL. */
void lk_signal_destroy(struct lk_signal *s);

#endif
