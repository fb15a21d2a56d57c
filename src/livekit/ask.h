/*
 * What a client asks for, read from the body of a token request in any of the dialects.
 *
 *     old        POST /sfu/get                     FluffyChat, Element X, Element Call by default
 *     hashed     POST /get_token                   Element Call in matrix_2_0 mode
 *     proxied    …/rtc/livekit/get_token           a client, through our homeserver
 *     federated  …/rtc/livekit/get_token           another server's client, through both
 * homeservers
 *
 * or to leave a delayed leave with us, for which it gets no token:
 *
 *     delegate          POST /delegate_delayed_leave              body as in "hashed"
 *     proxied_delegate  …/rtc/livekit/delegate_delayed_leave      body as in "proxied"
 *
 * Unknown members are ignored, null is "not there", a member of another type spoils the body.
 * Thread: any; pure.  See: matrix-calls 4.1 to 4.3, 4.8.
 */
#ifndef LIVEKIT_ASK_H
#define LIVEKIT_ASK_H

#include "core/err.h"
#include "livekit/alias.h"
#include "livekit/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum lk_dialect {
    LK_OLD,
    LK_HASHED,
    LK_PROXIED,
    LK_FEDERATED,
    LK_TOKEN_DIALECTS,
    LK_DELEGATE = LK_TOKEN_DIALECTS,
    LK_PROXIED_DELEGATE,
    LK_DIALECTS
};
/** "old", "hashed" … */
const char *lk_dialect_name(enum lk_dialect d);

#define LK_ASK_ID_MAX    255  /* bytes of each id: Matrix allows no longer user and room ids */
#define LK_ASK_TOKEN_MAX 4096 /* bytes of an OpenID token: Synapse's have 32 to 64 */
#define LK_ASK_URL_MAX   2048 /* bytes */
#define LK_ASK_DELAY_MAX_MS                                                                        \
    INT64_C(2592000000) /* 30 days: longer ones count as this and are restarted earlier */

/* Texts are never NULL, "" = not said; in the arena given. */
struct lk_ask {
    enum lk_dialect dialect;
    const char *room_id;
    const char *slot_id;   /* old: the room's call */
    const char *device_id; /* as claimed: nobody can verify it */
    const char *member_id;
    bool has_member;              /* member_id came in an object `member`: identities then differ */
    const char *user_id;          /* as claimed; federated: as the other server says */
    const char *access_token;     /* secret */
    const char *openid_server;    /* matrix_server_name */
    int64_t expires_in_s;         /* of the OpenID token, as claimed */
    const char *url;              /* proxied, federated: the SFU meant */
    const char *target_server;    /* proxied: whose SFU it is */
    const char *delay_id;         /* a delayed leave to look after, or "" */
    int64_t delay_timeout_ms;     /* > 0 with it; proxied_delegate: the homeserver knows it */
    const char *delay_cs_api_url; /* ignored: who asks must not tell us where to go */
};

/** LK_FINE, or why not; then what could be read is in *ret all the same, for the audit. LK_FAULT:
 * no memory. */
enum lk_refusal lk_ask_read(
    enum lk_dialect d, const char *bytes, size_t len, struct arena *a, struct lk_ask *ret);

/** The room's name in the SFU. ERR_NOMEM. */
MUST_CHECK enum err lk_ask_alias(const struct lk_ask *ask, char ret[LK_HASH_SIZE]);
/** The participant's name in the SFU, in the arena: `user_id` is who was verified. ERR_TOO_LARGE
 * when the SFU would not take it; ERR_NOMEM. */
MUST_CHECK enum err lk_ask_identity(
    const struct lk_ask *ask, const char *user_id, struct arena *a, const char **ret);

/** Under which name the device is in the SFU when its token was asked for in the old dialect (4.2);
 * NULL when that is no other one. ERR_NOMEM. */
MUST_CHECK enum err lk_ask_old_identity(
    const struct lk_ask *ask, const char *user_id, struct arena *a, const char **ret);

#endif
