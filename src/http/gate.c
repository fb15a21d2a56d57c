/* The order of judgement: cheap questions first, nothing of the handler's before the guard has
 * agreed. */
#include "http/gate.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/exchange.h"
#include "http/head.h"
#include "http/limit.h"
#include "http/probe.h"
#include "http/refusal.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "http/server.h"
#include "http/socket.h"
#include "http/tally.h"

#include <stdio.h>
#include <string.h>

enum err http_gate_set_probe(struct http_gate *g, const char *secret) {
    struct http_probe_key *k = NULL;
    if (secret != NULL) {
        TRY(http_probe_key_create(secret, &k));
    }
    http_probe_key_destroy(g->probe);
    g->probe = k;
    return OK;
}

enum err http_gate_init(struct http_gate *g, const struct http_server_config *cfg) {
    g->cors = cfg->cors;
    if (cfg->rate_per_s > 0) {
        unsigned burst = cfg->rate_burst > 0 ? cfg->rate_burst : cfg->rate_per_s;
        TRY(http_limit_create(cfg->rate_per_s, burst, &g->limit));
    }
    TRY(http_gate_set_probe(g, cfg->probe_secret));
    g->trusted = mem_alloc(cfg->n_trusted * sizeof(*g->trusted));
    if (g->trusted == NULL) {
        return err_set(ERR_NOMEM, "no memory for trusted proxies");
    }
    for (; g->n_trusted < cfg->n_trusted; g->n_trusted++) {
        TRY(http_block_read(cfg->trusted_proxies[g->n_trusted], &g->trusted[g->n_trusted]));
    }
    return OK;
}

void http_gate_finish(struct http_gate *g) {
    http_limit_destroy(g->limit);
    http_probe_key_destroy(g->probe);
    mem_free(g->trusted);
}

static struct http_span span(const char *s) {
    return (struct http_span){ s, strlen(s) };
}

static struct http_address set_peer(
    const struct http_gate *g, struct http_request *r, const struct http_address *peer) {
    const char *forwarded = g->n_trusted == 0 ? NULL : http_request_forwarded(r);
    struct http_address a = http_address_behind(peer, forwarded, g->trusted, g->n_trusted);
    http_request_set_peer(r, &a);
    return a;
}

/* What the other end wrote to X-Forwarded-For: each proxy adds behind the last comma. */
static void write_told(struct http_request *r, char ret[HTTP_ADDRESS_TEXT_SIZE]) {
    const char *all = http_request_forwarded(r);
    const char *comma = all == NULL ? NULL : strrchr(all, ',');
    const char *last = comma == NULL ? all : comma + 1;
    struct http_address a;
    if (last == NULL) {
        memcpy(ret, "none", sizeof("none"));
        return;
    }
    last += strspn(last, " \t");
    if (http_address_read(last, strcspn(last, " \t"), &a)) {
        http_address_write(&a, ret);
    } else {
        memcpy(ret, "odd", sizeof("odd"));
    }
}

/* Before anything else is decided: a refusal too tells that the request has arrived. */
static void answer_probe(
    const struct http_gate *g, struct http_request *r, const struct http_address *peer) {
    const char *asked = http_request_header(r, HTTP_PROBE_FIELD);
    if (asked == NULL || g->probe == NULL) {
        return;
    }
    char value[HTTP_PROBE_TEXT_SIZE];
    struct http_probe_sight sight = { .is_public = g->cors,
        .trusted = http_address_trusted(peer, g->trusted, g->n_trusted) };
    http_address_write(peer, sight.hop);
    write_told(r, sight.told);
    snprintf(sight.client, sizeof(sight.client), "%s", r->peer);
    if (http_probe_answer(g->probe, asked, &sight, value)) {
        http_reply_header(r, HTTP_PROBE_FIELD, value);
    }
}

static bool within_rate(struct http_gate *g, const struct http_address *a, int64_t *ret_wait_ms) {
    if (g->limit == NULL || http_limit_take(g->limit, a, clock_mono_us(), ret_wait_ms)) {
        return true;
    }
    http_tally_refused(HTTP_REFUSED_RATE);
    return false;
}

static void scan_fields(const struct http_request *r, struct http_scan *s) {
    http_scan_init(s);
    for (size_t i = 0; i < r->n_fields; i++) {
        struct http_field f = { span(r->fields[i].name), span(r->fields[i].value) };
        http_scan_field(s, &f);
    }
    http_scan_request(s, span(r->method), span(r->path));
}

/* An upgrade to one of our WebSocket paths that came this far is malformed, or came on a connection
 * that HTTP has used before, from where it cannot be handed over. */
static bool refused_upgrade(
    const struct http_gate *g, struct http_request *r, const struct http_scan *s) {
    if (!s->to_websocket || g->sockets == NULL || !http_sockets_know(g->sockets, r->path)) {
        return false;
    }
    const char *fault = http_scan_upgrade_fault(s, span(r->method), r->http_1_1);
    http_tally_refused(HTTP_REFUSED_UPGRADE);
    r->ends = true;
    if (s->versions > 0 && !s->version) {
        http_reply_header(r, "Sec-WebSocket-Version", "13"); /* RFC 6455, 4.4 */
    }
    http_reply_error(r, 400, "M_UNKNOWN",
        fault == NULL ? "A WebSocket upgrade must be the first request of its connection" : fault);
    return true;
}

static bool let_in(struct http_request *r) {
    enum err e = r->guard == NULL ? OK : r->guard(r, r->arg);
    if (e == OK) {
        return true;
    }
    http_reply_err(r, e);
    return false;
}

void http_gate_judge(struct http_gate *g, struct http_request *r, const struct http_address *peer) {
    int64_t wait_ms = 0;
    struct http_scan s;
    struct http_address a = set_peer(g, r, peer);
    r->cors = g->cors;
    answer_probe(g, r, peer);
    scan_fields(r, &s);
    r->chunked = s.chunked;
    r->length = s.length;
    /* Caddy keeps the connection of an upgrade that was answered otherwise for the next one, which
     * could not be handed over then. */
    r->ends = s.to_websocket;
    if (!within_rate(g, &a, &wait_ms)) {
        http_reply_limited(r, wait_ms);
        return;
    }
    int status = http_scan_end(&s, r->http_1_1);
    if (status != 0) {
        http_tally_refused(HTTP_REFUSED_HEAD);
        r->ends = true;
        http_reply_error(r, status, http_reply_errcode(status), s.why);
        return;
    }
    if (refused_upgrade(g, r, &s) || !http_router_find(g->router, r) || !let_in(r)) {
        return;
    }
    r->body_max = r->route->body_max > 0 ? r->route->body_max : HTTP_BODY_TOLERATED;
    if (r->length > (int64_t)r->body_max) {
        http_tally_refused(HTTP_REFUSED_BODY);
        http_reply_err(r, http_request_too_large(r, r->length));
    }
}

/* --- upgrades --- */

static struct http_request *request_of(const struct http_head *head) {
    struct http_request *r = http_request_create("GET", head->target.s, head->target.n);
    if (r == NULL || !http_request_expect_fields(r, head->n_fields)) {
        http_request_destroy(r);
        return NULL;
    }
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct http_field *f = &head->fields[i];
        http_request_put_field(r, f->name.s, f->name.n, f->value.s, f->value.n);
    }
    r->http_1_1 = true;
    return r;
}

static enum err adopt(
    struct http_gate *g, struct http_request *r, int fd, const struct http_address *a) {
    int64_t wait_ms = 0;
    if (!r->was_held && !within_rate(g, a, &wait_ms)) {
        return err_set(ERR_LIMIT, "Too many requests");
    }
    if (r->arena.failed) {
        return err_set(ERR_NOMEM, "no memory for a request");
    }
    return http_sockets_adopt(g->sockets, r, fd);
}

static void refuse_upgrade(
    const struct http_gate *g, const struct http_request *r, int fd, enum err e) {
    bool known = http_request_bearer(r) != NULL || http_request_query(r, "access_token") != NULL;
    const char *errcode;
    int status = http_reply_status(e, known, &errcode);
    http_tally_refused(HTTP_REFUSED_UPGRADE);
    LOG_INFO(NULL, "websocket_refused", "peer=%s path=%s cause=%s text=%s", r->peer, LOG_Q(r->path),
        err_name(e), LOG_Q(err_text()));
    if (r->status != 0) {
        http_refusal_send_text(fd, r->status, r->answer, g->cors);
    } else {
        http_refusal_send(fd, status, errcode, http_reply_text(e), g->cors);
    }
}

enum http_upgraded http_gate_upgrade(struct http_gate *g, int fd, const struct http_head *head,
    const struct http_address *peer, bool again, struct http_hold **ret_hold) {
    struct http_request *r = g->sockets == NULL ? NULL : request_of(head);
    if (r == NULL || !http_sockets_know(g->sockets, r->path)) {
        http_request_destroy(r);
        return HTTP_UPGRADE_NONE;
    }
    struct http_address a = set_peer(g, r, peer);
    r->was_held = again;
    enum err e = adopt(g, r, fd, &a);
    enum http_upgraded done = HTTP_UPGRADE_TAKEN;
    if (r->hold != NULL) {
        r->hold->sockets = g->sockets;
        *ret_hold = r->hold;
        done = HTTP_UPGRADE_HELD;
    } else if (e != OK) {
        refuse_upgrade(g, r, fd, e);
        done = HTTP_UPGRADE_ANSWERED;
    }
    http_request_destroy(r);
    return done;
}
