/* Where the client of an admitted job is sent, and that there is a room. Main. */
#include "livekit/job.h"

#include "core/log.h"
#include "core/mem.h"
#include "http/request.h"
#include "livekit/nodes.h"
#include "livekit/rooms.h"

static void on_room(void *arg, enum err e, const json_t *json, const char *text) {
    struct lk_job *j = arg;
    (void)json;
    if (e != OK) {
        lk_job_refuse(j, LK_NO_SFU_ROOM, text);
    } else {
        j->ready(j);
    }
}

/* Restricted users were let in because one of ours is in the call, who may not be in the SFU yet;
 * where nobody looked, they find a room or do not (4.5). */
static bool wants_room(const struct lk_job *j) {
    const struct lk_focus_config *cfg = &j->focus->cfg;
    return cfg->rooms != NULL && (j->full_access || cfg->admission != NULL);
}

static void make_room(struct lk_job *j) {
    if (!wants_room(j)) {
        j->ready(j);
    } else if (lk_rooms_ensure(j->focus->cfg.rooms, j->alias, on_room, j) != OK) {
        lk_job_refuse(j, LK_NO_SFU_ROOM, err_text());
    }
}

/* On a node that cannot be asked to make the room, the client does that. */
static void on_placed(void *arg, enum err e, const struct lk_place *place) {
    struct lk_job *j = arg;
    if (place == NULL) {
        lk_job_refuse(j, LK_NO_SFU_ROOM, err_text());
        return;
    }
    j->url = arena_strdup(http_request_arena(j->request), place->url);
    if (j->url == NULL) {
        lk_job_refuse(j, LK_FAULT, "no memory");
    } else if (e != OK) {
        LOG_WARN(
            &log_root, "room_not_made", "node=%s text=%s", LOG_Q(place->node), LOG_Q(err_text()));
        j->ready(j);
    } else {
        make_room(j);
    }
}

void lk_job_find_room(struct lk_job *j, lk_job_ready *ready) {
    const struct lk_focus_config *cfg = &j->focus->cfg;
    j->ready = ready;
    j->url = cfg->sfu_url;
    if (cfg->nodes == NULL) {
        make_room(j);
    } else if (lk_nodes_place(cfg->nodes, j->alias, on_placed, j) != OK) {
        lk_job_refuse(j, LK_NO_SFU_ROOM, err_text());
    }
}
