/*
 * Data tracks in LiveKit's words: what a session says of rooms/data_track, and what its client asks
 * of it. Refusals come in livekit-server's order, with its reasons.
 *
 * Thread: main.  See: livekit-protocol 3.11.
 */
#ifndef LIVEKIT_DATA_TRACKS_H
#define LIVEKIT_DATA_TRACKS_H

#include "livekit/proto/signal.pb-c.h"
#include "rooms/data_track.h"

struct lk_session;

/* --- what a client asks --- */

void lk_data_tracks_publish(struct lk_session *s, Lk__PublishDataTrackRequest *r);
void lk_data_tracks_unpublish(struct lk_session *s, Lk__UnpublishDataTrackRequest *r);
void lk_data_tracks_subscribe(struct lk_session *s, const Lk__UpdateDataSubscription *u);

/* --- what it is told: callbacks of a room_observer whose `arg` is an lk_session --- */

/** All that the member receives, each time. */
void lk_data_tracks_handles(void *arg);
void lk_data_tracks_taken(void *arg, const struct room_data_track *t);

/* --- when it comes back (livekit/resume) --- */

/** Is every data track there that the client believes it publishes? */
bool lk_data_tracks_has_all(const struct lk_session *s, const Lk__SyncState *state);
/** Says those again whose answers it has missed. */
void lk_data_tracks_say_unheard(struct lk_session *s, const Lk__SyncState *state);

#endif
