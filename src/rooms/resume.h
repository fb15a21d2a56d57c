/*
 * A member whose client has lost its signalling, and comes back to the same membership: tracks and
 * subscriptions stay, its door is told by another name from then on, and others hear of nothing.
 *
 * What it could not hear is made up for by its door from what is there now, and from the room's
 * list of who has left.  Thread: main.  See: livekit-protocol 6.5.
 */
#ifndef ROOMS_RESUME_H
#define ROOMS_RESUME_H

#include "rooms/model.h"

/** The member's observer is called with `arg` from now on. */
void room_hand_over(struct room_member *m, void *arg);
/** Is everybody who left since `since_us` (room_directory_now) in `room->departed`? */
bool room_remembers(const struct room *room, int64_t since_us);

/** Asks for the number of the last reliable data message that came from the member: the observer's
 * `sequence`. Without memory nothing is told. */
void room_ask_sequence(struct room_member *m);

#endif
