/* Bodies by table: which members a dialect has, of which type, how long. */
#include "livekit/ask.h"

#include "core/mem.h"
#include "livekit/grant.h"
#include "matrix/ids.h"

#include <jansson.h>
#include <string.h>

#define ROOM_SLOT "m.call#ROOM" /* of the room's call; hashed as it stands */

#define BIT(d)  (1U << (d))
#define MEMBER  (BIT(LK_HASHED) | BIT(LK_DELEGATE))
#define OPENID  (BIT(LK_OLD) | MEMBER) /* dialects that bring an OpenID token */
#define PROXY   (BIT(LK_PROXIED) | BIT(LK_FEDERATED) | BIT(LK_PROXIED_DELEGATE))
#define NOT_OLD (MEMBER | PROXY)
#define IGNORED (SIZE_MAX)

struct row {
    unsigned dialects;
    const char *object; /* the object it is in, NULL = the body itself */
    const char *key;
    bool number;
    size_t offset;
    size_t max; /* bytes of a text */
};

#define TEXT(dialects, object, key, field, max)                                                    \
    { dialects, object, key, false, offsetof(struct lk_ask, field), max }
#define NUMBER(dialects, object, key, field)                                                       \
    { dialects, object, key, true, offsetof(struct lk_ask, field), 0 }

/* clang-format off */
static const struct row rows[] = {
    TEXT(BIT(LK_OLD), NULL, "room", room_id, LK_ASK_ID_MAX),
    TEXT(BIT(LK_OLD), NULL, "device_id", device_id, LK_ASK_ID_MAX),
    TEXT(NOT_OLD, NULL, "room_id", room_id, LK_ASK_ID_MAX),
    TEXT(NOT_OLD, NULL, "slot_id", slot_id, LK_ASK_ID_MAX),
    TEXT(NOT_OLD, "member", "id", member_id, LK_ASK_ID_MAX),
    TEXT(MEMBER, "member", "claimed_user_id", user_id, LK_ASK_ID_MAX),
    TEXT(NOT_OLD, "member", "claimed_device_id", device_id, LK_ASK_ID_MAX),
    TEXT(OPENID, "openid_token", "access_token", access_token, LK_ASK_TOKEN_MAX),
    TEXT(OPENID, "openid_token", "matrix_server_name", openid_server, LK_ASK_ID_MAX),
    { OPENID, "openid_token", "token_type", false, IGNORED, LK_ASK_ID_MAX },
    NUMBER(OPENID, "openid_token", "expires_in", expires_in_s),
    TEXT(PROXY, NULL, "member_id", member_id, LK_ASK_ID_MAX),
    TEXT(PROXY, NULL, "url", url, LK_ASK_URL_MAX),
    TEXT(BIT(LK_PROXIED), NULL, "server_name", target_server, LK_ASK_ID_MAX),
    TEXT(BIT(LK_FEDERATED), NULL, "user_id", user_id, LK_ASK_ID_MAX),
    TEXT(OPENID | BIT(LK_PROXIED_DELEGATE), NULL, "delay_id", delay_id, LK_ASK_ID_MAX),
    NUMBER(OPENID, NULL, "delay_timeout", delay_timeout_ms),
    TEXT(OPENID, NULL, "delay_cs_api_url", delay_cs_api_url, LK_ASK_URL_MAX),
};
/* clang-format on */

static const char *const objects[] = { "member", "openid_token" };

const char *lk_dialect_name(enum lk_dialect d) {
    static const char *const names[LK_DIALECTS] = { "old", "hashed", "proxied", "federated",
        "delegate", "proxied_delegate" };
    return names[d];
}

static bool absent(const json_t *v) {
    return v == NULL || json_is_null(v);
}

/* --- members --- */

static enum lk_refusal read_text(
    const struct row *row, const json_t *v, struct arena *a, struct lk_ask *ask) {
    if (!json_is_string(v)) {
        return LK_NOT_JSON;
    }
    if (json_string_length(v) > row->max) {
        return LK_TOO_LONG;
    }
    if (row->offset != IGNORED) {
        const char *copy = arena_strdup(a, json_string_value(v));
        if (copy == NULL) {
            return LK_FAULT;
        }
        *(const char **)((char *)ask + row->offset) = copy;
    }
    return LK_FINE;
}

static enum lk_refusal read_row(
    const struct row *row, const json_t *body, struct arena *a, struct lk_ask *ask) {
    const json_t *in = row->object == NULL ? body : json_object_get(body, row->object);
    const json_t *v = json_object_get(in, row->key);
    if (absent(v)) {
        return LK_FINE;
    }
    if (!row->number) {
        return read_text(row, v, a, ask);
    }
    if (!json_is_integer(v)) {
        return LK_NOT_JSON;
    }
    *(int64_t *)((char *)ask + row->offset) = json_integer_value(v);
    return LK_FINE;
}

/* Reads on behind the first fault, so that the audit row can say who asked for what. */
static enum lk_refusal read_rows(const json_t *body, struct arena *a, struct lk_ask *ask) {
    enum lk_refusal first = LK_FINE;
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        const json_t *v = json_object_get(body, objects[i]);
        if (!absent(v) && !json_is_object(v)) {
            first = LK_NOT_JSON;
        }
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].dialects & BIT(ask->dialect)) {
            enum lk_refusal r = read_row(&rows[i], body, a, ask);
            first = first == LK_FINE ? r : first;
        }
    }
    ask->has_member = ask->dialect != LK_OLD && json_is_object(json_object_get(body, "member")) &&
                      absent(json_object_get(body, "member_id"));
    return first;
}

/* --- what must be there, in the order of the service that we replace --- */

static bool empty(const char *s) {
    return s[0] == '\0';
}

static enum lk_refusal check_delay(const struct lk_ask *ask) {
    bool id = !empty(ask->delay_id);
    bool timeout = ask->delay_timeout_ms > 0;
    return id == timeout ? LK_FINE : LK_MISSING_DELAY;
}

static enum lk_refusal check_old(const struct lk_ask *ask) {
    if (empty(ask->room_id)) {
        return LK_MISSING_ROOM;
    }
    if (empty(ask->access_token) || empty(ask->openid_server)) {
        return LK_MISSING_OPENID;
    }
    return check_delay(ask);
}

static enum lk_refusal check_hashed(const struct lk_ask *ask) {
    if (empty(ask->room_id) || empty(ask->slot_id)) {
        return LK_MISSING_ROOM_OR_SLOT;
    }
    if (empty(ask->member_id) || empty(ask->user_id) || empty(ask->device_id)) {
        return LK_MISSING_MEMBER;
    }
    if (empty(ask->access_token) || empty(ask->openid_server)) {
        return LK_MISSING_TOKEN;
    }
    return check_delay(ask);
}

static enum lk_refusal check_delegate(const struct lk_ask *ask) {
    enum lk_refusal r = check_hashed(ask);
    if (r == LK_MISSING_MEMBER) {
        return LK_DELEGATE_MISSING_MEMBER;
    }
    if (r == LK_MISSING_TOKEN) {
        return LK_DELEGATE_MISSING_TOKEN;
    }
    return r == LK_FINE && empty(ask->delay_id) ? LK_MISSING_DELAY : r;
}

static enum lk_refusal check_proxied(const struct lk_ask *ask) {
    if (empty(ask->room_id) || empty(ask->slot_id)) {
        return LK_MISSING_ROOM_OR_SLOT;
    }
    if (empty(ask->url)) {
        return LK_MISSING_URL;
    }
    if (empty(ask->member_id)) {
        return LK_MISSING_PROXY_MEMBER;
    }
    return LK_FINE;
}

static enum lk_refusal check_proxied_delegate(const struct lk_ask *ask) {
    enum lk_refusal r = check_proxied(ask);
    return r == LK_FINE && empty(ask->delay_id) ? LK_MISSING_DELAY : r;
}

/* --- the door --- */

static void begin(enum lk_dialect d, struct lk_ask *ask) {
    *ask = (struct lk_ask){ .dialect = d };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!rows[i].number && rows[i].offset != IGNORED) {
            *(const char **)((char *)ask + rows[i].offset) = "";
        }
    }
    ask->slot_id = d == LK_OLD ? ROOM_SLOT : "";
}

static enum lk_refusal read_body(const json_t *body, struct arena *a, struct lk_ask *ask) {
    static enum lk_refusal (*const checks[LK_DIALECTS])(const struct lk_ask *ask) = { check_old,
        check_hashed, check_proxied, check_proxied, check_delegate, check_proxied_delegate };
    enum lk_refusal r = read_rows(body, a, ask);
    r = r == LK_FINE ? checks[ask->dialect](ask) : r;
    if (ask->delay_timeout_ms > LK_ASK_DELAY_MAX_MS) {
        ask->delay_timeout_ms = LK_ASK_DELAY_MAX_MS;
    }
    return r == LK_FINE && !mx_room_id_valid(ask->room_id) ? LK_BAD_ROOM_ID : r;
}

enum lk_refusal lk_ask_read(
    enum lk_dialect d, const char *bytes, size_t len, struct arena *a, struct lk_ask *ret) {
    json_error_t error;
    begin(d, ret);
    json_t *body = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
    if (body == NULL && json_error_code(&error) == json_error_out_of_memory) {
        return LK_FAULT;
    }
    enum lk_refusal r = json_is_object(body) ? read_body(body, a, ret) : LK_NOT_JSON;
    json_decref(body);
    return r;
}

enum err lk_ask_alias(const struct lk_ask *ask, char ret[LK_HASH_SIZE]) {
    const char *const list[] = { ask->room_id, ask->slot_id };
    return lk_hash(list, COUNT_OF(list), ret);
}

enum err lk_ask_identity(
    const struct lk_ask *ask, const char *user_id, struct arena *a, const char **ret) {
    const char *const with_device[] = { user_id, ask->device_id, ask->member_id };
    const char *const without[] = { user_id, ask->member_id };
    char hash[LK_HASH_SIZE];
    const char *identity = NULL;
    if (ask->dialect == LK_OLD) {
        identity = arena_printf(a, "%s:%s", user_id, ask->device_id);
    } else {
        TRY(ask->has_member ? lk_hash(with_device, COUNT_OF(with_device), hash)
                            : lk_hash(without, COUNT_OF(without), hash));
        identity = arena_strdup(a, hash);
    }
    if (identity == NULL) {
        return err_set(ERR_NOMEM, "no memory for an identity");
    }
    if (strlen(identity) > LK_IDENTITY_MAX_BYTES) {
        return err_set(ERR_TOO_LARGE, "an identity of more than %d bytes", LK_IDENTITY_MAX_BYTES);
    }
    *ret = identity;
    return OK;
}

enum err lk_ask_old_identity(
    const struct lk_ask *ask, const char *user_id, struct arena *a, const char **ret) {
    const char *name = NULL;
    if (ask->dialect != LK_OLD && !empty(ask->device_id)) {
        name = arena_printf(a, "%s:%s", user_id, ask->device_id);
        if (name == NULL) {
            return err_set(ERR_NOMEM, "no memory for an identity");
        }
        if (strlen(name) > LK_IDENTITY_MAX_BYTES) {
            name = NULL; /* no token was made of it */
        }
    }
    *ret = name;
    return OK;
}
