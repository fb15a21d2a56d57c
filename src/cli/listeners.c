/* A list of servers, the public ones first. */
#include "cli/listeners.h"

#include "core/config.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/router.h"
#include "http/server.h"

struct cli_listeners {
    struct http_server **servers;
    size_t n;
    size_t n_public; /* the first of them */
    size_t draining;
    void (*drained)(void *arg);
    void *arg;
};

/* One of the lists of config.http. */
struct side {
    const char *name;
    const struct config_list *addresses;
    struct http_router *router;
    struct http_sockets *sockets;
    bool cors;
};

static enum err open_side(struct cli_listeners *l, uv_loop_t *loop, const struct config *c,
    const char *probe_secret, const struct side *side) {
    struct http_server_config cfg = {
        .cors = side->cors,
        .trusted_proxies = c->http.trusted_proxies.items,
        .n_trusted = c->http.trusted_proxies.n,
        .probe_secret = probe_secret,
        .connections_max = (unsigned)c->http.connections_max,
        .head_timeout_us = c->http.head_timeout_us,
        .body_timeout_us = c->http.body_timeout_us,
        .idle_timeout_us = c->http.idle_timeout_us,
    };
    for (size_t i = 0; i < side->addresses->n; i++) {
        cfg.listen = side->addresses->items[i];
        enum err e = http_server_create(loop, &cfg, side->router, side->sockets, &l->servers[l->n]);
        if (e != OK) {
            return err_set(
                e, "cannot listen on %s (http.%s): %s", cfg.listen, side->name, err_text());
        }
        LOG_INFO(&log_root, "listening", "side=%s address=%s port=%d", side->name,
            LOG_Q(cfg.listen), http_server_port(l->servers[l->n]));
        l->n++;
    }
    return OK;
}

/* Whoever writes a reverse proxy's settings, or tests them, reads here what is behind which door.
 */
static void log_route(void *arg, const struct http_route *route) {
    const struct side *side = arg;
    LOG_DEBUG(&log_root, "route", "side=%s method=%s path=%s", side->name, route->method,
        LOG_Q(route->path));
}

enum err cli_listeners_create(uv_loop_t *loop, const struct config *c, const char *probe_secret,
    const struct cli_doors *doors, struct cli_listeners **ret) {
    const struct side sides[] = {
        { "public", &c->http.public, doors->public, doors->sockets, true },
        { "private", &c->http.private, doors->private, doors->sockets, false },
    };
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        http_router_each(sides[i].router, log_route, (void *)(uintptr_t)&sides[i]);
    }
    struct cli_listeners *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    size_t most = c->http.public.n + c->http.private.n;
    l->servers = mem_zalloc(most * sizeof(struct http_server *));
    enum err e = l->servers == NULL ? err_set(ERR_NOMEM, "out of memory") : OK;
    for (size_t i = 0; i < COUNT_OF(sides) && e == OK; i++) {
        e = open_side(l, loop, c, probe_secret, &sides[i]);
        l->n_public = i == 0 ? l->n : l->n_public;
    }
    if (e != OK) {
        cli_listeners_destroy(l);
        return e;
    }
    *ret = l;
    return OK;
}

int cli_listeners_port(const struct cli_listeners *l) {
    return l->n_public == 0 ? 0 : http_server_port(l->servers[0]);
}

enum err cli_listeners_set_probe_secret(struct cli_listeners *l, const char *secret) {
    for (size_t i = 0; i < l->n; i++) {
        TRY(http_server_set_probe_secret(l->servers[i], secret));
    }
    return OK;
}

static void one_drained(void *arg) {
    struct cli_listeners *l = arg;
    l->draining--;
    if (l->draining == 0) {
        l->drained(l->arg);
    }
}

void cli_listeners_drain(
    struct cli_listeners *l, int64_t limit_us, void (*done)(void *arg), void *arg) {
    l->drained = done;
    l->arg = arg;
    l->draining = l->n;
    for (size_t i = 0; i < l->n; i++) {
        http_server_drain(l->servers[i], limit_us, one_drained, l);
    }
}

void cli_listeners_destroy(struct cli_listeners *l) {
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        http_server_destroy(l->servers[i]);
    }
    mem_free(l->servers);
    mem_free(l);
}
