/*
 * Who wants in: token, query and join_request of a signalling connection, checked in the order in
 * which LiveKit checks them, and told in its words.  Thread: main.  See: livekit-protocol 1.4, 2.2.
 */
#ifndef LIVEKIT_ENTRY_H
#define LIVEKIT_ENTRY_H

#include "core/err.h"
#include "core/mem.h"
#include "rooms/directory.h"
#include "rooms/model.h"

#include <stdbool.h>
#include <stdint.h>

struct Lk__JoinRequest;
struct http_request;
struct lk_grant;
struct lk_keys;

/* All texts belong to the arena, those of the token to the grant. */
struct lk_entry {
    struct arena arena;
    struct lk_grant *grant;
    const char *room;
    bool single;                  /* one peer connection: there was a join_request */
    struct Lk__JoinRequest *join; /* NULL: there was none */
    bool reconnect;
    const char *sid; /* of the participant that it was, when it says so; NULL = not said */
    bool auto_subscribe;
    bool auto_subscribe_data; /* data tracks: only who says so */
    bool may_pause;           /* videos, for want of room: 5.9 */
    int32_t protocol;         /* LiveKit's, 2.5 */
    int32_t client_protocol;  /* shown to others */
    uint32_t capabilities;    /* bits of ClientInfo.Capability; shown to others */
    bool firefox;             /* ignores the order of codecs, and invents ids of tracks */
    bool safari;              /* uses no section for a second track */
    bool offers_late;         /* its offer comes before it has set it as its own description */
    const char *client;       /* "js 2.23.0", for the log */
    const char *metadata;     /* the token's, or what replaces it */
    struct room_attribute *attributes;
    size_t n_attributes;
    struct room_config room_config; /* of the token, for a new room */
};

/* How a refusal is answered: HTTP status, and text/plain. */
#define LK_REFUSED_TEXT_SIZE 200
struct lk_refused {
    int status;
    char text[LK_REFUSED_TEXT_SIZE];
};

/** The token as it came, by header or query; NULL = none. ERR_UNAUTHORIZED: the header is no
 * bearer's. */
MUST_CHECK enum err lk_entry_token(
    const struct http_request *r, struct lk_refused *why, const char **ret);
/** Every check of livekit-protocol 1.4. `v1`: asked at /rtc/v1, where a join_request must be. Gives
 * *ret, or an error with *why filled in. */
MUST_CHECK enum err lk_entry_read(const struct http_request *r, const struct lk_keys *keys,
    const struct room_directory *rooms, bool v1, int64_t now_s, struct lk_entry **ret,
    struct lk_refused *why);
/** Once it has joined: a join_request, with all that it took to read it, is 200 KiB that nobody
 * needs any more. What stays is the grant, the room's name and the flags. */
void lk_entry_shrink(struct lk_entry *e);
/** Takes NULL. */
void lk_entry_destroy(struct lk_entry *e);
void lk_entry_destroyp(struct lk_entry **e);

/** The rights of a token, as the rooms know them. */
struct room_grant lk_entry_rights(const struct lk_grant *g);
enum room_kind lk_entry_kind(const struct lk_grant *g);

#endif
