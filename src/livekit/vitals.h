/*
 * Who speaks, and how well everybody is connected, in LiveKit's words: what a session says of
 * rooms/vitals. Callbacks of a room_observer whose `arg` is an lk_session.
 *
 * Thread: main.  See: livekit-protocol 5.10, 5.11.
 */
#ifndef LIVEKIT_VITALS_H
#define LIVEKIT_VITALS_H

#include "rooms/observer.h"

void lk_vitals_voices(void *arg, const struct room_voice *voices, size_t n);
void lk_vitals_qualities(void *arg, const struct room_member *const *of, size_t n);

#endif
