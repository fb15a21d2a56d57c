/*
 * What members publish.  Thread: main.
 */
#ifndef ROOMS_PUBLICATION_H
#define ROOMS_PUBLICATION_H

#include "rooms/model.h"

/** May the member publish from this source? */
bool room_may_publish(const struct room_member *m, enum room_source source);
/** A new track's name: "TR_AM…" for a microphone. */
void room_track_name(enum rtc_media media, enum room_source source, char ret[ROOM_SID_SIZE]);

/**
 * The track stands: packets as agreed upon in `params` may come over the member's upward
 * connection. All are told, then those who want it are asked to receive it. Copies both.
 * Errors: ERR_FORBIDDEN: no right to publish this; ERR_LIMIT over ROOM_PUBLICATIONS_MAX;
 * ERR_CONFLICT: the connection is not open; ERR_NOMEM.
 */
MUST_CHECK enum err room_publish(struct room_member *m, const struct room_track *track,
    const struct rtc_rtp_params *params, struct room_publication **ret);
/** After a renegotiation. Nobody is told of what has not changed. */
void room_publication_update(struct room_publication *p, const struct rtc_rtp_params *params);
void room_publication_mute(struct room_publication *p, bool muted);
/** The same on behalf of somebody else: the publisher is told. Only it unmutes again. */
void room_publication_silence(struct room_publication *p);
void room_publication_resize(struct room_publication *p, uint16_t width, uint16_t height);
/** Which audio processing is on: opaque bits. */
void room_publication_features(struct room_publication *p, uint8_t features);
/** It ends; who received it is told. `taken`: by us and not by its publisher, who is told then. */
void room_unpublish(struct room_publication *p, bool taken);
/** Of the member's own; NULL = none. */
struct room_publication *room_find_publication(const struct room_member *m, const char *sid);
/** Of anybody in the room; NULL = none. */
struct room_publication *room_find_track(const struct room *room, const char *sid);

#endif
