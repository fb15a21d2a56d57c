/*
 * What our homeserver hands on in its users' names, and in the names of other homeservers
 * (MSC4512). It has verified who asks, and says so in headers, which are believed for its token's
 * sake alone. See: matrix-calls 4.8.
 */
#include "core/buf.h"
#include "core/mem.h"
#include "http/request.h"
#include "http/router.h"
#include "livekit/job.h"
#include "matrix/client.h"
#include "matrix/ids.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX (64 * KIB)
#define FED_PATH "/_matrix/federation/unstable/io.element.msc4195/rtc/livekit/get_token"

static enum err guard(struct http_request *r, void *arg) {
    const struct lk_focus *f = arg;
    const char *token = http_request_bearer(r);
    if (token == NULL) {
        return err_set(ERR_UNAUTHORIZED, "Missing token");
    }
    return f->cfg.is_homeserver(f->cfg.arg, token) ? OK
                                                   : err_set(ERR_UNAUTHORIZED, "Unknown token");
}

/* Byte for byte: what the clients' events publish is what they are sent to. */
static bool is_our_sfu(const struct lk_job *j) {
    return strcmp(j->ask.url, j->focus->cfg.sfu_url) == 0;
}

static bool is_our_server(const struct lk_job *j, const char *server) {
    return strcasecmp(server, j->focus->cfg.server_name) == 0;
}

/* --- another server's SFU --- */

static const char *text_in(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static void on_relayed(void *arg, const struct mx_answer *a) {
    struct lk_job *j = arg;
    const json_t *content = a->err == OK ? json_object_get(a->json, "content") : NULL;
    json_int_t status = a->err == OK ? json_integer_value(json_object_get(a->json, "status")) : 0;
    const char *jwt = text_in(content, "jwt");
    const char *errcode = text_in(content, "errcode");
    if (status == 200 && jwt[0] != '\0') {
        lk_job_relay(j, jwt);
    } else if (status == 403 && strcmp(errcode, "M_FORBIDDEN") == 0) {
        lk_job_refuse(j, LK_RELAY_NOT_JOINED, j->ask.target_server);
    } else if (status == 400 && strcmp(errcode, "M_INVALID_PARAM") == 0) {
        lk_job_refuse(j, LK_RELAY_OTHER_URL, j->ask.target_server);
    } else {
        lk_job_refuse(j, LK_RELAY_FAILED, a->err == OK ? errcode : a->text);
    }
}

/* As the other side's MSC text has it; it takes member_id alone. */
static enum err ask_other(struct lk_job *j) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_putc(&b, '{');
    buf_json_field(&b, "user_id", j->user_id);
    buf_json_field(&b, "url", j->ask.url);
    buf_json_field(&b, "room_id", j->ask.room_id);
    buf_json_field(&b, "slot_id", j->ask.slot_id);
    buf_json_field(&b, "member_id", j->ask.member_id);
    buf_putc(&b, '}');
    TRY(buf_check(&b));
    return mx_client_fed_proxy(
        j->focus->cfg.client, j->ask.target_server, FED_PATH, buf_str(&b), on_relayed, j);
}

static void relay(struct lk_job *j, const char *membership) {
    j->membership = membership; /* a word, for good */
    if (ask_other(j) != OK) {
        lk_job_refuse(j, LK_FAULT, err_text());
    }
}

/* --- our users --- */

static void take_user(struct lk_job *j, const char *user_id) {
    bool ours = j->ask.target_server[0] == '\0' || is_our_server(j, j->ask.target_server);
    if (ours && !is_our_sfu(j)) {
        lk_job_refuse(j, LK_OTHER_URL, j->ask.url);
    } else if (!mx_user_id_valid(user_id) ||
               !mx_user_is_local(user_id, j->focus->cfg.server_name)) {
        lk_job_refuse(j, LK_BAD_USER_ID, user_id);
    } else if (lk_job_know_user(j, user_id, true)) {
        lk_job_admit(j, ours ? NULL : j->ask.target_server, true, ours ? lk_job_issue : relay);
    }
}

static void take_proxied(struct http_request *r, void *arg) {
    struct lk_job *j = lk_job_begin(arg, r, LK_PROXIED);
    if (j == NULL) {
        return;
    }
    const char *user_id = http_request_header(r, "X-Matrix-User-Identifier");
    j->jwt_only = true;
    if (user_id == NULL || user_id[0] == '\0') {
        lk_job_refuse(j, LK_NO_USER, NULL);
    } else {
        take_user(j, user_id);
    }
}

/* --- their delayed leaves --- */

static void on_delayed_event(void *arg, const struct mx_answer *a) {
    struct lk_job *j = arg;
    json_int_t delay_ms =
        a->err == OK ? json_integer_value(json_object_get(a->json, "delay_ms")) : 0;
    if (a->err == ERR_NOT_FOUND ||
        (a->err == OK && strcmp(text_in(a->json, "room_id"), j->ask.room_id) != 0)) {
        lk_job_refuse(j, LK_DELEGATION_UNKNOWN, NULL);
    } else if (a->err != OK || delay_ms <= 0) {
        lk_job_refuse(j, LK_DELEGATION_UNCHECKABLE, a->text);
    } else {
        j->ask.delay_timeout_ms = delay_ms < LK_ASK_DELAY_MAX_MS ? delay_ms : LK_ASK_DELAY_MAX_MS;
        lk_job_admit(j, NULL, true, lk_job_delegate);
    }
}

static void delegate_user(struct lk_job *j, const char *user_id) {
    const struct lk_focus_config *cfg = &j->focus->cfg;
    if (!is_our_sfu(j)) {
        lk_job_refuse(j, LK_OTHER_URL, j->ask.url);
    } else if (!mx_user_id_valid(user_id) || !mx_user_is_local(user_id, cfg->server_name)) {
        lk_job_refuse(j, LK_BAD_USER_ID, user_id);
    } else if (!lk_job_know_user(j, user_id, true)) {
        return;
    } else if (cfg->delegate == NULL) {
        lk_job_refuse(j, LK_DELEGATION_OFF, NULL);
    } else if (!cfg->masquerade || mx_client_delayed_event_get(cfg->client, user_id,
                                       j->ask.delay_id, on_delayed_event, j) != OK) {
        lk_job_refuse(j, LK_DELEGATION_UNCHECKABLE, "appservice.masquerade");
    }
}

static void take_delegate(struct http_request *r, void *arg) {
    struct lk_job *j = lk_job_begin(arg, r, LK_PROXIED_DELEGATE);
    if (j == NULL) {
        return;
    }
    const char *user_id = http_request_header(r, "X-Matrix-User-Identifier");
    if (user_id == NULL || user_id[0] == '\0') {
        lk_job_refuse(j, LK_NO_USER, NULL);
    } else {
        delegate_user(j, user_id);
    }
}

/* --- other servers' users --- */

static void take_guest(struct lk_job *j, const char *origin) {
    const char *user_id = j->ask.user_id;
    if (!mx_user_id_valid(user_id)) {
        lk_job_refuse(j, LK_BAD_USER_ID, user_id);
    } else if (!mx_user_is_local(user_id, origin)) {
        lk_job_refuse(j, LK_OTHER_ORIGIN, origin);
    } else if (!is_our_sfu(j)) {
        lk_job_refuse(j, LK_OTHER_URL, j->ask.url);
    } else if (lk_job_know_user(j, user_id, false)) {
        lk_job_admit(j, j->focus->cfg.server_name, true, lk_job_issue);
    }
}

static void take_federated(struct http_request *r, void *arg) {
    struct lk_job *j = lk_job_begin(arg, r, LK_FEDERATED);
    if (j == NULL) {
        return;
    }
    const char *origin = http_request_header(r, "X-Matrix-Origin");
    j->jwt_only = true;
    j->can_publish = false; /* they publish on their own server's SFU */
    if (origin == NULL || origin[0] == '\0') {
        lk_job_refuse(j, LK_NO_ORIGIN, NULL);
    } else {
        take_guest(j, origin);
    }
}

static const struct http_route routes[] = {
    { "POST", "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token", take_proxied,
        BODY_MAX },
    { "POST", "/_matrix/client/v1/rtc/livekit/get_token", take_proxied, BODY_MAX },
    { "POST", "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave",
        take_delegate, BODY_MAX },
    { "POST", "/_matrix/client/v1/rtc/livekit/delegate_delayed_leave", take_delegate, BODY_MAX },
    { "POST", FED_PATH, take_federated, BODY_MAX },
    { "POST", "/_matrix/federation/v1/rtc/livekit/get_token", take_federated, BODY_MAX },
};

enum err lk_focus_add_proxied(struct lk_focus *f, struct http_router *private) {
    return http_router_add(private, routes, COUNT_OF(routes), guard, f);
}
