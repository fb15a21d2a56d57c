/* Questions in two languages, and errors in one. Main. */
#include "livekit/twirp.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "livekit/convert.h"
#include "livekit/entry.h"
#include "livekit/forward.h"
#include "livekit/grant.h"
#include "livekit/nodes.h"
#include "livekit/proto/room_service.pb-c.h"
#include "livekit/room_lists.h"
#include "livekit/room_service.h"
#include "rooms/directory.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#define SERVICE   "livekit.RoomService"
#define US_PER_MS 1000

METRIC_COUNTER(asked_total, "parley_twirp_requests_total", "Questions to RoomService.");
METRIC_COUNTER(
    refused_total, "parley_twirp_refused_total", "Questions to RoomService that were refused.");

/* --- errors --- */

/* Twirp's names; the statuses belong to them. */
static const struct code {
    int status;
    const char *name;
} codes[ERR_COUNT] = {
    [ERR_INVALID] = { 400, "invalid_argument" },
    [ERR_TOO_LARGE] = { 400, "invalid_argument" },
    [ERR_UNAUTHORIZED] = { 401, "unauthenticated" },
    [ERR_NOT_FOUND] = { 404, "not_found" },
    [ERR_CONFLICT] = { 412, "failed_precondition" },
    [ERR_LIMIT] = { 429, "resource_exhausted" },
    [ERR_GONE] = { 503, "unavailable" },
};
static const struct code internal = { 500, "internal" };
static const struct code bad_route = { 404, "bad_route" };
static const struct code malformed = { 400, "malformed" };
static const struct code unimplemented = { 501, "unimplemented" };

/* `route`: what was asked for, where that is the trouble. */
static void refuse(
    struct http_request *r, const struct code *code, const char *text, const char *route) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_putc(&b, '{');
    buf_json_field(&b, "code", code->name);
    buf_json_field(&b, "msg", text);
    if (route != NULL) {
        buf_json_key(&b, "meta");
        buf_putc(&b, '{');
        buf_json_field(&b, "twirp_invalid_route", route);
        buf_putc(&b, '}');
    }
    buf_putc(&b, '}');
    metric_add(&refused_total, 1);
    if (buf_check(&b) != OK) {
        http_reply_err(r, ERR_NOMEM);
        return;
    }
    http_reply_bytes(r, code->status, "application/json", buf_str(&b), b.len);
}

/* What a method answered; causes of ours are logged and not told. */
static void refuse_as(struct http_request *r, const char *method, enum err e) {
    const struct code *code = codes[e].status == 0 ? &internal : &codes[e];
    LOG_INFO(&log_root, "twirp_refused", "method=%s code=%s reason=%s", method, code->name,
        LOG_Q(err_text()));
    refuse(r, code, code == &internal ? "internal error" : err_text(), NULL);
}

/* --- the token --- */

/* Gives false when it was answered: a token came that is none of ours. */
static bool read_grant(struct http_request *r, const struct lk_keys *keys, struct lk_grant **ret) {
    const char *token = NULL;
    struct lk_refused why;
    enum err e = lk_entry_token(r, &why, &token);
    if (e == OK && (token == NULL || token[0] == '\0')) {
        return true; /* the method says what it thinks of that */
    }
    e = e == OK ? lk_grant_from_jwt(token, keys, clock_wall_ms() / SEC_MS, ret) : e;
    if (e == OK) {
        return true;
    }
    metric_add(&refused_total, 1);
    const char *text = e == ERR_UNAUTHORIZED ? err_text() : "internal error";
    http_reply_bytes(r, e == ERR_UNAUTHORIZED ? 401 : 500, "text/plain", text, strlen(text));
    return false;
}

/* --- question and answer --- */

/* A media type without its parameters. */
static bool is_type(const char *header, const char *type) {
    size_t n = strlen(type);
    return header != NULL && strncasecmp(header, type, n) == 0 &&
           (header[n] == '\0' || header[n] == ';' || header[n] == ' ');
}

static enum err read_ask(
    struct http_request *r, const struct lk_method *m, bool json, struct ProtobufCMessage **ret) {
    size_t len = 0;
    const char *body = http_request_body(r, &len);
    struct arena *a = http_request_arena(r);
    if (!json) {
        return lk_convert_read(m->asks, (const uint8_t *)body, len, a, ret);
    }
    json_error_t error;
    CLEANUP(json_decrefp) json_t *object = json_loadb(body, len, 0, &error);
    if (object == NULL && json_error_code(&error) == json_error_out_of_memory) {
        return err_set(ERR_NOMEM, "no memory for a question");
    }
    if (!json_is_object(object)) {
        return err_set(ERR_INVALID, "the question is no JSON object");
    }
    return lk_convert_read_json(m->asks, object, a, ret);
}

static void say(
    struct http_request *r, const char *method, const struct ProtobufCMessage *answer, bool json) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    enum err e = OK;
    if (json) {
        lk_convert_write_json(answer, LK_CONVERT_TWIRP, &b);
        e = buf_check(&b);
    } else {
        e = lk_convert_write(answer, &b);
    }
    if (e != OK) {
        refuse_as(r, method, e);
        return;
    }
    http_reply_bytes(
        r, 200, json ? "application/json" : "application/protobuf", buf_str(&b), b.len);
}

/* --- what a client is asked first --- */

struct waiting {
    struct http_request *request;
    bool json;
};

static const struct rpc_code {
    uint32_t rpc;
    struct code code;
} rpc_codes[] = {
    { LK_RPC_UNSUPPORTED_METHOD, { 400, "invalid_argument" } },
    { LK_RPC_NO_RECIPIENT, { 404, "not_found" } },
    { LK_RPC_REQUEST_TOO_LARGE, { 400, "invalid_argument" } },
    { LK_RPC_UNSUPPORTED_SERVER, { 501, "unimplemented" } },
    { LK_RPC_UNSUPPORTED_VERSION, { 501, "unimplemented" } },
    { LK_RPC_NO_ACK, { 408, "canceled" } },
    { LK_RPC_NO_RESPONSE, { 408, "canceled" } },
    { LK_RPC_DISCONNECTED, { 503, "unavailable" } },
};

/* An error of the method's own, and all that is not listed, is "internal", as LiveKit has it. */
static void refuse_rpc(struct http_request *r, const struct lk_rpc_answer *a) {
    const struct code *code = &internal;
    for (size_t i = 0; i < COUNT_OF(rpc_codes); i++) {
        code = rpc_codes[i].rpc == a->code ? &rpc_codes[i].code : code;
    }
    const char *text = arena_printf(http_request_arena(r), "RpcError %u: %s%s%s", a->code,
        a->message, a->data[0] == '\0' ? "" : ": ", a->data);
    refuse(r, code, text == NULL ? code->name : text, NULL);
}

static void on_answer(void *arg, const struct lk_rpc_answer *a) {
    const struct waiting *w = arg;
    Lk__PerformRpcResponse done = LK__PERFORM_RPC_RESPONSE__INIT;
    if (a->code != LK_RPC_OK) {
        refuse_rpc(w->request, a);
        return;
    }
    done.payload = (char *)a->payload;
    say(w->request, "PerformRpc", &done.base, w->json);
}

static enum err ask_client(struct http_request *r, const struct lk_rpc_wish *wish, bool json) {
    struct waiting *w = arena_alloc(http_request_arena(r), sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for a question");
    }
    *w = (struct waiting){ r, json };
    return lk_rpc_begin(wish, on_answer, w);
}

/* --- a question that was read --- */

struct asked {
    struct http_request *r;
    const struct lk_method *m;
    const struct ProtobufCMessage *ask; /* in the request's arena */
    const struct lk_room_list *others;  /* rooms of other nodes, for the answer; NULL = none */
    bool json;
};

static void serve(const struct asked *a, const struct lk_twirp_door *d) {
    struct lk_question q = { .rooms = d->rooms,
        .revoked = d->revoked,
        .now_s = clock_wall_ms() / SEC_MS,
        .ask = a->ask,
        .arena = http_request_arena(a->r) };
    enum err e = a->m->serve(&q);
    e = e == OK && a->others != NULL ? lk_room_list_add(a->others, q.arena, &q.answer) : e;
    const bool waits = e == OK && q.wish.member != NULL;
    e = waits ? ask_client(a->r, &q.wish, a->json) : e;
    if (e != OK) {
        refuse_as(a->r, a->m->name, e);
        return;
    }
    LOG_DEBUG(&log_root, "twirp_served", "method=%s", a->m->name);
    if (!waits) {
        say(a->r, a->m->name, q.answer, a->json);
    }
}

/* --- a room of another node --- */

/* It lives in its request, which goes with the answer. */
struct lk_twirp_wait {
    struct asked asked;
    struct lk_twirp_door *door;
    struct lk_twirp_wait *prev, *next;
};

static void on_silent(struct http_request *r, const char *text) {
    refuse(r, &codes[ERR_GONE], text, NULL);
}

/* Once: that node would be asked by us, and we by it, if they did not agree where the room is. */
static void ask_there(
    const struct lk_twirp_door *d, const struct asked *a, const struct lk_place *place) {
    const struct lk_forward_to to = { .node = place->node,
        .inner_url = place->inner_url,
        .timeout_us = LK_FORWARD_TIMEOUT_US + a->m->lasts_ms * US_PER_MS };
    if (lk_forward_came(a->r) || to.inner_url[0] == '\0') {
        refuse_as(a->r, a->m->name,
            err_set(ERR_CONFLICT, "the room is on the node %s: ask %s", place->node,
                to.inner_url[0] == '\0' ? "there" : to.inner_url));
        return;
    }
    const enum err e = lk_forward(lk_nodes_forwards(d->nodes), a->r, &to, on_silent);
    if (e != OK) {
        refuse_as(a->r, a->m->name, e);
    }
}

static void on_found(void *arg, enum err e, const struct lk_place *place) {
    struct lk_twirp_wait *w = arg;
    const struct asked asked = w->asked;
    DL_DELETE(w->door->waits, w);
    if (place == NULL) {
        refuse_as(asked.r, asked.m->name,
            err_set(ERR_GONE, "where the room is cannot be known now (%s)", err_name(e)));
    } else if (e != OK || place->elsewhere != NULL) {
        ask_there(w->door, &asked, place);
    } else {
        serve(&asked, w->door);
    }
}

static enum err find(struct lk_twirp_door *d, const struct asked *a, const char *room) {
    struct lk_twirp_wait *w = arena_alloc(http_request_arena(a->r), sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for a question to RoomService");
    }
    *w = (struct lk_twirp_wait){ .asked = *a, .door = d };
    /* Who forwards has chosen the node. */
    const bool places = a->m->makes && !lk_forward_came(a->r);
    TRY((places ? lk_nodes_place : lk_nodes_find)(d->nodes, room, on_found, w));
    DL_APPEND(d->waits, w);
    return OK;
}

void lk_twirp_set_nodes(struct lk_twirp_door *d, struct lk_nodes *nodes) {
    while (d->waits != NULL) {
        struct lk_twirp_wait *w = d->waits;
        lk_nodes_forget(d->nodes, w);
        on_found(w, ERR_GONE, NULL);
    }
    if (d->nodes != NULL && nodes == NULL) {
        lk_forwards_end(lk_nodes_forwards(d->nodes));
    }
    d->nodes = nodes;
}

static bool is_here(const struct lk_twirp_door *d, const char *room) {
    return d->nodes == NULL || room == NULL || room_directory_find(d->rooms, room) != NULL;
}

/* --- rooms of all nodes --- */

struct listing {
    struct asked asked; /* in whose request's arena this is */
    const struct lk_twirp_door *door;
};

static void on_others(void *arg, enum err e, const struct lk_room_list *others) {
    const struct listing *l = arg;
    struct asked asked = l->asked;
    asked.others = others;
    if (e == OK) {
        serve(&asked, l->door);
    } else {
        refuse_as(
            asked.r, asked.m->name, e == ERR_UNREACHABLE ? err_set(ERR_GONE, "%s", err_text()) : e);
    }
}

static enum err list_all(const struct lk_twirp_door *d, const struct asked *a) {
    struct listing *l = arena_alloc(http_request_arena(a->r), sizeof(*l));
    if (l == NULL) {
        return err_set(ERR_NOMEM, "no memory for a question to RoomService");
    }
    *l = (struct listing){ *a, d };
    return lk_room_list_ask(d->nodes, a->r, a->ask, on_others, l);
}

static bool is_of_all(const struct lk_twirp_door *d, const struct asked *a, const char *room) {
    return room == NULL && d->nodes != NULL && lk_nodes_others(d->nodes) > 0 &&
           !lk_forward_came(a->r);
}

/* --- a question --- */

static void begin(struct lk_twirp_door *d, struct asked *a, const struct lk_grant *grant) {
    struct ProtobufCMessage *ask = NULL;
    enum err e = read_ask(a->r, a->m, a->json, &ask);
    if (e == ERR_INVALID || e == ERR_TOO_LARGE) {
        refuse(a->r, &malformed,
            a->json ? "the json request could not be decoded"
                    : "the protobuf request could not be decoded",
            NULL);
        return;
    }
    a->ask = ask;
    e = e == OK ? lk_room_service_check(a->m, grant, ask) : e;
    const char *room = e == OK ? lk_room_service_room(a->m, ask) : NULL;
    const bool is_for_all = e == OK && is_of_all(d, a, room);
    if (e == OK && !is_for_all && is_here(d, room)) {
        serve(a, d);
        return;
    }
    e = e != OK ? e : is_for_all ? list_all(d, a) : find(d, a, room);
    if (e != OK) {
        refuse_as(a->r, a->m->name, e);
    }
}

/* --- the routes --- */

static void refuse_route(struct http_request *r, const char *text) {
    const char *path = http_request_path(r);
    const char *route = arena_printf(http_request_arena(r), "%s %s", http_request_method(r), path);
    refuse(r, &bad_route, text, route == NULL ? path : route);
}

static void no_handler(struct http_request *r, void *arg) {
    (void)arg;
    metric_add(&asked_total, 1);
    const char *text =
        arena_printf(http_request_arena(r), "no handler for path \"%s\"", http_request_path(r));
    refuse_route(r, text == NULL ? "no handler" : text);
}

static void no_post(struct http_request *r, void *arg) {
    (void)arg;
    metric_add(&asked_total, 1);
    refuse_route(r, "unsupported method \"GET\" (only POST is allowed)");
}

static void take(struct http_request *r, void *arg) {
    struct lk_twirp_door *d = arg;
    CLEANUP(lk_grant_destroyp) struct lk_grant *grant = NULL;
    const struct lk_method *m = lk_room_service_find(http_request_param(r, "method"));
    const char *type = http_request_header(r, "Content-Type");
    bool json = is_type(type, "application/json");
    if (!read_grant(r, d->keys, &grant)) {
        metric_add(&asked_total, 1);
        return;
    }
    if (m == NULL) {
        no_handler(r, NULL);
        return;
    }
    metric_add(&asked_total, 1);
    if (!json && !is_type(type, "application/protobuf")) {
        refuse_route(r, "unexpected Content-Type: it is application/json or application/protobuf");
    } else if (m->serve == NULL) {
        refuse(r, &unimplemented, "this server has no such method", NULL);
    } else {
        begin(d, &(struct asked){ .r = r, .m = m, .json = json }, grant);
    }
}

static const struct http_route routes[] = {
    { "POST", "/twirp/" SERVICE "/{method}", take, LK_TWIRP_MAX_BYTES },
    { "POST", "/twirp/{path...}", no_handler, 0 },
    { "GET", "/twirp/{path...}", no_post, 0 },
};

enum err lk_twirp_add(struct lk_twirp_door *d, struct http_router *router) {
    metrics_register(&asked_total);
    metrics_register(&refused_total);
    return http_router_add(router, routes, COUNT_OF(routes), NULL, d);
}
