/*
 * The server asks a member by a data message, and hears what it answers: messages of the member's
 * for a name that begins with SFU_SERVER_PREFIX, which no other member gets.
 *
 *     room_ask_begin, room_send (to the member, from such a name) → heard … → room_ask_end
 *
 * Thread: main.
 */
#ifndef ROOMS_ASKER_H
#define ROOMS_ASKER_H

#include "rooms/model.h"

#include <stddef.h>
#include <stdint.h>

struct room_asker {
    /* A DataPacket for the server, of any asker of the member's; borrowed for the call. NULL: the
     * member is gone, and the asking is over. It may end itself and no other one. */
    void (*heard)(void *arg, const uint8_t *bytes, size_t len);
    void *arg;
    struct room_member *member;     /* set here; NULL = over */
    struct room_asker *prev, *next; /* of the member */
};

/** Borrows `a` until room_ask_end, or until it has heard NULL. `most`: so many messages may come.
 */
void room_ask_begin(struct room_member *m, struct room_asker *a, unsigned most);
/** Does nothing where it is over. */
void room_ask_end(struct room_asker *a);

#endif
