/* Rooms by name, the SFU's objects by id, and the one clock of all their timers. Main. */
#include "rooms/directory.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/metrics.h"
#include "rooms/census.h"
#include "rooms/inside.h"
#include "rooms/member.h"

#include <string.h>
#include <utlist.h>

METRIC_GAUGE(rooms_now, "parley_media_rooms", "Live media rooms.");

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a media room");
}

/* --- time --- */

static void set_clock(struct room_directory *d);

static void on_timer(uv_timer_t *timer) {
    struct room_directory *d = timer->data;
    room_directory_turn(d, clock_mono_us());
    set_clock(d);
}

/* The wheel says when it wants to be looked at; libuv counts in milliseconds, rounded up. */
static void set_clock(struct room_directory *d) {
    if (d->timer == NULL) {
        return;
    }
    const int64_t next = wheel_next(&d->wheel);
    if (next == INT64_MAX) {
        uv_timer_stop(d->timer);
        return;
    }
    const int64_t wait_us = next - clock_mono_us();
    uv_timer_start(d->timer, on_timer, wait_us <= 0 ? 0 : (uint64_t)(wait_us + 999) / 1000, 0);
}

int64_t room_directory_now(const struct room_directory *d) {
    return d->timer == NULL ? d->now_us : clock_mono_us();
}

void room_timer_arm(
    struct room_directory *d, struct wheel_timer *t, int64_t after_us, wheel_fn *fire) {
    wheel_arm(&d->wheel, t, room_directory_now(d) + after_us, fire);
    if (d->timer != NULL && !uv_is_closing((uv_handle_t *)d->timer)) {
        set_clock(d);
    }
}

void room_timer_disarm(struct room_directory *d, struct wheel_timer *t) {
    wheel_disarm(&d->wheel, t);
}

void room_directory_turn(struct room_directory *d, int64_t now_us) {
    d->now_us = now_us;
    wheel_turn(&d->wheel, now_us);
}

/* --- life --- */

enum err room_directory_create(
    const struct room_directory_config *cfg, struct room_directory **ret) {
    struct room_directory *d = mem_zalloc(sizeof(*d));
    if (d == NULL) {
        return err_set(ERR_NOMEM, "no memory for the media rooms");
    }
    d->rooms_max = cfg->rooms_max == 0 ? ROOM_ROOMS_MAX : cfg->rooms_max;
    d->no_create = cfg->no_create;
    metrics_register(&rooms_now);
    room_census_register();
    *ret = d;
    return OK;
}

enum err room_directory_start(struct room_directory *d, struct sfu *sfu, uv_loop_t *loop) {
    d->now_us = loop == NULL ? 0 : clock_mono_us();
    wheel_init(&d->wheel, d->now_us);
    if (loop != NULL) {
        d->timer = mem_zalloc(sizeof(*d->timer));
        if (d->timer == NULL) {
            return err_set(ERR_NOMEM, "no memory for the media rooms");
        }
        if (uv_timer_init(loop, d->timer) != 0) {
            mem_free(STEAL(d->timer));
            return err_set(ERR_IO, "no timer for the media rooms");
        }
        d->timer->data = d;
    }
    d->sfu = sfu;
    return OK;
}

static void free_timer(uv_handle_t *timer) {
    mem_free(timer);
}

void room_directory_stop(struct room_directory *d) {
    struct room *room, *next;
    HASH_ITER (hh, d->rooms, room, next) {
        room_end(room, ROOM_SHUTDOWN);
    }
    d->sfu = NULL;
    if (d->timer != NULL) {
        d->now_us = clock_mono_us();
        uv_close((uv_handle_t *)STEAL(d->timer), free_timer);
    }
}

void room_directory_destroy(struct room_directory *d) {
    if (d != NULL) {
        room_directory_stop(d);
        mem_free(d);
    }
}

struct sfu *room_directory_sfu(const struct room_directory *d) {
    return d->sfu;
}

/* --- watchers --- */

void room_directory_watch(struct room_directory *d, struct room_watcher *w) {
    DL_APPEND(d->watchers, w);
}

void room_directory_unwatch(struct room_directory *d, struct room_watcher *w) {
    DL_DELETE(d->watchers, w);
}

static void tell_watchers(const struct room_told *news) {
    struct room_watcher *w = NULL;
    DL_FOREACH(news->room->directory->watchers, w) {
        w->told(w->arg, news);
    }
}

void room_tell(enum room_news type, const struct room *room, const struct room_member *m) {
    tell_watchers(&(struct room_told){ .type = type, .room = room, .member = m });
}

void room_tell_track(enum room_news type, const struct room_publication *p, bool forced) {
    tell_watchers(&(struct room_told){ .type = type,
        .room = p->member->room,
        .member = p->member,
        .publication = p,
        .forced = forced });
}

void room_tell_data_track(enum room_news type, const struct room_data_track *t, bool forced) {
    tell_watchers(&(struct room_told){ .type = type,
        .room = t->member->room,
        .member = t->member,
        .data_track = t,
        .forced = forced });
}

void room_tell_measure(
    const struct room_member *m, const struct room_publication *p, const struct room_measure *x) {
    tell_watchers(&(struct room_told){
        .type = ROOM_NEWS_MEASURED, .room = m->room, .member = m, .publication = p, .measure = x });
}

void room_tell_delivery(const struct room_subscription *s, const struct room_measure *x) {
    tell_watchers(&(struct room_told){ .type = ROOM_NEWS_DELIVERED,
        .room = s->member->room,
        .member = s->member,
        .publication = s->publication,
        .measure = x });
}

/* --- the SFU's objects --- */

enum err room_part_add(struct room_directory *d, struct room_part *part) {
    HASH_ADD(hh, d->parts, id, sizeof(part->id), part);
    if (part->hh.tbl == NULL) {
        part->id = 0;
        return no_memory();
    }
    return OK;
}

void room_part_remove(struct room_directory *d, struct room_part *part) {
    if (part->id != 0) {
        HASH_DEL(d->parts, part);
        part->id = 0;
    }
}

static struct room_part *find_part(const struct room_directory *d, sfu_id id) {
    struct room_part *part = NULL;
    HASH_FIND(hh, d->parts, &id, sizeof(id), part);
    return part;
}

struct room_member *room_part_member(const struct room_directory *d, sfu_id id) {
    const struct room_part *part = find_part(d, id);
    return part != NULL && part->type == ROOM_PART_MEMBER ? part->owner : NULL;
}

void room_directory_told(void *arg, const struct sfu_event *event) {
    struct room_directory *d = arg;
    struct room_part *part = find_part(d, event->id);
    if (part == NULL) {
        return; /* it was closed meanwhile */
    }
    if (part->type == ROOM_PART_ROOM) {
        room_told(part->owner, event);
    } else if (part->type == ROOM_PART_MEMBER) {
        room_member_told(part->owner, event);
        room_vitals_told(part->owner, event);
    } else if (part->type == ROOM_PART_TRANSPORT) {
        struct room_member *m = part->owner;
        room_transport_told(m, part == &m->transports[ROOM_UP].part ? ROOM_UP : ROOM_DOWN, event);
    } else if (part->type == ROOM_PART_TRACK) {
        room_publication_told(part->owner, event);
    } else {
        room_subscription_told(part->owner, event);
    }
}

/* --- rooms --- */

struct room *room_directory_find(const struct room_directory *d, const char *name) {
    struct room *room = NULL;
    HASH_FIND_STR(d->rooms, name, room);
    return room;
}

unsigned room_directory_count(const struct room_directory *d) {
    return HASH_COUNT(d->rooms);
}

void room_directory_each(struct room_directory *d, room_visitor *each, void *arg) {
    for (struct room *room = d->rooms; room != NULL; room = room->hh.next) {
        each(arg, room);
    }
}

static void free_room(struct room *room) {
    if (room != NULL) {
        mem_free(room->name);
        mem_free(room->metadata);
        mem_free(room);
    }
}

static void on_ending(struct wheel_timer *t, int64_t now_us) {
    struct room *room = (struct room *)((char *)t - offsetof(struct room, ending));
    (void)now_us;
    room_end(room, ROOM_CLOSED);
}

void room_directory_wind_down(struct room_directory *d) {
    d->winding_down = true;
}

bool room_directory_is_idle(const struct room_directory *d) {
    const struct room *room = d->rooms;
    while (room != NULL && room->n_members == 0) {
        room = room->hh.next;
    }
    return room == NULL;
}

static enum err check_room_there(const struct room_directory *d) {
    if (d->sfu == NULL || d->winding_down) {
        return err_set(ERR_GONE, "the server is stopping");
    }
    return HASH_COUNT(d->rooms) < d->rooms_max
               ? OK
               : err_set(ERR_LIMIT, "this server has its most rooms, %u", d->rooms_max);
}

static enum err check_room_texts(const char *name, const char *metadata) {
    const size_t n = strlen(name);
    if (n == 0 || n > ROOM_NAME_MAX_BYTES) {
        return err_set(ERR_INVALID, "a room's name has 1 to %d bytes", ROOM_NAME_MAX_BYTES);
    }
    if (metadata != NULL && strlen(metadata) > ROOM_METADATA_MAX_BYTES) {
        return err_set(ERR_TOO_LARGE, "metadata of more than %zu bytes", ROOM_METADATA_MAX_BYTES);
    }
    return OK;
}

static enum err create_room(
    struct room_directory *d, const char *name, const struct room_config *cfg, struct room **ret) {
    struct room *room = mem_zalloc(sizeof(*room));
    if (room == NULL) {
        return no_memory();
    }
    room->directory = d;
    room->part.type = ROOM_PART_ROOM;
    room->part.owner = room;
    room->name = mem_strdup(name);
    room->metadata = mem_strdup(cfg->metadata == NULL ? "" : cfg->metadata);
    if (room->name == NULL || room->metadata == NULL) {
        free_room(room);
        return no_memory();
    }
    room->empty_s = cfg->empty_s == 0 ? ROOM_EMPTY_S : cfg->empty_s;
    room->departure_s = cfg->departure_s == 0 ? ROOM_DEPARTURE_S : cfg->departure_s;
    room->max_members = cfg->max_members;
    room->created_ms = clock_wall_ms();
    room->told_us = INT64_MIN;
    room->departed_from_us = INT64_MIN;
    room_id_make("RM_", room->sid);
    crypto_random(room->trailer, sizeof(room->trailer));
    log_ctx_add(&room->log, NULL, "room", name);
    HASH_ADD_KEYPTR(hh, d->rooms, room->name, strlen(room->name), room);
    if (room->hh.tbl == NULL) {
        free_room(room);
        return no_memory();
    }
    *ret = room;
    return OK;
}

enum err room_directory_ensure(
    struct room_directory *d, const char *name, const struct room_config *cfg, struct room **ret) {
    static const struct room_config usual = { 0 };
    struct room *room = room_directory_find(d, name);
    cfg = cfg == NULL ? &usual : cfg;
    if (room == NULL) {
        TRY(check_room_there(d));
        TRY(check_room_texts(name, cfg->metadata));
        TRY(create_room(d, name, cfg, &room));
        metric_set(&rooms_now, (int64_t)HASH_COUNT(d->rooms));
        room_timer_arm(d, &room->ending, room->empty_s * SEC_US, on_ending);
        LOG_INFO(&room->log, "media_room_opened", "sid=%s", room->sid);
        room_tell(ROOM_NEWS_STARTED, room, NULL);
    }
    *ret = room;
    return OK;
}

enum err room_open(struct room *room) {
    struct room_directory *d = room->directory;
    if (room->id != 0) {
        return OK;
    }
    TRY(sfu_room_open(d->sfu, &room->id));
    room->part.id = room->id;
    enum err e = room_part_add(d, &room->part);
    if (e != OK) {
        sfu_room_close(d->sfu, room->id);
        room->id = 0;
    }
    return e;
}

void room_end(struct room *room, enum room_reason reason) {
    struct room_directory *d = room->directory;
    while (room->members != NULL) {
        room_leave(room->members, reason);
    }
    room_timer_disarm(d, &room->ending);
    room_timer_disarm(d, &room->news);
    room_timer_disarm(d, &room->vitals);
    room_departed_end(room);
    room_part_remove(d, &room->part);
    if (room->id != 0) {
        sfu_room_close(d->sfu, room->id);
    }
    HASH_DEL(d->rooms, room);
    metric_set(&rooms_now, (int64_t)HASH_COUNT(d->rooms));
    LOG_INFO(&room->log, "media_room_closed", "sid=%s", room->sid);
    room_tell(ROOM_NEWS_FINISHED, room, NULL);
    free_room(room);
}

enum err room_directory_check(
    const struct room_directory *d, const char *name, const char *identity) {
    const struct room *room = room_directory_find(d, name);
    if (room == NULL) {
        return d->no_create && d->sfu != NULL && !d->winding_down
                   ? err_set(ERR_NOT_FOUND, "requested room does not exist")
                   : check_room_there(d);
    }
    const unsigned most = room->max_members != 0 && room->max_members < ROOM_MEMBERS_MAX
                              ? room->max_members
                              : ROOM_MEMBERS_MAX;
    const bool full = room->n_independent >= most || room->n_members >= ROOM_MEMBERS_MAX;
    return full && room_find_member(room, identity) == NULL
               ? err_set(ERR_LIMIT, "room has exceeded its max participants")
               : OK;
}

/* --- what all are told of a room --- */

static void tell_news(struct room *room) {
    struct room_member *m = NULL;
    room->told_us = room_directory_now(room->directory);
    room_timer_disarm(room->directory, &room->news);
    DL_FOREACH(room->members, m) {
        if (m->state != ROOM_JOINING) {
            m->observer->room(m->arg);
        }
    }
}

static void on_news(struct wheel_timer *t, int64_t now_us) {
    (void)now_us;
    tell_news((struct room *)((char *)t - offsetof(struct room, news)));
}

void room_count(struct room *room) {
    struct room_directory *d = room->directory;
    struct room_member *m = NULL;
    const unsigned counted = room->n_counted;
    const unsigned publishers = room->n_publishers;
    room->n_members = room->n_counted = room->n_independent = room->n_publishers = 0;
    DL_FOREACH(room->members, m) {
        const bool dependent = room_is_dependent(m);
        room->n_members++;
        room->n_counted += m->grant.hidden || dependent ? 0 : 1;
        room->n_independent += dependent ? 0 : 1;
        room->n_publishers += m->n_publications + m->n_data_tracks > 0 ? 1 : 0;
    }
    if (room->n_independent > 0) {
        room_timer_disarm(d, &room->ending);
    } else if (!wheel_is_armed(&room->ending)) {
        room_timer_arm(d, &room->ending, room->departure_s * SEC_US, on_ending);
    }
    if ((counted != room->n_counted || publishers != room->n_publishers) &&
        !wheel_is_armed(&room->news)) {
        const int64_t since =
            room->told_us == INT64_MIN ? 0 : room_directory_now(d) - room->told_us;
        const int64_t after = room->told_us == INT64_MIN || since > ROOM_NEWS_US - SEC_US
                                  ? SEC_US
                                  : ROOM_NEWS_US - since;
        room_timer_arm(d, &room->news, after, on_news);
    }
}

enum err room_send(struct room *room, bool reliable, const uint8_t *bytes, size_t len) {
    return room->id == 0 ? OK : sfu_room_send(room->directory->sfu, room->id, reliable, bytes, len);
}

enum err room_set_metadata(struct room *room, const char *metadata) {
    TRY(check_room_texts(room->name, metadata));
    char *copy = mem_strdup(metadata);
    if (copy == NULL) {
        return no_memory();
    }
    mem_free(room->metadata);
    room->metadata = copy;
    tell_news(room);
    return OK;
}
