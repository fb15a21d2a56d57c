/*
 * What a worker finds by its id: the head of every object of the SFU.
 *
 * Objects die in one order: subscription, track, transport, participant, room; data tracks and
 * their subscriptions between transports and participant. Each is created by a message of main and
 * destroyed by one, or with what it belongs to.  Thread: the room's worker.
 */
#ifndef SFU_OBJECT_H
#define SFU_OBJECT_H

#include "core/map.h"
#include "sfu/events.h"

#include <stdbool.h>

enum sfu_type {
    SFU_ROOM,
    SFU_PARTICIPANT,
    SFU_TRANSPORT,
    SFU_TRACK,
    SFU_SUBSCRIPTION,
    SFU_DATA_TRACK,
    SFU_DATA_SUBSCRIPTION,
    SFU_TYPES
};

/** Put it first in the object. */
struct sfu_object {
    UT_hash_handle hh;
    sfu_id id;
    enum sfu_type type;
};

struct sfu_registry {
    struct sfu_object *objects;
    size_t counts[SFU_TYPES];
};

/** False without memory, or when the id is taken. */
bool sfu_registry_add(struct sfu_registry *r, struct sfu_object *o, enum sfu_type type, sfu_id id);
/** NULL when there is none of this type: it has ended, or never was. */
void *sfu_registry_find(const struct sfu_registry *r, enum sfu_type type, sfu_id id);
/** Takes one that was never added. */
void sfu_registry_remove(struct sfu_registry *r, struct sfu_object *o);

#endif
