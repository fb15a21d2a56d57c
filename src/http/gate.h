/*
 * Who may come in: everything that is decided about a request when its head is known and its body
 * is not. Knows neither libmicrohttpd nor libwebsockets.  Thread: main.
 */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include "core/err.h"
#include "http/accept.h"

#include <stdbool.h>
#include <stddef.h>

struct http_address;
struct http_block;
struct http_head;
struct http_hold;
struct http_limit;
struct http_probe_key;
struct http_request;
struct http_router;
struct http_server_config;
struct http_sockets;

struct http_gate {
    struct http_router *router;   /* borrowed */
    struct http_sockets *sockets; /* borrowed; may be NULL */
    struct http_limit *limit;     /* NULL = none */
    struct http_probe_key *probe; /* NULL = none */
    struct http_block *trusted;
    size_t n_trusted;
    bool cors;
};

/** Takes rate, proxies, probe and CORS from the configuration. `router` and `sockets` stay. On an
 * error what there is can be finished. ERR_INVALID, ERR_NOMEM. */
MUST_CHECK enum err http_gate_init(struct http_gate *g, const struct http_server_config *cfg);
void http_gate_finish(struct http_gate *g);
/** Who knows the secret may ask (http/probe.h); NULL = nobody. Copies it. On an error the one
 * before stays. */
MUST_CHECK enum err http_gate_set_probe(struct http_gate *g, const char *secret);

/**
 * Judges a request whose headers are in place: rate, soundness, upgrade, route, guard, announced
 * length. Either it is answered afterwards, or its route is set and the body may come.
 */
void http_gate_judge(struct http_gate *g, struct http_request *r, const struct http_address *peer);

/** A correct upgrade in the peeked head; `again`: after it was held back. */
enum http_upgraded http_gate_upgrade(struct http_gate *g, int fd, const struct http_head *head,
    const struct http_address *peer, bool again, struct http_hold **ret_hold);

#endif
