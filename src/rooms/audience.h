/* Who may receive a member's tracks: what a publisher said.  Thread: main. */
#ifndef ROOMS_AUDIENCE_H
#define ROOMS_AUDIENCE_H

#include "rooms/subscription.h"

struct room_audience;
/** A copy of the listeners. ERR_LIMIT over ROOM_AUDIENCE_MAX or ROOM_AUDIENCE_TRACKS_MAX;
 * ERR_NOMEM. */
MUST_CHECK enum err room_audience_create(
    const struct room_listener *listeners, size_t n, struct room_audience **ret);
/** Takes NULL. */
void room_audience_destroy(struct room_audience *a);
/** May `m` receive the track? NULL = everybody may. */
bool room_audience_allows(
    const struct room_audience *a, const struct room_member *m, const char *track);

#endif
