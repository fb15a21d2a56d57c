/*
 * Data tracks: what members publish beside sound and pictures, and who receives it. Their packets
 * need no negotiation: a handle, of two bytes, says on the way to the server which track of its
 * publisher a packet is of, and on the way down, where it is another one, which track of the room.
 *
 * A track is received when its subscriber wants it, may subscribe at all, and its publisher lets it
 * (rooms/subscription.h).  Thread: main.  See: livekit-protocol 3.11.
 */
#ifndef ROOMS_DATA_TRACK_H
#define ROOMS_DATA_TRACK_H

#include "rooms/model.h"

/* What a publisher says of a track; borrowed for the call. */
struct room_data_said {
    uint16_t handle;  /* not 0, nor that of another track of the member's */
    const char *name; /* at most ROOM_DATA_NAME_MAX bytes */
    enum room_encryption encryption;
    struct room_data_type type;
};

/** All in the room are told. ERR_FORBIDDEN: no right to send data; ERR_LIMIT over
 * ROOM_DATA_TRACKS_MAX; ERR_NOMEM. */
MUST_CHECK enum err room_data_publish(
    struct room_member *m, const struct room_data_said *said, struct room_data_track **ret);
/** It ends; who received it is told. */
void room_data_unpublish(struct room_data_track *t);
/** Of the member's own; NULL = none. */
struct room_data_track *room_data_find(const struct room_member *m, uint16_t handle);
struct room_data_track *room_data_find_name(const struct room_member *m, const char *name);
struct room_data_track *room_data_find_sid(const struct room_member *m, const char *sid);

/** Wants the track, or does not; an unknown one is remembered for ROOM_UNKNOWN_US. ERR_INVALID: no
 * id; ERR_LIMIT over ROOM_SUBSCRIPTIONS_MAX; ERR_NOMEM. */
MUST_CHECK enum err room_data_subscribe(struct room_member *m, const char *sid, bool wish);

#endif
