/* Lists of lists. */
#include "sfu/room.h"

#include "core/mem.h"
#include "sfu/data.h"
#include "sfu/data_track.h"
#include "sfu/rounds.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <utlist.h>

enum err sfu_room_create(struct sfu_worker *w, sfu_id id) {
    struct sfu_room *r = mem_zalloc(sizeof(*r));
    if (r == NULL || !sfu_registry_add(&w->registry, &r->object, SFU_ROOM, id)) {
        mem_free(r);
        return err_set(ERR_NOMEM, "no memory for a room");
    }
    r->worker = w;
    DL_APPEND(w->rooms, r);
    return OK;
}

void sfu_room_destroy(struct sfu_room *r) {
    while (r->participants != NULL) {
        sfu_participant_destroy(r->participants);
    }
    sfu_rounds_end(r);
    sfu_data_cache_finish(&r->cache);
    DL_DELETE(r->worker->rooms, r);
    sfu_registry_remove(&r->worker->registry, &r->object);
    mem_free(r);
}

enum err sfu_participant_create(struct sfu_room *r, sfu_id id) {
    struct sfu_participant *p = mem_zalloc(sizeof(*p));
    if (p == NULL || !sfu_registry_add(&r->worker->registry, &p->object, SFU_PARTICIPANT, id)) {
        mem_free(p);
        return err_set(ERR_NOMEM, "no memory for a participant");
    }
    p->room = r;
    DL_APPEND(r->participants, p);
    sfu_rounds_begin(r);
    return OK;
}

void sfu_participant_destroy(struct sfu_participant *p) {
    while (p->transports != NULL) {
        sfu_transport_destroy(p->transports);
    }
    sfu_data_tracks_end(p);
    sfu_data_destroy(p->data);
    DL_DELETE(p->room->participants, p);
    sfu_registry_remove(&p->room->worker->registry, &p->object);
    mem_free(p);
}
