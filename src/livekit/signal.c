/* The door: paths, checks before an upgrade, and the sessions behind it. Main. */
#include "livekit/signal.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "http/hold.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "http/socket.h"
#include "livekit/grant.h"
#include "livekit/revoked.h"
#include "livekit/session.h"
#include "livekit/signal_wait.h"

#include <string.h>

#define MESSAGE_MAX (2 * MIB) /* livekit-protocol 2.4 */
#define QUEUE_MAX   (4 * MIB) /* of a client that does not read: a large room said twice */

METRIC_COUNTER(
    refused_total, "parley_livekit_refused_total", "Signalling clients that were not let in.");

static const char plain[] = "text/plain; charset=utf-8";

int64_t lk_signal_wall_ms(const struct lk_signal_config *cfg) {
    return cfg->wall_ms == NULL ? clock_wall_ms() : cfg->wall_ms(cfg->arg);
}

static int64_t now_s(const struct lk_signal *s) {
    return lk_signal_wall_ms(&s->cfg) / 1000;
}

static bool is_v1(const struct http_request *r) {
    return strstr(http_request_path(r), "/rtc/v1") != NULL;
}

/* --- upgrades --- */

static enum err check_revoked(
    const struct lk_signal *s, const struct lk_entry *e, struct lk_refused *why) {
    const struct lk_grant *g = e->grant;
    if (!lk_revoked_has(s->cfg.revoked, e->room, g->identity, g->not_before_s, now_s(s))) {
        return OK;
    }
    *why = (struct lk_refused){ .status = 401, .text = "invalid token: token is revoked" };
    return err_set(ERR_UNAUTHORIZED, "%s", why->text);
}

/* *ret_waits: nobody knows yet whether the room is here. `again`: that was asked. */
static enum err read_entry(struct lk_signal *s, const struct http_request *r, bool again,
    bool *ret_waits, struct lk_entry **ret, struct lk_refused *why) {
    if (s->draining) {
        *why = (struct lk_refused){ .status = 503, .text = "the server is stopping" };
        return err_set(ERR_GONE, "the server is stopping");
    }
    CLEANUP(lk_entry_destroyp) struct lk_entry *entry = NULL;
    enum err e = lk_entry_read(r, s->cfg.keys, s->cfg.rooms, is_v1(r), now_s(s), &entry, why);
    e = e == OK ? check_revoked(s, entry, why) : e;
    e = e == OK ? lk_signal_wait_for(s, entry->room, again, ret_waits, why) : e;
    if (e != OK) {
        metric_add(&refused_total, 1);
        LOG_INFO(&log_root, "client_refused", "peer=%s status=%d text=%s", http_request_peer(r),
            why->status, LOG_Q(why->text));
    } else {
        *ret = STEAL(entry);
    }
    return e;
}

static enum err accept_client(struct http_request *r, void *arg, void **ret_state) {
    CLEANUP(lk_entry_destroyp) struct lk_entry *entry = NULL;
    struct lk_refused why = { 0 };
    struct lk_session *session = NULL;
    bool waits = false;
    if (read_entry(arg, r, http_hold_was(r), &waits, &entry, &why) != OK) {
        return http_reply_upgrade(r, why.status, why.text);
    }
    if (waits) {
        return lk_signal_wait_upgrade(arg, r, entry->room);
    }
    TRY(lk_session_create(arg, entry, &session));
    (void)STEAL(entry);
    *ret_state = session;
    return OK;
}

static void on_open(struct http_socket *socket, void *state) {
    lk_session_open(state, socket);
}

static void on_message(
    struct http_socket *socket, void *state, const char *bytes, size_t len, bool binary) {
    (void)socket;
    lk_session_take(state, bytes, len, binary);
}

static void on_close(void *state, int code) {
    (void)code;
    lk_session_close(state);
}

/* Some clients put a slash too many behind the address that they were given. */
static const char *const path_names[] = { "/rtc", "/rtc/v1", "//rtc", "//rtc/v1" };

const struct http_socket_path *lk_signal_paths(const struct lk_signal *s, size_t *n) {
    *n = s->n_paths;
    return s->paths;
}

/* --- plain requests --- */

static void say(struct http_request *r, int status, const char *text) {
    http_reply_bytes(r, status, plain, text, strlen(text));
}

static void judge(struct lk_signal *s, struct http_request *r, bool again);

static void judge_again(struct lk_signal *s, struct http_request *r) {
    judge(s, r, true);
}

static void judge(struct lk_signal *s, struct http_request *r, bool again) {
    CLEANUP(lk_entry_destroyp) struct lk_entry *entry = NULL;
    struct lk_refused why = { 0 };
    bool waits = false;
    if (read_entry(s, r, again, &waits, &entry, &why) != OK) {
        say(r, why.status, why.text);
    } else if (!waits) {
        say(r, 200, "success");
    } else if (lk_signal_wait_request(s, r, entry->room, judge_again) != OK) {
        say(r, 503, "too many ask at once");
    }
}

static void validate(struct http_request *r, void *arg) {
    judge(arg, r, false);
}

static void not_upgraded(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_bytes(r, 404, plain, "", 0);
}

static void root(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_bytes(r, 200, plain, "OK", 2);
}

static const struct http_route routes[] = {
    { "GET", "/rtc", not_upgraded, 0 },
    { "GET", "/rtc/v1", not_upgraded, 0 },
    { "GET", "/rtc/validate", validate, 0 },
    { "GET", "/rtc/v1/validate", validate, 0 },
};
static const struct http_route root_routes[] = {
    { "GET", "/", root, 0 },
    { "HEAD", "/", root, 0 },
};

enum err lk_signal_add(struct lk_signal *s, struct http_router *public, bool with_root) {
    TRY(http_router_add(public, routes, COUNT_OF(routes), NULL, s));
    return with_root ? http_router_add(public, root_routes, COUNT_OF(root_routes), NULL, s) : OK;
}

/* --- life --- */

enum err lk_signal_create(const struct lk_signal_config *cfg, struct lk_signal **ret) {
    struct lk_signal *s = mem_zalloc(sizeof(*s));
    struct http_socket_path *paths = mem_zalloc(COUNT_OF(path_names) * sizeof(*paths));
    if (s == NULL || paths == NULL) {
        mem_free(s);
        mem_free(paths);
        return err_set(ERR_NOMEM, "no memory for the signalling");
    }
    s->cfg = *cfg;
    s->paths = paths;
    s->n_paths = COUNT_OF(path_names);
    for (size_t i = 0; i < s->n_paths; i++) {
        paths[i] = (struct http_socket_path){ .path = path_names[i],
            .message_max = MESSAGE_MAX,
            .queue_max = QUEUE_MAX,
            .arg = s,
            .accept = accept_client,
            .open = on_open,
            .message = on_message,
            .close = on_close };
    }
    room_id_make("ND_", s->node_id);
    if (cfg->node_id != NULL && strlen(cfg->node_id) < sizeof(s->node_id)) {
        memcpy(s->node_id, cfg->node_id, strlen(cfg->node_id) + 1);
    }
    metrics_register(&refused_total);
    lk_signal_wait_register();
    lk_session_metrics();
    *ret = s;
    return OK;
}

void lk_signal_set_nodes(struct lk_signal *s, struct lk_nodes *nodes) {
    lk_signal_wait_end(s);
    s->nodes = nodes;
}

void lk_signal_drain(struct lk_signal *s) {
    struct lk_session *session = s->sessions, *next = NULL;
    s->draining = true;
    for (; session != NULL; session = next) {
        next = session->next;
        if (session->member != NULL) {
            room_leave(session->member, ROOM_SHUTDOWN);
        }
    }
}

void lk_signal_destroy(struct lk_signal *s) {
    if (s != NULL) {
        lk_signal_drain(s);
        mem_free(s->paths);
        mem_free(s);
    }
}
