/*
 * What livekit/rooms asks, answered by the rooms of our own process, in the words of RoomService.
 * Thread: main.  See: livekit-protocol 7.1.
 */
#ifndef LIVEKIT_ROOMS_HERE_H
#define LIVEKIT_ROOMS_HERE_H

#include "core/err.h"

#include <jansson.h>

struct lk_rooms_question;

/** An lk_rooms_answerer; `directory` is a struct room_directory. Gives the answer's object
 * (json_decref). ERR_NOT_FOUND: no such room, participant or track; ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err lk_rooms_here(void *directory, const struct lk_rooms_question *q, json_t **ret);

#endif
