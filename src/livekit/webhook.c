/* Webhooks by table: which members are read, and what they must be. */
#include "livekit/webhook.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "livekit/grant.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_S 1000

METRIC_COUNTER(
    heard_total, "parley_sfu_webhooks_total", "Webhooks of the LiveKit server, verified.");
METRIC_COUNTER(refused_total, "parley_sfu_webhooks_refused_total",
    "Webhooks that no key of ours has signed, or that were changed on the way.");
METRIC_COUNTER(unread_total, "parley_sfu_webhooks_unreadable_total",
    "Webhooks that were signed but make no sense.");

/* --- the signature --- */

static enum err grant_of(
    const char *token, const struct lk_keys *keys, int64_t now_s, struct lk_grant **ret) {
    if (token == NULL || token[0] == '\0') {
        return err_set(ERR_UNAUTHORIZED, "the webhook has no token");
    }
    return lk_grant_from_jwt(token, keys, now_s, ret);
}

enum err lk_webhook_check(const char *token, const struct lk_keys *keys, int64_t now_s) {
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    TRY(grant_of(token, keys, now_s, &g));
    /* A participant's token is signed with the same key, and says nothing of a body. */
    return g->sha256 != NULL
               ? OK
               : err_set(ERR_UNAUTHORIZED, "the token of the webhook names no digest");
}

static enum err check_body(const struct lk_grant *g, const char *body, size_t len) {
    uint8_t digest[SHA256_SIZE];
    char text[CRYPTO_BASE64_SIZE(SHA256_SIZE)];
    crypto_sha256(body, len, digest);
    crypto_base64(digest, sizeof(digest), text);
    if (g->sha256 == NULL) {
        return err_set(ERR_UNAUTHORIZED, "the token of the webhook names no digest");
    }
    /* Ours is without padding, LiveKit's with it. */
    size_t n = strlen(g->sha256);
    while (n > 0 && g->sha256[n - 1] == '=') {
        n--;
    }
    bool same = n == strlen(text) && memcmp(text, g->sha256, n) == 0;
    return same ? OK : err_set(ERR_UNAUTHORIZED, "the webhook is not what was signed");
}

/* --- the body --- */

/* Where a text is: in the webhook itself, or in one of its objects. */
static const struct {
    const char *object;
    const char *key;
    size_t offset;
} texts[] = {
    { NULL, "event", offsetof(struct lk_webhook, event) },
    { NULL, "id", offsetof(struct lk_webhook, id) },
    { "room", "name", offsetof(struct lk_webhook, alias) },
    { "participant", "identity", offsetof(struct lk_webhook, identity) },
    { "participant", "sid", offsetof(struct lk_webhook, sid) },
    { "participant", "disconnectReason", offsetof(struct lk_webhook, reason) },
};

static const struct {
    const char *event;
    enum lk_webhook_kind kind;
} kinds[] = {
    { "participant_joined", LK_WEBHOOK_JOINED },
    { "participant_left", LK_WEBHOOK_LEFT },
    { "participant_connection_aborted", LK_WEBHOOK_ABORTED },
};

static enum err wrong(const char *key) {
    return err_set(ERR_INVALID, "the webhook's %s is not what it should be", key);
}

/* protobuf's JSON leaves out what is empty, and null is the same. */
static bool absent(const json_t *v) {
    return v == NULL || json_is_null(v);
}

static enum err read_text(const json_t *in, const char *key, struct arena *a, const char **ret) {
    const json_t *v = json_object_get(in, key);
    *ret = "";
    if (absent(v)) {
        return OK;
    }
    if (!json_is_string(v) || json_string_length(v) > LK_WEBHOOK_TEXT_MAX) {
        return wrong(key);
    }
    *ret = arena_strdup(a, json_string_value(v));
    return *ret == NULL ? err_set(ERR_NOMEM, "no memory for a webhook") : OK;
}

/* int64 is a text in protobuf's JSON; readers take numbers too. */
static enum err read_time(const json_t *body, struct lk_webhook *w) {
    const json_t *v = json_object_get(body, "createdAt");
    const char *text = json_string_value(v);
    char *end = NULL;
    if (absent(v)) {
        return OK;
    }
    if (json_is_integer(v)) {
        w->created_s = json_integer_value(v);
        return w->created_s < 0 ? wrong("createdAt") : OK;
    }
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return wrong("createdAt");
    }
    errno = 0;
    w->created_s = strtoll(text, &end, 10);
    return *end != '\0' || errno != 0 ? wrong("createdAt") : OK;
}

static enum lk_webhook_kind kind_of(const char *event) {
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].event, event) == 0) {
            return kinds[i].kind;
        }
    }
    return LK_WEBHOOK_OTHER;
}

static enum err read_body(const json_t *body, struct arena *a, struct lk_webhook *w) {
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *object = texts[i].object;
        const json_t *in = object == NULL ? body : json_object_get(body, object);
        if (!absent(in) && !json_is_object(in)) {
            return wrong(object == NULL ? "body" : object);
        }
        TRY(read_text(in, texts[i].key, a, (const char **)((char *)w + texts[i].offset)));
    }
    TRY(read_time(body, w));
    if (w->event[0] == '\0') {
        return wrong("event");
    }
    w->kind = kind_of(w->event);
    if (w->kind != LK_WEBHOOK_OTHER && (w->alias[0] == '\0' || w->identity[0] == '\0')) {
        return wrong(w->alias[0] == '\0' ? "room" : "participant");
    }
    return OK;
}

enum err lk_webhook_read(const char *token, const char *body, size_t len,
    const struct lk_keys *keys, int64_t now_s, struct arena *a, struct lk_webhook *ret) {
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    CLEANUP(json_decrefp) json_t *json = NULL;
    struct lk_webhook w = { .kind = LK_WEBHOOK_OTHER };
    json_error_t error;
    TRY(grant_of(token, keys, now_s, &g));
    TRY(check_body(g, body, len));
    json = json_loadb(body, len, 0, &error);
    if (json == NULL && json_error_code(&error) == json_error_out_of_memory) {
        return err_set(ERR_NOMEM, "no memory for a webhook");
    }
    if (json == NULL) {
        return wrong("body");
    }
    TRY(read_body(json, a, &w));
    *ret = w;
    return OK;
}

/* --- the door --- */

static const char *token_of(const struct http_request *r) {
    return http_request_header(r, "Authorization");
}

/* Before the body: nobody else makes us hold 8 MiB. */
static enum err guard(struct http_request *r, void *arg) {
    const struct lk_webhook_door *d = arg;
    enum err e = lk_webhook_check(token_of(r), d->keys, clock_wall_ms() / MS_PER_S);
    if (e == ERR_UNAUTHORIZED) {
        metric_add(&refused_total, 1);
    }
    return e;
}

/* What is signed is answered 200 whatever it says: another answer would bring it again. */
static void take(struct http_request *r, void *arg) {
    const struct lk_webhook_door *d = arg;
    struct lk_webhook w;
    size_t len = 0;
    const char *body = http_request_body(r, &len);
    enum err e = lk_webhook_read(
        token_of(r), body, len, d->keys, clock_wall_ms() / MS_PER_S, http_request_arena(r), &w);
    if (e == ERR_UNAUTHORIZED || e == ERR_NOMEM) {
        metric_add(&refused_total, e == ERR_UNAUTHORIZED);
        http_reply_err(r, e);
        return;
    }
    if (e == OK) {
        metric_add(&heard_total, 1);
        LOG_DEBUG(&log_root, "sfu_webhook", "event=%s id=%s alias=%s identity=%s reason=%s",
            LOG_Q(w.event), LOG_Q(w.id), LOG_Q(w.alias), LOG_Q(w.identity), LOG_Q(w.reason));
        d->heard(d->arg, &w);
    } else {
        metric_add(&unread_total, 1);
        LOG_WARN(&log_root, "sfu_webhook_unreadable", "text=%s", LOG_Q(err_text()));
    }
    http_reply_bytes(r, 200, "application/json", "", 0);
}

static const struct http_route routes[] = {
    { "POST", "/sfu_webhook", take, LK_WEBHOOK_MAX_BYTES },
};

enum err lk_webhook_add(struct lk_webhook_door *d, struct http_router *public) {
    metrics_register(&heard_total);
    metrics_register(&refused_total);
    metrics_register(&unread_total);
    return http_router_add(public, routes, COUNT_OF(routes), guard, d);
}
