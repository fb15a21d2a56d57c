/*
 * How the members of a room are: how loud each speaks, and how well it is served. The SFU says so;
 * whoever receives something of a member is told of it, and the member itself.
 *
 * What changed is told when it changes, levels at once, and qualities a moment later, since those
 * of a room come together every SFU_STATS_US. Who begins to receive is told how it is then.
 *
 * Thread: main.  See: livekit-protocol 5.10, 5.11.
 */
#ifndef ROOMS_VITALS_H
#define ROOMS_VITALS_H

#include "rooms/model.h"

#define ROOM_VITALS_US (SEC_US / 10) /* from the first quality of a round until they are told */

/** Tells the member how it and all of whom it receives something are now: it may not have heard. */
void room_vitals_tell(struct room_member *m);

#endif
