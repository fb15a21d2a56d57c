/* The checks before the upgrade. Main. */
#include "livekit/entry.h"

#include "core/crypto.h"
#include "http/request.h"
#include "livekit/convert.h"
#include "livekit/grant.h"
#include "livekit/join_request.h"
#include "livekit/keys.h"
#include "livekit/proto/room_service.pb-c.h"
#include "livekit/proto/signal.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char bearer[] = "Bearer ";

void lk_entry_destroy(struct lk_entry *e) {
    if (e != NULL) {
        lk_grant_destroy(e->grant);
        arena_finish(&e->arena);
        mem_free(e);
    }
}

void lk_entry_shrink(struct lk_entry *e) {
    arena_finish(&e->arena);
    arena_init(&e->arena);
    e->join = NULL;
    e->client = NULL;
    e->sid = NULL;
    e->metadata = NULL;
    e->attributes = NULL;
    e->n_attributes = 0;
    e->room_config = (struct room_config){ 0 };
}

void lk_entry_destroyp(struct lk_entry **e) {
    lk_entry_destroy(*e);
}

static enum err refuse(struct lk_refused *why, int status, const char *text) {
    why->status = status;
    snprintf(why->text, sizeof(why->text), "%s", text);
    return err_set(status == 401 ? ERR_UNAUTHORIZED : ERR_INVALID, "%s", why->text);
}

/* What went wrong below, in words for strangers. */
static enum err refuse_as(struct lk_refused *why, enum err e) {
    static const int statuses[ERR_COUNT] = { [ERR_INVALID] = 400,
        [ERR_TOO_LARGE] = 400,
        [ERR_UNAUTHORIZED] = 401,
        [ERR_NOT_FOUND] = 404,
        [ERR_LIMIT] = 503,
        [ERR_GONE] = 503 };
    why->status = statuses[e] == 0 ? 500 : statuses[e];
    snprintf(
        why->text, sizeof(why->text), "%s", why->status == 500 ? "internal error" : err_text());
    return e;
}

/* --- the token --- */

enum err lk_entry_token(const struct http_request *r, struct lk_refused *why, const char **ret) {
    const char *header = http_request_header(r, "Authorization");
    if (header == NULL) {
        *ret = http_request_query(r, "access_token");
        return OK;
    }
    if (strncmp(header, bearer, sizeof(bearer) - 1) != 0) {
        return refuse(why, 401, "invalid authorization header. Must start with Bearer ");
    }
    *ret = header + sizeof(bearer) - 1;
    return OK;
}

static enum err read_token(const struct http_request *r, const struct lk_keys *keys, int64_t now_s,
    struct lk_entry *e, struct lk_refused *why) {
    const char *token = NULL;
    TRY(lk_entry_token(r, why, &token));
    if (token == NULL || token[0] == '\0') {
        return refuse(why, 401, "permissions denied");
    }
    enum err failed = lk_grant_from_jwt(token, keys, now_s, &e->grant);
    if (failed != OK) {
        return refuse_as(why, failed);
    }
    return lk_may(e->grant->video.room_join, false) ? OK : refuse(why, 401, "permissions denied");
}

static enum err check_names(struct lk_entry *e, struct lk_refused *why) {
    const struct lk_grant *g = e->grant;
    char text[64];
    e->room = g->video.room;
    if (g->identity == NULL || g->identity[0] == '\0') {
        return refuse(why, 400, "identity cannot be empty");
    }
    if (strlen(g->identity) > ROOM_IDENTITY_MAX_BYTES) {
        snprintf(text, sizeof(text), "identity exceeds max length %d", ROOM_IDENTITY_MAX_BYTES);
        return refuse(why, 400, text);
    }
    if (e->room == NULL || e->room[0] == '\0') {
        return refuse(why, 400, "no room name");
    }
    if (strlen(e->room) > ROOM_NAME_MAX_BYTES) {
        snprintf(text, sizeof(text), "room name exceeds max length %d", ROOM_NAME_MAX_BYTES);
        return refuse(why, 400, text);
    }
    return OK;
}

struct room_grant lk_entry_rights(const struct lk_grant *g) {
    static const char *const names[ROOM_SOURCES] = { "unknown", "camera", "microphone",
        "screen_share", "screen_share_audio" };
    const struct lk_video *v = &g->video;
    struct room_grant ret = { .subscribe = lk_may(v->can_subscribe, true),
        .publish = lk_may(v->can_publish, true),
        .update_own_metadata = lk_may(v->can_update_own_metadata, false),
        .hidden = lk_may(v->hidden, false),
        .recorder = lk_may(v->recorder, false),
        .agent = lk_may(v->agent, false) };
    ret.publish_data = lk_may(v->can_publish_data, ret.publish);
    for (size_t i = 0; i < v->n_sources; i++) {
        for (int k = 0; k < ROOM_SOURCES; k++) {
            ret.sources |= (uint8_t)(strcasecmp(v->sources[i], names[k]) == 0 ? 1u << k : 0);
        }
    }
    /* Sources that we do not know are still a restriction. */
    ret.publish = ret.publish && (v->n_sources == 0 || ret.sources != 0);
    return ret;
}

enum room_kind lk_entry_kind(const struct lk_grant *g) {
    static const char *const names[ROOM_KINDS] = { "standard", "ingress", "egress", "sip", "agent",
        "connector", "bridge" };
    for (int k = 0; k < ROOM_KINDS; k++) {
        if (g->kind != NULL && strcmp(g->kind, names[k]) == 0) {
            return (enum room_kind)k;
        }
    }
    return ROOM_STANDARD;
}

static enum err read_room_config(struct lk_entry *e, struct lk_refused *why) {
    ProtobufCMessage *m = NULL;
    if (e->grant->room_config == NULL) {
        return OK;
    }
    enum err failed = lk_convert_read_json(
        &lk__room_configuration__descriptor, e->grant->room_config, &e->arena, &m);
    if (failed != OK) {
        return refuse_as(why, failed);
    }
    const Lk__RoomConfiguration *c = (const Lk__RoomConfiguration *)m;
    e->room_config = (struct room_config){ .empty_s = c->empty_timeout,
        .departure_s = c->departure_timeout,
        .max_members = c->max_participants,
        .metadata = c->metadata };
    return OK;
}

/* --- what the client says --- */

static bool is_yes(const char *value) {
    return value != NULL && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

static int32_t number(const char *value) {
    return value == NULL ? 0 : (int32_t)strtol(value, NULL, 10);
}

static uint32_t read_capabilities(const char *list) {
    static const char *const names[] = { NULL, "CAP_PACKET_TRAILER",
        "CAP_COMPRESSION_DEFLATE_RAW" };
    uint32_t bits = 0;
    for (const char *at = list; at != NULL && *at != '\0';) {
        const size_t n = strcspn(at, ",");
        for (size_t i = 1; i < COUNT_OF(names); i++) {
            bits |= strlen(names[i]) == n && memcmp(at, names[i], n) == 0 ? 1u << i : 0;
        }
        at += n + (at[n] == ',' ? 1 : 0);
    }
    return bits;
}

/* Every other browser names Safari too. */
static void read_browser(const char *agent, const char *browser, struct lk_entry *e) {
    agent = agent == NULL ? "" : agent;
    browser = browser == NULL ? "" : browser;
    const bool others = strstr(agent, "Chrom") != NULL || strstr(agent, "Android") != NULL;
    e->firefox = strcasecmp(browser, "firefox") == 0 || strstr(agent, "Firefox/") != NULL;
    e->safari = strcasecmp(browser, "safari") == 0 || (strstr(agent, "Safari/") != NULL && !others);
}

static enum err add_attribute(
    struct lk_entry *e, size_t *cap, const char *key, const char *value, struct lk_refused *why) {
    for (size_t i = 0; i < e->n_attributes; i++) {
        if (strcmp(e->attributes[i].key, key) == 0) {
            e->attributes[i].value = arena_strdup(&e->arena, value);
            return e->arena.failed ? refuse_as(why, err_set(ERR_NOMEM, "no memory")) : OK;
        }
    }
    if (e->n_attributes == *cap) {
        return refuse(why, 400, "too many attributes");
    }
    struct room_attribute *a = &e->attributes[e->n_attributes++];
    a->key = arena_strdup(&e->arena, key);
    a->value = arena_strdup(&e->arena, value);
    return e->arena.failed ? refuse_as(why, err_set(ERR_NOMEM, "no memory")) : OK;
}

/* Those of the token, then those of the client, which needs the right to change them. */
static enum err begin_attributes(struct lk_entry *e, size_t *cap, struct lk_refused *why) {
    *cap = ROOM_ATTRIBUTES_MAX;
    e->metadata = e->grant->metadata;
    e->attributes = arena_array(&e->arena, *cap, sizeof(*e->attributes));
    if (e->attributes == NULL) {
        return refuse_as(why, err_set(ERR_NOMEM, "no memory"));
    }
    for (size_t i = 0; i < e->grant->n_attributes; i++) {
        const struct lk_attribute *a = &e->grant->attributes[i];
        TRY(add_attribute(e, cap, a->key, a->value, why));
    }
    return OK;
}

static bool may_change_itself(const struct lk_entry *e) {
    return lk_may(e->grant->video.can_update_own_metadata, false);
}

static enum err read_query_attributes(
    struct lk_entry *e, const char *text, struct lk_refused *why) {
    size_t cap = 0;
    size_t len = 0;
    size_t n = text == NULL ? 0 : strlen(text);
    TRY(begin_attributes(e, &cap, why));
    if (n == 0) {
        return OK;
    }
    if (!may_change_itself(e)) {
        return refuse(why, 401, "permissions denied");
    }
    for (; n > 0 && text[n - 1] == '='; n--) {
    }
    uint8_t *bytes = arena_alloc(&e->arena, n / 4 * 3 + 3);
    if (bytes == NULL) {
        return refuse_as(why, err_set(ERR_NOMEM, "no memory"));
    }
    if (!crypto_unbase64url(text, n, bytes, &len)) {
        return refuse(why, 400, "attributes are not base64url");
    }
    json_t *object = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
    enum err failed = json_is_object(object) ? OK : refuse(why, 400, "attributes are no object");
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value) {
        if (failed == OK) {
            failed = json_is_string(value)
                         ? add_attribute(e, &cap, key, json_string_value(value), why)
                         : refuse(why, 400, "an attribute is no text");
        }
    }
    json_decref(object);
    return failed;
}

static enum err read_query(
    const struct http_request *r, struct lk_entry *e, struct lk_refused *why) {
    const char *subscribe = http_request_query(r, "auto_subscribe");
    const char *sdk = http_request_query(r, "sdk");
    const char *version = http_request_query(r, "version");
    e->auto_subscribe = subscribe == NULL || is_yes(subscribe);
    e->auto_subscribe_data = is_yes(http_request_query(r, "auto_subscribe_data_track"));
    e->may_pause = is_yes(http_request_query(r, "subscriber_allow_pause"));
    const char *sid = http_request_query(r, "sid");
    e->reconnect = is_yes(http_request_query(r, "reconnect"));
    e->sid = sid == NULL || sid[0] == '\0' ? NULL : arena_strdup(&e->arena, sid);
    e->protocol = number(http_request_query(r, "protocol"));
    e->client_protocol = number(http_request_query(r, "client_protocol"));
    e->capabilities = read_capabilities(http_request_query(r, "capabilities"));
    e->client =
        arena_printf(&e->arena, "%s %s", sdk == NULL ? "-" : sdk, version == NULL ? "-" : version);
    read_browser(http_request_header(r, "User-Agent"), http_request_query(r, "browser"), e);
    return read_query_attributes(e, http_request_query(r, "attributes"), why);
}

static enum err read_join_attributes(struct lk_entry *e, struct lk_refused *why) {
    const Lk__JoinRequest *j = e->join;
    size_t cap = 0;
    TRY(begin_attributes(e, &cap, why));
    if (j->n_participant_attributes == 0 && j->metadata[0] == '\0') {
        return OK;
    }
    if (!may_change_itself(e)) {
        return refuse(why, 401, "permissions denied");
    }
    if (j->metadata[0] != '\0') {
        e->metadata = j->metadata;
    }
    for (size_t i = 0; i < j->n_participant_attributes; i++) {
        const Lk__JoinRequest__ParticipantAttributesEntry *a = j->participant_attributes[i];
        TRY(add_attribute(e, &cap, a->key, a->value, why));
    }
    return OK;
}

static enum err read_join(
    const struct http_request *r, const char *text, struct lk_entry *e, struct lk_refused *why) {
    static const Lk__ClientInfo nobody = LK__CLIENT_INFO__INIT;
    enum err failed = lk_join_request_read(text, strlen(text), &e->arena, &e->join);
    if (failed != OK) {
        return refuse_as(why, failed);
    }
    const Lk__ClientInfo *c = e->join->client_info == NULL ? &nobody : e->join->client_info;
    const Lk__ConnectionSettings *settings = e->join->connection_settings;
    e->auto_subscribe = settings != NULL && settings->auto_subscribe;
    e->auto_subscribe_data = settings != NULL && settings->auto_subscribe_data_track;
    e->may_pause = settings != NULL && settings->subscriber_allow_pause;
    e->reconnect = e->join->reconnect;
    e->sid = e->join->participant_sid[0] == '\0' ? NULL : e->join->participant_sid;
    e->protocol = c->protocol;
    e->client_protocol = c->client_protocol;
    for (size_t i = 0; i < c->n_capabilities; i++) {
        const unsigned bit = (unsigned)c->capabilities[i];
        e->capabilities |= bit > 0 && bit < 32 ? 1u << bit : 0;
    }
    e->client = arena_printf(&e->arena, "sdk %d %s", (int)c->sdk, c->version);
    e->offers_late = c->sdk == LK__CLIENT_INFO__SDK__GO;
    read_browser(http_request_header(r, "User-Agent"), c->browser, e);
    return read_join_attributes(e, why);
}

/* --- the whole --- */

static enum err read_all(const struct http_request *r, const struct lk_keys *keys,
    const struct room_directory *rooms, bool v1, int64_t now_s, struct lk_entry *e,
    struct lk_refused *why) {
    const char *join = http_request_query(r, "join_request");
    TRY(read_token(r, keys, now_s, e, why));
    TRY(check_names(e, why));
    if (v1 && (join == NULL || join[0] == '\0')) {
        return refuse(why, 400, "join_request is required");
    }
    e->single = join != NULL && join[0] != '\0';
    if (e->single) {
        TRY(read_join(r, join, e, why));
    } else {
        TRY(read_query(r, e, why));
    }
    if (e->arena.failed) {
        return refuse_as(why, err_set(ERR_NOMEM, "no memory for a client"));
    }
    TRY(read_room_config(e, why));
    /* Whoever comes back is told by a message that there is nothing to come back to: an HTTP error
     * would end some clients for good (livekit-protocol 9, 24). */
    enum err failed = e->reconnect ? OK : room_directory_check(rooms, e->room, e->grant->identity);
    return failed == OK ? OK : refuse_as(why, failed);
}

enum err lk_entry_read(const struct http_request *r, const struct lk_keys *keys,
    const struct room_directory *rooms, bool v1, int64_t now_s, struct lk_entry **ret,
    struct lk_refused *why) {
    CLEANUP(lk_entry_destroyp) struct lk_entry *e = mem_zalloc(sizeof(*e));
    if (e == NULL) {
        return refuse_as(why, err_set(ERR_NOMEM, "no memory for a client"));
    }
    arena_init(&e->arena);
    TRY(read_all(r, keys, rooms, v1, now_s, e, why));
    *ret = STEAL(e);
    return OK;
}
