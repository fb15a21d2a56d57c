/* One packet, to each of a list. */
#include "sfu/data_track.h"

#include "core/mem.h"
#include "rtc/datatrack.h"
#include "sfu/data.h"
#include "sfu/room.h"
#include "sfu/worker.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

static struct sfu_worker *worker_of(const struct sfu_participant *p) {
    return p->room->worker;
}

/* --- packets --- */

static struct sfu_data_track *find(const struct sfu_participant *p, uint16_t handle) {
    struct sfu_data_track *t = NULL;
    DL_FOREACH(p->data_tracks, t) {
        if (t->handle == handle) {
            return t;
        }
    }
    return NULL;
}

/* `packet` is ours to write on. Gives what it costs. */
static size_t send_to_all(const struct sfu_data_track *t, uint8_t *packet, size_t len) {
    const struct sfu_data_subscription *s = NULL;
    size_t cost = 0;
    DL_FOREACH(t->subscriptions, s) {
        struct sfu_data *to = s->participant->data;
        if (to != NULL && to->down != NULL) {
            rtc_datatrack_set_handle(packet, s->handle);
            sfu_data_send_packet(to, packet, len);
            cost += len + SFU_DATA_MESSAGE_BYTES;
        }
    }
    return cost;
}

void sfu_data_track_take(struct sfu_data *d, const uint8_t *bytes, size_t len) {
    struct sfu_worker *w = worker_of(d->participant);
    struct rtc_datatrack head;
    const struct sfu_data_track *t = NULL;
    size_t cost = len + SFU_DATA_MESSAGE_BYTES;
    if (len > sizeof(w->data_room) || !rtc_datatrack_read(bytes, len, &head)) {
        w->stats.drops[SFU_DROP_DATA_MALFORMED]++;
    } else if (!d->config.may_publish) {
        w->stats.drops[SFU_DROP_DATA_FORBIDDEN]++;
    } else if ((t = find(d->participant, head.handle)) == NULL) {
        w->stats.drops[SFU_DROP_DATA_STRAY]++;
    } else {
        memcpy(w->data_room, bytes, len);
        cost += send_to_all(t, w->data_room, len);
    }
    sfu_data_pay(d, cost);
}

/* --- life --- */

enum err sfu_data_track_create(struct sfu_participant *p, sfu_id id, uint16_t handle) {
    struct sfu_data_track *t = mem_zalloc(sizeof(*t));
    if (t == NULL || !sfu_registry_add(&worker_of(p)->registry, &t->object, SFU_DATA_TRACK, id)) {
        mem_free(t);
        return err_set(ERR_NOMEM, "no memory for a data track");
    }
    t->participant = p;
    t->handle = handle;
    DL_APPEND(p->data_tracks, t);
    return OK;
}

void sfu_data_track_destroy(struct sfu_data_track *t) {
    while (t->subscriptions != NULL) {
        sfu_data_subscription_destroy(t->subscriptions);
    }
    DL_DELETE(t->participant->data_tracks, t);
    sfu_registry_remove(&worker_of(t->participant)->registry, &t->object);
    mem_free(t);
}

enum err sfu_data_subscription_create(
    struct sfu_participant *p, sfu_id id, struct sfu_data_track *t, uint16_t handle) {
    assert(p->room == t->participant->room);
    struct sfu_data_subscription *s = mem_zalloc(sizeof(*s));
    if (s == NULL ||
        !sfu_registry_add(&worker_of(p)->registry, &s->object, SFU_DATA_SUBSCRIPTION, id)) {
        mem_free(s);
        return err_set(ERR_NOMEM, "no memory for a subscription");
    }
    s->track = t;
    s->participant = p;
    s->handle = handle;
    DL_APPEND(t->subscriptions, s);
    DL_APPEND2(p->data_subscriptions, s, earlier, later);
    return OK;
}

void sfu_data_subscription_destroy(struct sfu_data_subscription *s) {
    DL_DELETE(s->track->subscriptions, s);
    DL_DELETE2(s->participant->data_subscriptions, s, earlier, later);
    sfu_registry_remove(&worker_of(s->participant)->registry, &s->object);
    mem_free(s);
}

void sfu_data_tracks_end(struct sfu_participant *p) {
    while (p->data_subscriptions != NULL) {
        sfu_data_subscription_destroy(p->data_subscriptions);
    }
    while (p->data_tracks != NULL) {
        sfu_data_track_destroy(p->data_tracks);
    }
}
