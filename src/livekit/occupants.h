/*
 * Who is in the SFU, for calls/lookout: the names that a member must have there, the lists of
 * RoomService, and how whoever has left a call is taken out.  Thread: main.  See: matrix-calls 4.3,
 * livekit-protocol 7.1.
 */
#ifndef LIVEKIT_OCCUPANTS_H
#define LIVEKIT_OCCUPANTS_H

#include "calls/lookout.h"
#include "core/err.h"

struct lk_occupants;
struct lk_rooms;
struct lk_witness;

#define LK_OCCUPANTS_MOST 20000 /* of one room; beyond, nobody can say who is in it */

/** Borrows both for its life. */
MUST_CHECK enum err lk_occupants_create(
    struct lk_rooms *rooms, struct lk_witness *witness, struct lk_occupants **ret);
/** What is under way ends without its callback. Before the rooms. Takes NULL. */
void lk_occupants_destroy(struct lk_occupants *o);
/** `arg` is the occupants. */
struct call_lookout_ports lk_occupants_ports(struct lk_occupants *o);

#endif
