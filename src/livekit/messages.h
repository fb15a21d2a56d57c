/*
 * The rooms in LiveKit's words: structs of rooms/model.h as messages. What is made lies in the
 * caller's arena and borrows texts of the rooms, so it is to be written before anything changes.
 * NULL: memory is gone, and the arena says so.  Thread: main.  See: livekit-protocol 3.3, 3.6, A.3.
 */
#ifndef LIVEKIT_MESSAGES_H
#define LIVEKIT_MESSAGES_H

#include "core/mem.h"
#include "livekit/proto/signal.pb-c.h"
#include "rooms/model.h"

struct lk_announced;
struct lk_signal_config;

#define LK_SERVER_PROTOCOL 16       /* livekit-protocol 2.5: what we honestly speak */
#define LK_SERVER_VERSION  "1.13.5" /* whose behaviour this is; clients compare it */

Lk__Room *lk_message_room(const struct room *room, struct arena *a);
/** With all published tracks; of one that is GONE what tells who it was. */
Lk__ParticipantInfo *lk_message_participant(const struct room_member *m, struct arena *a);
/** The same, but all of it also when it is GONE. */
Lk__ParticipantInfo *lk_message_participant_whole(const struct room_member *m, struct arena *a);
/** Of one that has left, from what is remembered of it. */
Lk__ParticipantInfo *lk_message_departed(const struct room_departed *d, struct arena *a);
Lk__TrackInfo *lk_message_track(const struct room_publication *p, struct arena *a);
Lk__DataTrackInfo *lk_message_data_track(const struct room_data_track *t, struct arena *a);
/** Of one that has no media yet. */
Lk__TrackInfo *lk_message_announced(const struct lk_announced *t, struct arena *a);
/** The first message of a session. */
Lk__JoinResponse *lk_message_join(const struct room_member *m, const struct lk_signal_config *cfg,
    const char *node_id, struct arena *a);
/** The first message to a client that came back; `last`: the number of its last data message. */
Lk__ReconnectResponse *lk_message_reconnect(const struct room_member *m,
    const struct lk_signal_config *cfg, const char *node_id, uint32_t last, struct arena *a);
Lk__ServerInfo *lk_message_server(const char *node_id, struct arena *a);

Lk__DisconnectReason lk_message_reason(enum room_reason reason);
/** "CLIENT_INITIATED" … */
const char *lk_message_reason_name(enum room_reason reason);
/** What the client should do then. */
Lk__LeaveRequest__Action lk_message_action(enum room_reason reason);

/** What clients send of each codec and quality; `codec` as in "vp8". */
Lk__SubscribedQualityUpdate *lk_message_quality(
    const struct room_publication *p, int quality, struct arena *a);

#endif
