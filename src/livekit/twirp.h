/*
 * RoomService over HTTP, as LiveKit's server SDKs call it:
 *
 *     POST /twirp/livekit.RoomService/<Method>    application/json or application/protobuf; the
 *                                                 answer has the type of the question
 *
 * Who may ask what is in the token's claims. Errors have Twirp's form, {"code":…,"msg":…}, except
 * for a token that cannot be read: 401 and a line of text, as LiveKit answers before it knows what
 * is asked.
 *
 * Of several nodes (livekit/nodes), any may be asked. What is about a room goes to the node that
 * has it, CreateRoom to the one that gets it, and ListRooms tells of the rooms of all. A node that
 * does not answer is named: 503, unavailable; so is one that cannot be asked for want of its
 * node.url: 412, failed_precondition. While it cannot be known where the room is, 503.
 *
 * For the private listener (decision 1); in --dev also where clients are, since SDKs know one URL.
 * Thread: main.  See: livekit-protocol 7.1; Twirp's wire protocol, version 7.
 */
#ifndef LIVEKIT_TWIRP_H
#define LIVEKIT_TWIRP_H

#include "core/err.h"

struct http_router;
struct lk_keys;
struct lk_nodes;
struct lk_revoked;
struct lk_twirp_wait;
struct room_directory;

#define LK_TWIRP_MAX_BYTES (2 * MIB) /* of a question: what livekit/convert reads at most */

struct lk_twirp_door {
    const struct lk_keys *keys;
    struct room_directory *rooms;
    struct lk_revoked *revoked;  /* that of the signalling */
    struct lk_nodes *nodes;      /* NULL: there are no others */
    struct lk_twirp_wait *waits; /* questions whose room is being looked for */
};
/** Adds the routes; the router borrows the door for its life. */
MUST_CHECK enum err lk_twirp_add(struct lk_twirp_door *d, struct http_router *router);
/** There are other nodes. NULL = no more: before they go, and whose room is being looked for is
 * answered 503. Borrows them. */
void lk_twirp_set_nodes(struct lk_twirp_door *d, struct lk_nodes *nodes);

#endif
