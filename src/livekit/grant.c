/* Claims by table: a row a claim, read and written from the same row. */
#include "livekit/grant.h"

#include "livekit/jwt.h"
#include "livekit/keys.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum kind { TEXT, RIGHT, TIME };

struct row {
    const char *claim;
    enum kind kind;
    size_t offset; /* of the slot in the struct */
};

#define ROW_OF(type, claim, kind, field)                                                           \
    { claim, kind, offsetof(struct type, field) }

/* clang-format off */
static const struct row claims_rows[] = {
    ROW_OF(lk_grant, "iss", TEXT, issuer),
    ROW_OF(lk_grant, "sub", TEXT, identity),
    ROW_OF(lk_grant, "name", TEXT, name),
    ROW_OF(lk_grant, "kind", TEXT, kind),
    ROW_OF(lk_grant, "metadata", TEXT, metadata),
    ROW_OF(lk_grant, "sha256", TEXT, sha256),
    ROW_OF(lk_grant, "roomPreset", TEXT, room_preset),
    ROW_OF(lk_grant, "nbf", TIME, not_before_s),
    ROW_OF(lk_grant, "exp", TIME, expires_s),
};

static const struct row video_rows[] = {
    ROW_OF(lk_video, "room", TEXT, room),
    ROW_OF(lk_video, "roomJoin", RIGHT, room_join),
    ROW_OF(lk_video, "roomCreate", RIGHT, room_create),
    ROW_OF(lk_video, "roomList", RIGHT, room_list),
    ROW_OF(lk_video, "roomRecord", RIGHT, room_record),
    ROW_OF(lk_video, "roomAdmin", RIGHT, room_admin),
    ROW_OF(lk_video, "ingressAdmin", RIGHT, ingress_admin),
    ROW_OF(lk_video, "canPublish", RIGHT, can_publish),
    ROW_OF(lk_video, "canSubscribe", RIGHT, can_subscribe),
    ROW_OF(lk_video, "canPublishData", RIGHT, can_publish_data),
    ROW_OF(lk_video, "canUpdateOwnMetadata", RIGHT, can_update_own_metadata),
    ROW_OF(lk_video, "hidden", RIGHT, hidden),
    ROW_OF(lk_video, "recorder", RIGHT, recorder),
    ROW_OF(lk_video, "agent", RIGHT, agent),
    ROW_OF(lk_video, "canSubscribeMetrics", RIGHT, can_subscribe_metrics),
    ROW_OF(lk_video, "canManageAgentSession", RIGHT, can_manage_agent_session),
    ROW_OF(lk_video, "destinationRoom", TEXT, destination_room),
};
/* clang-format on */

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a grant");
}

static void json_freep(json_t **j) {
    json_decref(*j);
}

/* --- life --- */

enum err lk_grant_create(struct lk_grant **ret) {
    struct lk_grant *g = mem_zalloc(sizeof(*g));
    if (g == NULL) {
        return no_memory();
    }
    arena_init(&g->arena);
    *ret = g;
    return OK;
}

void lk_grant_destroy(struct lk_grant *g) {
    if (g != NULL) {
        json_decref(g->room_config);
        arena_finish(&g->arena);
        mem_free(g);
    }
}

void lk_grant_destroyp(struct lk_grant **g) {
    lk_grant_destroy(*g);
}

bool lk_may(enum lk_right said, bool otherwise) {
    return said == LK_UNSAID ? otherwise : said == LK_YES;
}

/* --- reading --- */

static enum err wrong(const char *claim, const char *want) {
    return err_set(ERR_INVALID, "invalid token: claim %s: want %s", claim, want);
}

static enum err read_text(struct arena *a, const json_t *v, const char *claim, void *slot) {
    if (!json_is_string(v)) {
        return wrong(claim, "a string");
    }
    const char *text = arena_strdup(a, json_string_value(v));
    if (text == NULL) {
        return no_memory();
    }
    *(const char **)slot = text;
    return OK;
}

static enum err read_right(const json_t *v, const char *claim, void *slot) {
    if (!json_is_boolean(v)) {
        return wrong(claim, "true or false");
    }
    *(enum lk_right *)slot = json_is_true(v) ? LK_YES : LK_NO;
    return OK;
}

static enum err read_time(const json_t *v, const char *claim, void *slot) {
    const double most = 9e15; /* exact in a double, and some 285 million years away */
    double s = json_number_value(v);
    if (!json_is_number(v) || !(fabs(s) <= most)) {
        return wrong(claim, "a time in seconds");
    }
    *(int64_t *)slot = (int64_t)s;
    return OK;
}

static enum err read_rows(
    struct arena *a, const json_t *object, const struct row *rows, size_t n, void *base) {
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_object_get(object, rows[i].claim);
        void *slot = (char *)base + rows[i].offset;
        if (v == NULL || json_is_null(v)) {
            continue;
        }
        switch (rows[i].kind) {
        case TEXT:
            TRY(read_text(a, v, rows[i].claim, slot));
            break;
        case RIGHT:
            TRY(read_right(v, rows[i].claim, slot));
            break;
        case TIME:
            TRY(read_time(v, rows[i].claim, slot));
            break;
        }
    }
    return OK;
}

static enum err read_sources(struct lk_grant *g, const json_t *list) {
    if (list == NULL || json_is_null(list)) {
        return OK;
    }
    if (!json_is_array(list)) {
        return wrong("canPublishSources", "a list of strings");
    }
    if (json_array_size(list) > LK_SOURCES_MAX) {
        return err_set(ERR_LIMIT, "invalid token: more than %d sources", LK_SOURCES_MAX);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        TRY(read_text(
            &g->arena, json_array_get(list, i), "canPublishSources", (void *)&g->video.sources[i]));
        g->video.n_sources++;
    }
    return OK;
}

static enum err read_video(struct lk_grant *g, const json_t *video) {
    if (video == NULL || json_is_null(video)) {
        return OK;
    }
    if (!json_is_object(video)) {
        return wrong("video", "an object");
    }
    g->has_video = true;
    TRY(read_rows(&g->arena, video, video_rows, COUNT_OF(video_rows), &g->video));
    return read_sources(g, json_object_get(video, "canPublishSources"));
}

static enum err read_attributes(struct lk_grant *g, json_t *map) {
    const char *key = NULL;
    json_t *value = NULL;
    if (map == NULL || json_is_null(map)) {
        return OK;
    }
    if (!json_is_object(map)) {
        return wrong("attributes", "an object of strings");
    }
    if (json_object_size(map) > LK_ATTRIBUTES_MAX) {
        return err_set(ERR_LIMIT, "invalid token: more than %d attributes", LK_ATTRIBUTES_MAX);
    }
    json_object_foreach(map, key, value) {
        struct lk_attribute *at = &g->attributes[g->n_attributes];
        TRY(read_text(&g->arena, value, "attributes", (void *)&at->value));
        at->key = arena_strdup(&g->arena, key);
        g->n_attributes++;
    }
    return g->arena.failed ? no_memory() : OK;
}

static enum err read_room_config(struct lk_grant *g, const json_t *config) {
    if (config == NULL || json_is_null(config)) {
        return OK;
    }
    if (!json_is_object(config)) {
        return wrong("roomConfig", "an object");
    }
    g->room_config = json_deep_copy(config);
    return g->room_config != NULL ? OK : no_memory();
}

enum err lk_grant_read(const json_t *claims, struct lk_grant **ret) {
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    TRY(lk_grant_create(&g));
    TRY(read_rows(&g->arena, claims, claims_rows, COUNT_OF(claims_rows), g));
    if (g->identity == NULL || g->identity[0] == '\0') {
        static const struct row fallback[] = { ROW_OF(lk_grant, "jti", TEXT, identity) };
        TRY(read_rows(&g->arena, claims, fallback, COUNT_OF(fallback), g));
    }
    TRY(read_video(g, json_object_get(claims, "video")));
    TRY(read_attributes(g, json_object_get(claims, "attributes")));
    TRY(read_room_config(g, json_object_get(claims, "roomConfig")));
    *ret = STEAL(g);
    return OK;
}

/* --- writing --- */

/* NULL = nothing to say. */
static json_t *value_of(const struct row *row, const void *slot) {
    if (row->kind == TEXT) {
        const char *text = *(const char *const *)slot;
        return text == NULL ? NULL : json_string(text);
    }
    if (row->kind == RIGHT) {
        enum lk_right said = *(const enum lk_right *)slot;
        return said == LK_UNSAID ? NULL : json_boolean(said == LK_YES);
    }
    int64_t at = *(const int64_t *)slot;
    return at == 0 ? NULL : json_integer(at);
}

static bool says(const struct row *row, const void *slot) {
    return row->kind == TEXT    ? *(const char *const *)slot != NULL
           : row->kind == RIGHT ? *(const enum lk_right *)slot != LK_UNSAID
                                : *(const int64_t *)slot != 0;
}

/* Like all below: false when memory is gone. jansson takes the value, also when it fails. */
static bool write_rows(json_t *object, const struct row *rows, size_t n, const void *base) {
    for (size_t i = 0; i < n; i++) {
        const void *slot = (const char *)base + rows[i].offset;
        if (says(&rows[i], slot) &&
            json_object_set_new(object, rows[i].claim, value_of(&rows[i], slot)) != 0) {
            return false;
        }
    }
    return true;
}

static bool write_sources(const struct lk_video *v, json_t *video) {
    if (v->n_sources == 0) {
        return true;
    }
    json_t *list = json_array();
    bool fine = list != NULL;
    for (size_t i = 0; i < v->n_sources && fine; i++) {
        fine = json_array_append_new(list, json_string(v->sources[i])) == 0;
    }
    return json_object_set_new(video, "canPublishSources", list) == 0 && fine;
}

static bool write_video(const struct lk_grant *g, json_t *claims) {
    if (!g->has_video) {
        return true;
    }
    json_t *video = json_object();
    bool fine = video != NULL && write_rows(video, video_rows, COUNT_OF(video_rows), &g->video) &&
                write_sources(&g->video, video);
    return json_object_set_new(claims, "video", video) == 0 && fine;
}

static bool write_attributes(const struct lk_grant *g, json_t *claims) {
    if (g->n_attributes == 0) {
        return true;
    }
    json_t *map = json_object();
    bool fine = map != NULL;
    for (size_t i = 0; i < g->n_attributes && fine; i++) {
        const struct lk_attribute *at = &g->attributes[i];
        fine = json_object_set_new(map, at->key, json_string(at->value)) == 0;
    }
    return json_object_set_new(claims, "attributes", map) == 0 && fine;
}

enum err lk_grant_write(const struct lk_grant *g, json_t **ret) {
    CLEANUP(json_freep) json_t *claims = json_object();
    if (claims == NULL || !write_rows(claims, claims_rows, COUNT_OF(claims_rows), g) ||
        !write_video(g, claims) || !write_attributes(g, claims) ||
        (g->room_config != NULL && json_object_set(claims, "roomConfig", g->room_config) != 0)) {
        return no_memory();
    }
    *ret = STEAL(claims);
    return OK;
}

/* --- tokens --- */

enum err lk_grant_from_jwt(
    const char *token, const struct lk_keys *keys, int64_t now_s, struct lk_grant **ret) {
    CLEANUP(json_freep) json_t *claims = NULL;
    TRY(lk_jwt_verify(token, keys, now_s, &claims));
    enum err e = lk_grant_read(claims, ret);
    return e == ERR_INVALID || e == ERR_LIMIT ? err_set(ERR_UNAUTHORIZED, "%s", err_text()) : e;
}

enum err lk_grant_to_jwt(const struct lk_grant *g, const struct lk_keys *keys, char **ret) {
    CLEANUP(json_freep) json_t *claims = NULL;
    TRY(lk_grant_write(g, &claims));
    if (json_object_set_new(claims, "iss", json_string(lk_keys_signing_key(keys))) != 0) {
        return no_memory();
    }
    return lk_jwt_mint(claims, lk_keys_signing_secret(keys), ret);
}
