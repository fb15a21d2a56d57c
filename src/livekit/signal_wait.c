/* Upgrades and plain requests, which wait for the same answer. Main. */
#include "livekit/signal_wait.h"

#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/hold.h"
#include "http/relay.h"
#include "http/reply.h"
#include "http/request.h"
#include "livekit/entry.h"
#include "livekit/forward.h"
#include "livekit/nodes.h"
#include "livekit/session.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define NAME_SIZE 160 /* node.name has at most 64 characters */

METRIC_COUNTER(
    wrong_total, "parley_node_wrong_total", "Clients that asked here for a room of another node.");

/* Clients in a call try again after 503. On 404 with these words they end, and whoever runs them
 * asks for a new token; so with LiveKit's servers that make no rooms. */
static const struct lk_refused come_again = { 503, "the room is being looked for" };
static const struct lk_refused not_here = { 404, "requested room does not exist" };

struct lk_signal_wait {
    struct lk_signal_wait *prev, *next;
    struct lk_signal *signal;
    bool came; /* from another node */
    struct http_hold *hold;
    struct http_request *request; /* where there is no hold */
    void (*then)(struct lk_signal *s, struct http_request *r);
};

void lk_signal_wait_register(void) {
    metrics_register(&wrong_total);
}

enum err lk_signal_wait_for(const struct lk_signal *s, const char *room, bool again,
    bool *ret_waits, struct lk_refused *why) {
    const enum lk_node_entry entry =
        s->nodes == NULL ? LK_NODE_LET_IN : lk_nodes_admit(s->nodes, room);
    const bool asks = entry == LK_NODE_UNSURE || entry == LK_NODE_ELSEWHERE;
    *ret_waits = asks && !again;
    if (entry == LK_NODE_LET_IN || *ret_waits) {
        return OK;
    }
    *why = entry == LK_NODE_UNSURE ? come_again : not_here;
    return err_set(entry == LK_NODE_UNSURE ? ERR_LIMIT : ERR_NOT_FOUND, "%s", why->text);
}

/* --- the answer --- */

static void wait_free(struct lk_signal_wait *w) {
    DL_DELETE(w->signal->waits, w);
    mem_free(w);
}

static void refuse(const struct lk_signal_wait *w, const struct lk_refused *why) {
    if (w->hold != NULL) {
        http_hold_refuse(w->hold, why->status, why->text);
    } else {
        http_reply_bytes(
            w->request, why->status, "text/plain; charset=utf-8", why->text, strlen(why->text));
    }
}

static void on_silent(struct http_request *r, const char *text) {
    http_reply_bytes(r, 503, "text/plain; charset=utf-8", text, strlen(text));
}

static void lead(const struct lk_signal_wait *w, const struct lk_place *place) {
    char line[NAME_SIZE], name[NAME_SIZE];
    struct lk_nodes *nodes = w->signal->nodes;
    const struct lk_forward_to to = { .node = place->node, .inner_url = place->inner_url };
    LOG_DEBUG(&log_root, "client_led", "node=%s", LOG_Q(place->node));
    if (w->hold == NULL) {
        if (lk_forward(lk_nodes_forwards(nodes), w->request, &to, on_silent) != OK) {
            refuse(w, &come_again);
        }
        return;
    }
    snprintf(line, sizeof(line), LK_FORWARD_FIELD ": %s", lk_nodes_name(nodes));
    snprintf(name, sizeof(name), "the node %s", place->node);
    http_hold_relay(
        w->hold, &(struct http_relay_to){ .name = name, .url = place->inner_url, .line = line });
}

static void on_placed(void *arg, enum err e, const struct lk_place *place) {
    const struct lk_signal_wait w = *(const struct lk_signal_wait *)arg;
    wait_free(arg);
    const bool is_here = e == OK && place->elsewhere == NULL;
    metric_add(&wrong_total, place == NULL || is_here ? 0 : 1);
    if (place == NULL) {
        refuse(&w, &come_again);
    } else if (is_here && w.hold != NULL) {
        http_hold_decide(w.hold);
    } else if (is_here) {
        w.then(w.signal, w.request);
    } else if (e != OK || w.came) {
        refuse(&w, &not_here);
    } else {
        lead(&w, place);
    }
}

/* --- waiting --- */

static void on_gone(void *arg) {
    struct lk_signal_wait *w = arg;
    lk_nodes_forget(w->signal->nodes, w);
    wait_free(w);
}

static enum err begin(struct lk_signal *s, const struct http_request *r, const char *room,
    struct lk_signal_wait **ret) {
    struct lk_signal_wait *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for a client that waits");
    }
    w->signal = s;
    w->came = lk_forward_came(r);
    const enum err e = lk_nodes_enter(s->nodes, room, on_placed, w);
    if (e != OK) {
        mem_free(w);
        return e;
    }
    DL_APPEND(s->waits, w);
    *ret = w;
    return OK;
}

enum err lk_signal_wait_upgrade(struct lk_signal *s, struct http_request *r, const char *room) {
    struct lk_signal_wait *w = NULL;
    TRY(begin(s, r, room, &w));
    const enum err e = http_hold_begin(r, on_gone, w, &w->hold);
    if (w->hold == NULL) {
        on_gone(w);
    }
    return e;
}

enum err lk_signal_wait_request(struct lk_signal *s, struct http_request *r, const char *room,
    void (*then)(struct lk_signal *s, struct http_request *r)) {
    struct lk_signal_wait *w = NULL;
    TRY(begin(s, r, room, &w));
    w->request = r;
    w->then = then;
    return OK;
}

void lk_signal_wait_end(struct lk_signal *s) {
    while (s->waits != NULL) {
        struct lk_signal_wait *w = s->waits;
        lk_nodes_forget(s->nodes, w);
        on_placed(w, ERR_GONE, NULL);
    }
}
