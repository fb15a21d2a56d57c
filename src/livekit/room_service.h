/*
 * RoomService: what may be asked about the live rooms over HTTP, a function a method.
 *
 * Nothing here knows HTTP or how a message is written: livekit/twirp reads the question, looks at
 * the token and writes the answer.  Thread: main.  See: livekit-protocol 7.1, A.5.
 */
#ifndef LIVEKIT_ROOM_SERVICE_H
#define LIVEKIT_ROOM_SERVICE_H

#include "core/err.h"
#include "livekit/rpc.h"

#include <stdbool.h>
#include <stdint.h>

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;
struct arena;
struct lk_grant;
struct lk_revoked;
struct room_directory;

/* One question, and then its answer. All borrowed. */
struct lk_question {
    struct room_directory *rooms;
    struct lk_revoked *revoked;
    int64_t now_s; /* Unix time */
    const struct ProtobufCMessage *ask;
    const struct ProtobufCMessage *answer; /* in the arena; it borrows texts of the rooms, so it is
                                              written before anything else happens */
    struct lk_rpc_wish wish; /* set in place of `answer`: a client has to be asked first */
    struct arena *arena;
};

/* What the token must allow. */
enum lk_needs { LK_NEEDS_CREATE, LK_NEEDS_LIST, LK_NEEDS_ADMIN /* of the very room */ };
#define LK_NO_ROOM (-1)

struct lk_method {
    const char *name; /* "CreateRoom" */
    const struct ProtobufCMessageDescriptor *asks;
    enum lk_needs needs;
    int room; /* where the room's name is in the question; LK_NO_ROOM = in none */
    /* For who may ask; sets `answer` or `wish`. Errors, with a sentence for the asker:
     * ERR_NOT_FOUND, ERR_INVALID, ERR_TOO_LARGE, ERR_CONFLICT: not in this state; ERR_LIMIT,
     * ERR_GONE: we stop; ERR_NOMEM. NULL: this server has no such thing. */
    enum err (*serve)(struct lk_question *q);
    bool makes;       /* the room, where there is none */
    int64_t lasts_ms; /* an answer may take so long, since a client is asked first; 0 = at once */
};

/** NULL = LiveKit has no such method. */
const struct lk_method *lk_room_service_find(const char *name);
/** The room that a question is about; NULL = none of them. */
const char *lk_room_service_room(const struct lk_method *m, const struct ProtobufCMessage *ask);
/** ERR_UNAUTHORIZED: the token does not let him. `grant` NULL: no token came. */
MUST_CHECK enum err lk_room_service_check(
    const struct lk_method *m, const struct lk_grant *grant, const struct ProtobufCMessage *ask);

#endif
