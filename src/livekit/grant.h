/*
 * What a LiveKit token says, as a struct: who it is for, and what they may do in which room.
 *
 * LiveKit tells "not said" from "no" (canPublish that is not said means yes), so a right is one of
 * three, and lk_may resolves it.  Thread: main.  See: livekit-protocol 1.2.
 */
#ifndef LIVEKIT_GRANT_H
#define LIVEKIT_GRANT_H

#include "core/err.h"
#include "core/mem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct lk_keys;

enum lk_right { LK_UNSAID, LK_NO, LK_YES };

#define LK_IDENTITY_MAX_BYTES 256 /* livekit-server refuses longer identities and room names */
#define LK_SOURCES_MAX        16
#define LK_ATTRIBUTES_MAX     64

struct lk_attribute {
    const char *key, *value;
};

/* The claim `video`. Texts are NULL where nothing was said. */
struct lk_video {
    const char *room;
    const char *destination_room;
    enum lk_right room_join, room_create, room_list, room_record, room_admin, ingress_admin;
    enum lk_right can_publish, can_subscribe, can_publish_data, can_update_own_metadata;
    enum lk_right hidden, recorder, agent, can_subscribe_metrics, can_manage_agent_session;
    const char *sources[LK_SOURCES_MAX]; /* canPublishSources; none = all */
    size_t n_sources;
};

/* All texts belong to the arena; optional ones are NULL. Times are Unix seconds, 0 = not said. */
struct lk_grant {
    struct arena arena;
    const char *issuer;
    const char *identity; /* sub, else jti */
    const char *name;
    const char *kind; /* "standard", "agent" … */
    const char *metadata;
    const char *sha256; /* base64 of a body's digest: webhooks */
    const char *room_preset;
    json_t *room_config; /* object of RoomConfiguration; owned; NULL */
    struct lk_attribute attributes[LK_ATTRIBUTES_MAX];
    size_t n_attributes;
    bool has_video;
    struct lk_video video;
    int64_t not_before_s;
    int64_t expires_s;
};

/** One that says nothing. */
MUST_CHECK enum err lk_grant_create(struct lk_grant **ret);
void lk_grant_destroy(struct lk_grant *g);
void lk_grant_destroyp(struct lk_grant **g);

/** From verified claims. Claims that are not in the table are ignored, null is "not said".
 * ERR_INVALID names the claim that has another type; ERR_LIMIT: too many sources or attributes;
 * ERR_NOMEM. */
MUST_CHECK enum err lk_grant_read(const json_t *claims, struct lk_grant **ret);
/** As claims (json_decref). ERR_NOMEM. */
MUST_CHECK enum err lk_grant_write(const struct lk_grant *g, json_t **ret);

/** Verifies and reads. Errors of lk_jwt_verify; a claim of another type is ERR_UNAUTHORIZED too. */
MUST_CHECK enum err lk_grant_from_jwt(
    const char *token, const struct lk_keys *keys, int64_t now_s, struct lk_grant **ret);
/** Signs with the first of the keys, whose name becomes the issuer. Gives the token (mem_free). */
MUST_CHECK enum err lk_grant_to_jwt(
    const struct lk_grant *g, const struct lk_keys *keys, char **ret);

/** The right as LiveKit resolves it: what was said, else `otherwise`. */
bool lk_may(enum lk_right said, bool otherwise);

#endif
