/* Data tracks and who receives them: two lists and a rule. Main. */
#include "rooms/data_track.h"

#include "rooms/audience.h"
#include "rooms/directory.h"
#include "rooms/inside.h"
#include "rooms/member.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a data track");
}

/* --- who publishes what --- */

struct room_data_track *room_data_find(const struct room_member *m, uint16_t handle) {
    struct room_data_track *t = NULL;
    DL_FOREACH(m->data_tracks, t) {
        if (t->handle == handle) {
            return t;
        }
    }
    return NULL;
}

struct room_data_track *room_data_find_name(const struct room_member *m, const char *name) {
    struct room_data_track *t = NULL;
    DL_FOREACH(m->data_tracks, t) {
        if (strcmp(t->name, name) == 0) {
            return t;
        }
    }
    return NULL;
}

struct room_data_track *room_data_find_sid(const struct room_member *m, const char *sid) {
    struct room_data_track *t = NULL;
    DL_FOREACH(m->data_tracks, t) {
        if (strcmp(t->sid, sid) == 0) {
            return t;
        }
    }
    return NULL;
}

static struct room_data_track *find_in_room(const struct room *room, const char *sid) {
    const struct room_member *m = NULL;
    DL_FOREACH(room->members, m) {
        struct room_data_track *t = room_data_find_sid(m, sid);
        if (t != NULL) {
            return t;
        }
    }
    return NULL;
}

/* --- the record of a wish --- */

static struct room_data_subscription *find(const struct room_member *m, const char *sid) {
    struct room_data_subscription *s = NULL;
    HASH_FIND_STR(m->data_subscriptions, sid, s);
    return s;
}

/* As media tracks are counted, for themselves. */
static enum err record(
    struct room_member *m, const char *sid, struct room_data_subscription **ret) {
    struct room_data_subscription *s = find(m, sid);
    if (s == NULL) {
        if (strlen(sid) >= ROOM_SID_SIZE) {
            return err_set(ERR_INVALID, "no track has such an id");
        }
        if (HASH_COUNT(m->data_subscriptions) >= ROOM_SUBSCRIPTIONS_MAX) {
            return err_set(
                ERR_LIMIT, "more than %d data tracks for one participant", ROOM_SUBSCRIPTIONS_MAX);
        }
        s = mem_zalloc(sizeof(*s));
        if (s == NULL) {
            return no_memory();
        }
        s->member = m;
        s->wish = m->auto_subscribe_data;
        snprintf(s->sid, sizeof(s->sid), "%s", sid);
        HASH_ADD_STR(m->data_subscriptions, sid, s);
        if (s->hh.tbl == NULL) {
            mem_free(s);
            return no_memory();
        }
    }
    *ret = s;
    return OK;
}

static void link_to(struct room_data_subscription *s, struct room_data_track *t) {
    if (s->track == NULL) {
        room_timer_disarm(s->member->room->directory, &s->forget);
        s->track = t;
        DL_APPEND(t->subscriptions, s);
    }
}

static void free_record(struct room_data_subscription *s) {
    room_timer_disarm(s->member->room->directory, &s->forget);
    if (s->track != NULL) {
        DL_DELETE(s->track->subscriptions, s);
    }
    HASH_DEL(s->member->data_subscriptions, s);
    mem_free(s);
}

static void on_forget(struct wheel_timer *t, int64_t now_us) {
    (void)now_us;
    free_record((struct room_data_subscription *)((char *)t -
                                                  offsetof(struct room_data_subscription, forget)));
}

/* --- who receives --- */

static bool handle_is_taken(const struct room_member *m, uint16_t handle) {
    const struct room_data_subscription *s = m->data_subscriptions;
    while (s != NULL && s->handle != handle) {
        s = s->hh.next;
    }
    return s != NULL;
}

/* Not the one that was used last: packets of another track may still be on their way with it. There
 * are more handles than ROOM_SUBSCRIPTIONS_MAX. */
static uint16_t new_handle(struct room_member *m) {
    do {
        m->last_data_handle++;
    } while (m->last_data_handle == 0 || handle_is_taken(m, m->last_data_handle));
    return m->last_data_handle;
}

static void tell(struct room_member *m) {
    m->observer->data_handles(m->arg);
}

static bool start(struct room_data_subscription *s) {
    struct room_member *m = s->member;
    const uint16_t handle = new_handle(m);
    if (sfu_data_subscription_open(m->room->directory->sfu, m->id, s->track->id, handle, &s->id) !=
        OK) {
        LOG_WARN(&m->log, "subscription_failed", "sid=%s text=%s", s->sid, LOG_Q(err_text()));
        return false;
    }
    s->handle = handle;
    return true;
}

static void stop(struct room_data_subscription *s) {
    if (s->handle != 0) {
        sfu_data_subscription_close(s->member->room->directory->sfu, s->id);
        s->handle = 0;
        s->id = 0;
    }
}

/* Has something changed? */
static bool judge(struct room_data_subscription *s) {
    const struct room_member *m = s->member;
    const struct room_member *publisher = s->track->member;
    const bool live = s->wish && m->grant.subscribe && room_sees(m, publisher) &&
                      room_audience_allows(publisher->audience, m, s->sid);
    if (live == (s->handle != 0)) {
        return false;
    }
    if (live) {
        return start(s);
    }
    stop(s);
    return true;
}

static bool consider(struct room_member *m, struct room_data_track *t) {
    struct room_data_subscription *s = find(m, t->sid);
    if (m == t->member || m->state == ROOM_JOINING || m->state == ROOM_GONE) {
        return false;
    }
    if (s == NULL && !m->auto_subscribe_data) {
        return false;
    }
    if (record(m, t->sid, &s) != OK) {
        LOG_WARN(&m->log, "subscription_failed", "sid=%s text=%s", t->sid, LOG_Q(err_text()));
        return false;
    }
    link_to(s, t);
    return judge(s);
}

void room_data_consider_all(struct room_member *m) {
    const struct room_member *other = NULL;
    struct room_data_track *t = NULL;
    bool changed = false;
    DL_FOREACH(m->room->members, other) {
        DL_FOREACH(other->data_tracks, t) {
            changed = consider(m, t) || changed;
        }
    }
    if (changed) {
        tell(m);
    }
}

void room_data_offer_all(struct room_member *publisher) {
    struct room_member *m = NULL;
    DL_FOREACH(publisher->room->members, m) {
        struct room_data_track *t = NULL;
        bool changed = false;
        DL_FOREACH(publisher->data_tracks, t) {
            changed = consider(m, t) || changed;
        }
        if (changed) {
            tell(m);
        }
    }
}

enum err room_data_subscribe(struct room_member *m, const char *sid, bool wish) {
    struct room_data_subscription *s = NULL;
    struct room_data_track *t = find_in_room(m->room, sid);
    TRY(record(m, sid, &s));
    s->wish = wish;
    if (t != NULL && t->member != m) {
        link_to(s, t);
    } else if (!wheel_is_armed(&s->forget)) {
        room_timer_arm(m->room->directory, &s->forget, ROOM_UNKNOWN_US, on_forget);
    }
    if (s->track != NULL && judge(s)) {
        tell(m);
    }
    return OK;
}

void room_data_subscriptions_end(struct room_member *m) {
    while (m->data_subscriptions != NULL) {
        stop(m->data_subscriptions);
        free_record(m->data_subscriptions);
    }
}

/* --- life of a track --- */

enum err room_data_publish(
    struct room_member *m, const struct room_data_said *said, struct room_data_track **ret) {
    assert(said->handle != 0 && room_data_find(m, said->handle) == NULL &&
           strlen(said->name) <= ROOM_DATA_NAME_MAX);
    if (!m->grant.publish_data) {
        return err_set(ERR_FORBIDDEN, "no right to send data");
    }
    if (m->n_data_tracks >= ROOM_DATA_TRACKS_MAX) {
        return err_set(
            ERR_LIMIT, "more than %d data tracks of one participant", ROOM_DATA_TRACKS_MAX);
    }
    struct room_data_track *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return no_memory();
    }
    t->member = m;
    t->handle = said->handle;
    t->encryption = said->encryption;
    t->type = said->type;
    snprintf(t->name, sizeof(t->name), "%s", said->name);
    room_id_make("DTR_", t->sid);
    enum err e = sfu_data_track_open(m->room->directory->sfu, m->id, t->handle, &t->id);
    if (e != OK) {
        mem_free(t);
        return e;
    }
    DL_APPEND(m->data_tracks, t);
    m->n_data_tracks++;
    LOG_INFO(&m->log, "data_track_published", "sid=%s", t->sid);
    room_member_changed(m);
    room_count(m->room);
    room_tell_data_track(ROOM_NEWS_DATA_PUBLISHED, t, false);
    *ret = t;
    room_data_offer_all(m);
    return OK;
}

static void end_track(struct room_data_track *t, bool forced) {
    struct room_member *m = t->member;
    DL_DELETE(m->data_tracks, t);
    m->n_data_tracks--;
    while (t->subscriptions != NULL) {
        struct room_data_subscription *s = t->subscriptions;
        struct room_member *subscriber = s->member;
        const bool live = s->handle != 0;
        stop(s);
        free_record(s);
        if (live) {
            tell(subscriber);
        }
    }
    sfu_data_track_close(m->room->directory->sfu, t->id);
    LOG_INFO(&m->log, "data_track_unpublished", "sid=%s", t->sid);
    room_tell_data_track(ROOM_NEWS_DATA_UNPUBLISHED, t, forced);
}

void room_data_unpublish(struct room_data_track *t) {
    struct room_member *m = t->member;
    end_track(t, false);
    mem_free(t);
    room_member_changed(m);
    room_count(m->room);
}

void room_data_take_all(struct room_member *m) {
    while (m->data_tracks != NULL) {
        struct room_data_track *t = m->data_tracks;
        end_track(t, true);
        m->observer->data_unpublished(m->arg, t);
        mem_free(t);
    }
}

void room_data_tracks_end(struct room_member *m) {
    while (m->data_tracks != NULL) {
        struct room_data_track *t = m->data_tracks;
        end_track(t, false);
        mem_free(t);
    }
}
