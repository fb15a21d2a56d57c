/*
 * The token service as its tests see it: requests that are structs, answers that are noted, and in
 * place of OpenID, admission, homeserver and audit a list of what was asked. Include it in one file
 * of a program; it defines the functions of those rooms that the focus uses.
 */
#ifndef TESTS_UNIT_LIVEKIT_WORLD_H
#define TESTS_UNIT_LIVEKIT_WORLD_H

#include "calls/input.h"
#include "core/buf.h"
#include "core/clock.h"
#include "http/exchange.h"
#include "http/request.h"
#include "http/router.h"
#include "livekit/admission.h"
#include "livekit/delegate.h"
#include "livekit/focus.h"
#include "livekit/grant.h"
#include "livekit/keys.h"
#include "livekit/nodes.h"
#include "livekit/participants.h"
#include "livekit/rooms.h"
#include "livekit/witness.h"
#include "matrix/client.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

struct world {
    struct lk_keys *keys;
    struct lk_focus *focus;
    struct http_router *router;
    /* the latest answer */
    int answers;
    int status;
    char body[4096];
    char retry_after[8];
    /* OpenID */
    int verifies;
    char token[64], server[64];
    int64_t expires_in_ms;
    mx_openid_done *verified;
    void *verified_arg;
    enum err verify_error;
    /* admission */
    int admissions;
    char asked[256]; /* "room user with_server full strict" */
    lk_admission_done *admitted;
    void *admitted_arg;
    /* the other server's focus */
    char relayed[512]; /* "destination path body" */
    mx_done *relay_done;
    void *relay_arg;
    /* rooms of the SFU */
    char ensured[64];
    lk_rooms_done *room_done;
    void *room_arg;
    /* nodes */
    char placed_alias[64];
    lk_nodes_placed *placed;
    void *placed_arg;
    /* identities: "alias identity room slot user device member dialect" */
    char identity[512];
    /* delayed leaves: "alias identity user room delay_id delay_ms other_identity" */
    char leave[512];
    lk_delegate_done *leave_done;
    void *leave_arg;
    char looked_up[256]; /* "user delay_id" */
    int minted;
    /* audit */
    int notes;
    char note[1024]; /* "type room user reason problem …" */
};

static struct world *world; /* of the running test */

static void openid_verify_note(const struct mx_openid_token *t) {
    world->verifies++;
    snprintf(world->token, sizeof(world->token), "%s", t->access_token);
    snprintf(world->server, sizeof(world->server), "%s", t->matrix_server_name);
    world->expires_in_ms = t->expires_in_ms;
}

static enum err fake_verify(
    struct mx_openid *o, const struct mx_openid_token *t, mx_openid_done *done, void *arg) {
    (void)o;
    openid_verify_note(t);
    if (world->verify_error != OK) {
        return err_set(world->verify_error, "not now");
    }
    world->verified = done;
    world->verified_arg = arg;
    return OK;
}

static void fake_forget(struct mx_openid *o, const void *arg) {
    (void)o;
    if (world->verified_arg == arg) {
        world->verified = NULL;
    }
}

enum err lk_admission_ask(struct lk_admission *a, const struct lk_admission_question *q,
    lk_admission_done *done, void *arg) {
    (void)a;
    world->admissions++;
    snprintf(world->asked, sizeof(world->asked), "%s %s %s%s%s", q->room_id, q->user_id,
        q->with_server == NULL ? "-" : q->with_server, q->full_access ? " full" : "",
        q->strict ? " strict" : "");
    world->admitted = done;
    world->admitted_arg = arg;
    return OK;
}

void lk_admission_forget(struct lk_admission *a, const void *arg) {
    (void)a;
    if (world->admitted_arg == arg) {
        world->admitted = NULL;
    }
}

enum err mx_client_fed_proxy(struct mx_client *c, const char *destination, const char *path,
    const char *body, mx_done *done, void *arg) {
    (void)c;
    snprintf(world->relayed, sizeof(world->relayed), "%s %s %s", destination, path, body);
    world->relay_done = done;
    world->relay_arg = arg;
    return OK;
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    (void)c;
    if (world->relay_arg == arg) {
        world->relay_done = NULL;
    }
}

static const char *or_none(const char *s) {
    return s == NULL ? "-" : s[0] == '\0' ? "''" : s;
}

/* --- SFU, identities, delayed leaves: only where a test puts them into the configuration --- */

enum err lk_rooms_ensure(struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg) {
    (void)r;
    snprintf(world->ensured, sizeof(world->ensured), "%s", alias);
    world->room_done = done;
    world->room_arg = arg;
    return OK;
}

void lk_rooms_forget(struct lk_rooms *r, const void *arg) {
    (void)r;
    if (world->room_arg == arg) {
        world->room_done = NULL;
    }
}

enum err lk_nodes_place(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg) {
    (void)n;
    snprintf(world->placed_alias, sizeof(world->placed_alias), "%s", alias);
    world->placed = placed;
    world->placed_arg = arg;
    return OK;
}

void lk_nodes_forget(struct lk_nodes *n, const void *arg) {
    (void)n;
    if (world->placed_arg == arg) {
        world->placed = NULL;
    }
}

enum err lk_participants_note(struct lk_participants *p, const struct store_identity *row,
    lk_participants_noted *noted, void *arg) {
    (void)p;
    snprintf(world->identity, sizeof(world->identity), "%s %s %s %s %s %s %s %s", row->alias,
        row->identity, row->room_id, row->slot_id, row->user_id, or_none(row->device_id),
        or_none(row->member_id), row->dialect);
    CHECK(row->minted_at > 0 && row->barred_at == 0);
    noted(arg);
    return OK;
}

void lk_participants_forget(struct lk_participants *p, const void *arg) {
    (void)p;
    (void)arg;
}

enum err lk_delegate_take(
    struct lk_delegate *d, const struct lk_delegate_ask *ask, lk_delegate_done *done, void *arg) {
    (void)d;
    snprintf(world->leave, sizeof(world->leave), "%s %s %s %s %s %lld %s", ask->what.alias,
        ask->what.identity, ask->what.user_id, ask->what.room_id, ask->what.delay_id,
        (long long)ask->what.delay_ms, or_none(ask->other_identity));
    world->leave_done = done;
    world->leave_arg = arg;
    return OK;
}

void lk_delegate_forget(struct lk_delegate *d, const void *arg) {
    (void)d;
    if (world->leave_arg == arg) {
        world->leave_done = NULL;
    }
}

void lk_delegate_minted(struct lk_delegate *d, const char *alias, const char *identity) {
    (void)d;
    (void)alias;
    (void)identity;
    world->minted++;
}

enum err mx_client_delayed_event_get(
    struct mx_client *c, const char *user_id, const char *delay_id, mx_done *done, void *arg) {
    (void)c;
    snprintf(world->looked_up, sizeof(world->looked_up), "%s %s", user_id, delay_id);
    world->relay_done = done;
    world->relay_arg = arg;
    return OK;
}

void lk_witness_note(struct lk_witness *w, const struct call_input *in) {
    (void)w;
    world->notes++;
    const struct call_input_token *t = &in->token;
    snprintf(world->note, sizeof(world->note), "%s %s %s %s %s %s", call_input_name(in->type),
        or_none(in->room_id), or_none(in->sender), t->dialect,
        or_none(t->reason != NULL ? t->reason : t->membership),
        or_none(t->reason != NULL ? t->problem : t->identity));
}

/* --- requests --- */

static void note_answer(struct http_request *r) {
    world->answers++;
    world->status = r->status;
    snprintf(world->body, sizeof(world->body), "%.*s", (int)r->answer_len, (const char *)r->answer);
    world->retry_after[0] = '\0';
    for (size_t i = 0; i < r->n_answer_fields; i++) {
        if (strcmp(r->answer_fields[i].name, "Retry-After") == 0) {
            snprintf(
                world->retry_after, sizeof(world->retry_after), "%s", r->answer_fields[i].value);
        }
    }
    http_request_destroy(r);
}

/* `headers`: name, value, …, NULL; may be NULL. False when memory is gone before the handler. */
static bool post(const char *path, const char *const *headers, const char *body) {
    struct http_request *r = http_request_create("POST", path, strlen(path));
    if (r == NULL || !http_request_expect_fields(r, 8)) {
        http_request_destroy(r);
        return false;
    }
    r->deliver = note_answer;
    r->body_max = 128 * KIB;
    snprintf(r->peer, sizeof(r->peer), "192.0.2.7");
    for (; headers != NULL && *headers != NULL; headers += 2) {
        http_request_put_field(r, headers[0], strlen(headers[0]), headers[1], strlen(headers[1]));
    }
    if (http_request_put_body(r, body, strlen(body)) != OK || r->arena.failed) {
        http_request_destroy(r);
        return false;
    }
    if (!http_router_find(world->router, r)) {
        return true;
    }
    if (r->guard != NULL && r->guard(r, r->arg) != OK) {
        CHECK_STR("", err_text()); /* the tests of guards call them through reply_err */
        http_request_destroy(r);
        return false;
    }
    r->route->handle(r, r->arg);
    return true;
}

static void admitted(enum lk_refusal r, const char *membership) {
    lk_admission_done *done = world->admitted;
    CHECK(done != NULL);
    world->admitted = NULL;
    if (done != NULL) {
        done(world->admitted_arg, r, membership);
    }
}

static bool is_hs_token(void *arg, const char *token) {
    (void)arg;
    return strcmp(token, "hs") == 0;
}

#define SFU "wss://sfu.example.com"

static struct lk_focus_config world_config(struct world *w) {
    static int something; /* addresses of rooms that nobody looks into */
    return (struct lk_focus_config){
        .sfu_url = SFU,
        .keys = w->keys,
        .server_name = "example.com",
        .token_lifetime_us = 3600 * SEC_US,
        .address_rate = 1000,
        .user_rate = 1000,
        .verify = fake_verify,
        .forget = fake_forget,
        .admission = (struct lk_admission *)&something,
        .client = (struct mx_client *)&something,
        .witness = (struct lk_witness *)&something,
        .is_homeserver = is_hs_token,
    };
}

static enum err world_open(struct world *w) {
    const struct lk_keys_source from = { "key1", "north", "", "", "" };
    memset(w, 0, sizeof(*w));
    world = w;
    return lk_keys_create(&from, &w->keys);
}

static enum err world_start(struct world *w, const struct lk_focus_config *cfg) {
    TRY(lk_focus_create(cfg, &w->focus));
    TRY(http_router_create(&w->router));
    TRY(lk_focus_add(w->focus, w->router));
    return lk_focus_add_proxied(w->focus, w->router);
}

static enum err world_init(struct world *w) {
    TRY(world_open(w));
    struct lk_focus_config cfg = world_config(w);
    return world_start(w, &cfg);
}

static void world_finish(struct world *w) {
    lk_focus_stop(w->focus);
    http_router_destroy(w->router);
    lk_focus_destroy(w->focus);
    lk_keys_destroy(w->keys);
}

/* The claims of the token in the latest answer, as text, without times; static. "" = no token. */
static const char *claims(struct world *w) {
    static char text[1024];
    json_t *body = json_loads(w->body, 0, NULL);
    const char *jwt = json_string_value(json_object_get(body, "jwt"));
    struct lk_grant *g = NULL;
    json_t *out = NULL;
    text[0] = '\0';
    if (jwt != NULL && lk_grant_from_jwt(jwt, w->keys, clock_wall_ms() / SEC_MS, &g) == OK) {
        CHECK_INT(3600, g->expires_s - g->not_before_s);
        CHECK(g->not_before_s <= clock_wall_ms() / SEC_MS &&
              g->not_before_s >= clock_wall_ms() / SEC_MS - 60);
        g->expires_s = g->not_before_s = 0;
        CHECK_ERR(OK, lk_grant_write(g, &out));
        size_t n = json_dumpb(out, text, sizeof(text) - 1, JSON_COMPACT | JSON_SORT_KEYS);
        text[n] = '\0';
    }
    json_decref(out);
    lk_grant_destroy(g);
    json_decref(body);
    return text;
}

#endif
