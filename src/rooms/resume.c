/* Handing over, and who has left meanwhile. Main. */
#include "rooms/resume.h"

#include "core/mem.h"
#include "rooms/directory.h"
#include "rooms/inside.h"

#include <string.h>
#include <utlist.h>

/* --- who has left --- */

static void forget_oldest(struct room *room) {
    struct room_departed *d = room->departed;
    room->departed_from_us = d->at_us + 1;
    DL_DELETE(room->departed, d);
    room->n_departed--;
    mem_free(d->identity);
    mem_free(d);
}

void room_departed_add(const struct room_member *m) {
    struct room *room = m->room;
    const int64_t now_us = room_directory_now(room->directory);
    if (m->grant.hidden) {
        return;
    }
    while (room->n_departed == ROOM_DEPARTED_MAX ||
           (room->departed != NULL && now_us - room->departed->at_us > ROOM_DEPARTED_US)) {
        forget_oldest(room);
    }
    struct room_departed *d = mem_zalloc(sizeof(*d));
    char *identity = mem_strdup(m->identity);
    if (d == NULL || identity == NULL) {
        mem_free(d);
        mem_free(identity);
        room->departed_from_us = now_us + 1;
        return;
    }
    memcpy(d->sid, m->sid, sizeof(d->sid));
    d->identity = identity;
    d->reason = m->reason;
    d->version = m->version;
    d->at_us = now_us;
    DL_APPEND(room->departed, d);
    room->n_departed++;
}

void room_departed_end(struct room *room) {
    while (room->departed != NULL) {
        forget_oldest(room);
    }
}

bool room_remembers(const struct room *room, int64_t since_us) {
    return since_us >= room->departed_from_us;
}

/* --- coming back --- */

void room_hand_over(struct room_member *m, void *arg) {
    m->arg = arg;
}

void room_ask_sequence(struct room_member *m) {
    sfu_participant_ask_sequence(m->room->directory->sfu, m->id);
}

void room_member_told(struct room_member *m, const struct sfu_event *event) {
    if (event->type == SFU_EVENT_SEQUENCE) {
        m->observer->sequence(m->arg, event->sequence);
    } else if (event->type == SFU_EVENT_ANSWER) {
        room_askers_told(m, event);
    }
}
