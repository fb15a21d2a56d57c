/*
 * Data tracks: a publisher's packets, each to who has subscribed to its track (rtc/datatrack).
 *
 *     a channel of one's transport -> may it? which track? -> with the receiver's handle
 *         -> the channel of each who has subscribed
 *
 * Nothing is kept and nothing is sent again: what finds no room at a receiver is dropped there, so
 * that nobody waits for anybody. What packets cost is counted with the publisher's messages
 * (sfu/data).
 *
 * Thread: the room's worker.  See: livekit-protocol.md, 3.11.
 */
#ifndef SFU_DATA_TRACK_H
#define SFU_DATA_TRACK_H

#include "core/err.h"
#include "sfu/object.h"

#include <stddef.h>

struct sfu_data;
struct sfu_participant;

struct sfu_data_track {
    struct sfu_object object;
    struct sfu_participant *participant;
    uint16_t handle; /* in its publisher's packets */
    struct sfu_data_subscription *subscriptions;
    struct sfu_data_track *prev, *next; /* of the participant */
};

struct sfu_data_subscription {
    struct sfu_object object;
    struct sfu_data_track *track;
    struct sfu_participant *participant;           /* who receives */
    uint16_t handle;                               /* in packets to it */
    struct sfu_data_subscription *prev, *next;     /* of the track */
    struct sfu_data_subscription *earlier, *later; /* of the participant */
};

/** ERR_NOMEM. */
MUST_CHECK enum err sfu_data_track_create(struct sfu_participant *p, sfu_id id, uint16_t handle);
/** Ends its subscriptions. */
void sfu_data_track_destroy(struct sfu_data_track *t);
/** Of a track in the same room. ERR_NOMEM. */
MUST_CHECK enum err sfu_data_subscription_create(
    struct sfu_participant *p, sfu_id id, struct sfu_data_track *t, uint16_t handle);
void sfu_data_subscription_destroy(struct sfu_data_subscription *s);
/** The participant leaves: its tracks and subscriptions end. */
void sfu_data_tracks_end(struct sfu_participant *p);

/** A packet of the participant's, borrowed for the call. */
void sfu_data_track_take(struct sfu_data *d, const uint8_t *bytes, size_t len);

#endif
