/*
 * RoomService behind its router, and what was answered last. Included once by a test program.
 */
#ifndef TESTS_UNIT_TWIRP_WORLD_H
#define TESTS_UNIT_TWIRP_WORLD_H

#include "core/crypto.h"
#include "http/router.h"
#include "livekit/nodes.h"
#include "livekit/twirp.h"
#include "signal_world.h"

#define JSON    "application/json"
#define CREATE  "{\"roomCreate\":true}"
#define LIST    "{\"roomList\":true}"
#define ADMIN   "{\"roomAdmin\":true,\"room\":\"r\"}"
#define DENIED  "{\"code\":\"unauthenticated\",\"msg\":\"permissions denied\"}"
#define NO_ROOM "{\"code\":\"not_found\",\"msg\":\"requested room does not exist\"}"

struct desk {
    struct signal_world w;
    struct lk_twirp_door door;
    struct http_router *router;
    int status;
    char type[64];
    char body[8192];
    size_t len;
};

static struct desk *desk;     /* of the running test */
static const char *from_node; /* that sends what is asked; NULL = none does */

static inline enum err desk_open(struct desk *d) {
    *d = (struct desk){ 0 };
    desk = d;
    TRY(signal_open(&d->w, NULL));
    d->door =
        (struct lk_twirp_door){ .keys = d->w.keys, .rooms = d->w.rooms, .revoked = d->w.revoked };
    TRY(http_router_create(&d->router));
    return lk_twirp_add(&d->door, d->router);
}

static inline void desk_close(struct desk *d) {
    http_router_destroy(d->router);
    signal_close(&d->w);
}

static inline void note_answer(struct http_request *r) {
    desk->status = r->status;
    desk->len = r->answer_len;
    snprintf(desk->type, sizeof(desk->type), "%s", r->content_type);
    CHECK(r->answer_len < sizeof(desk->body));
    memcpy(desk->body, r->answer == NULL ? "" : r->answer, r->answer_len);
    desk->body[r->answer_len] = '\0';
    http_request_destroy(r);
}

/* False when memory is gone before the handler. `authorization` and `type` may be NULL. */
static inline bool send_to(const char *method, const char *path, const char *authorization,
    const char *type, const char *body, size_t len) {
    struct http_request *r = http_request_create(method, path, strlen(path));
    desk->status = 0;
    if (r == NULL || !http_request_expect_fields(r, 3)) {
        http_request_destroy(r);
        return false;
    }
    r->deliver = note_answer;
    r->body_max = LK_TWIRP_MAX_BYTES;
    if (authorization != NULL) {
        http_request_put_field(r, "Authorization", 13, authorization, strlen(authorization));
    }
    if (type != NULL) {
        http_request_put_field(r, "Content-Type", 12, type, strlen(type));
    }
    if (from_node != NULL) {
        http_request_put_field(r, "X-Parley-Node", 13, from_node, strlen(from_node));
    }
    if (http_request_put_body(r, body, len) != OK || r->arena.failed) {
        http_request_destroy(r);
        return false;
    }
    if (http_router_find(desk->router, r)) {
        r->route->handle(r, r->arg);
    }
    return true;
}

/* `video`: the claim; NULL = no token. */
static inline bool ask(
    const char *name, const char *video, const char *type, const char *body, size_t len) {
    char path[128], claims[300];
    struct buf bearer;
    char *token = NULL;
    snprintf(path, sizeof(path), "/twirp/livekit.RoomService/%s", name);
    snprintf(
        claims, sizeof(claims), "{\"exp\":4102444800,\"video\":%s}", video == NULL ? "{}" : video);
    buf_init(&bearer, 0);
    bool fine = video == NULL || token_of(&desk->w, claims, &token) == OK;
    buf_printf(&bearer, "Bearer %s", token == NULL ? "" : token);
    fine = fine && !bearer.bad &&
           send_to("POST", path, video == NULL ? NULL : buf_str(&bearer), type, body, len);
    buf_finish(&bearer);
    mem_free(token);
    return fine;
}

static inline json_t *answer_of(const char *name, const char *video, const char *body) {
    CHECK(ask(name, video, JSON, body, strlen(body)));
    CHECK_INT(200, desk->status);
    CHECK_STR(JSON, desk->type);
    return json_loads(desk->body, 0, NULL);
}

static inline void check_answer(
    const char *name, const char *video, const char *body, int status, const char *want) {
    CHECK(ask(name, video, JSON, body, strlen(body)));
    CHECK_INT(status, desk->status);
    CHECK_STR(want, desk->body);
}

static inline void desk_closep(struct desk *d) {
    desk_close(d);
}

static inline enum err step(const char *name, const char *video, const char *body) {
    bool sent = ask(name, video, JSON, body, strlen(body));
    return sent && desk->status == 200 ? OK : err_set(ERR_NOMEM, "not answered");
}

#endif
