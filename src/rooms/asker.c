/* Who asks a member, in a list. Main. */
#include "rooms/asker.h"

#include "rooms/inside.h"

#include <utlist.h>

void room_ask_begin(struct room_member *m, struct room_asker *a, unsigned most) {
    a->member = m;
    DL_APPEND(m->askers, a);
    sfu_participant_await(m->room->directory->sfu, m->id, most);
}

void room_ask_end(struct room_asker *a) {
    if (a->member != NULL) {
        DL_DELETE(a->member->askers, a);
        a->member = NULL;
    }
}

void room_askers_told(struct room_member *m, const struct sfu_event *event) {
    struct room_asker *a = NULL, *next = NULL;
    DL_FOREACH_SAFE(m->askers, a, next) {
        a->heard(a->arg, event->answer.bytes, event->answer.len);
    }
}

void room_askers_end(struct room_member *m) {
    while (m->askers != NULL) {
        struct room_asker *a = m->askers;
        room_ask_end(a);
        a->heard(a->arg, NULL, 0);
    }
}
