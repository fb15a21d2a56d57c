/*
 * What livekit/rooms asks, answered by the rooms of our own process, in the words of RoomService.
 * Thread: main.  See: livekit-protocol 7.1.
 */
#ifndef LIVEKIT_ROOMS_HERE_H
#define LIVEKIT_ROOMS_HERE_H

#include "core/err.h"

#include <jansson.h>

/** An lk_rooms_answerer; `directory` is a struct room_directory. `method` as RoomService calls it;
 * `identity` NULL where it takes none. Gives the answer's object (json_decref). ERR_NOT_FOUND: no
 * such room or participant; ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err lk_rooms_here(
    void *directory, const char *method, const char *alias, const char *identity, json_t **ret);

#endif
