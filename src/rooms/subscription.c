/* Subscriptions: wish and permission make them live, the door's negotiation binds them. Main. */
#include "rooms/subscription.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "rooms/audience.h"
#include "rooms/census.h"
#include "rooms/directory.h"
#include "rooms/inside.h"
#include "rooms/measure.h"
#include "rooms/member.h"
#include "rooms/publication.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a subscription");
}

/* --- the record --- */

static struct room_subscription *find(const struct room_member *m, const char *sid) {
    struct room_subscription *s = NULL;
    HASH_FIND_STR(m->subscriptions, sid, s);
    return s;
}

static bool ssrc_is_taken(const struct room_member *m, uint32_t ssrc) {
    const struct room_subscription *s = NULL;
    const struct room_publication *p = NULL;
    bool taken = ssrc == 0;
    for (s = m->subscriptions; s != NULL && !taken; s = s->hh.next) {
        taken = s->ssrc == ssrc || s->rtx_ssrc == ssrc;
    }
    DL_FOREACH(m->publications, p) {
        for (uint8_t i = 0; i < p->params.n_encodings && !taken; i++) {
            taken = p->params.encodings[i].ssrc == ssrc || p->params.encodings[i].rtx_ssrc == ssrc;
        }
    }
    return taken;
}

static uint32_t new_ssrc(const struct room_member *m, uint32_t other) {
    uint32_t ssrc = 0;
    do {
        crypto_random(&ssrc, sizeof(ssrc));
    } while (ssrc == other || ssrc_is_taken(m, ssrc));
    return ssrc;
}

/* Packets never go on from an SSRC that others have been sent from: their numbers would begin anew,
 * and so would the key stream, and some clients show nothing that comes from it. */
static void renew(struct room_subscription *s) {
    s->ssrc = new_ssrc(s->member, 0);
    s->rtx_ssrc = new_ssrc(s->member, s->ssrc);
}

static enum err record(struct room_member *m, const char *sid, struct room_subscription **ret) {
    struct room_subscription *s = find(m, sid);
    if (s == NULL) {
        if (strlen(sid) >= ROOM_SID_SIZE) {
            return err_set(ERR_INVALID, "no track has such an id");
        }
        if (HASH_COUNT(m->subscriptions) >= ROOM_SUBSCRIPTIONS_MAX) {
            return err_set(
                ERR_LIMIT, "more than %d tracks for one participant", ROOM_SUBSCRIPTIONS_MAX);
        }
        s = mem_zalloc(sizeof(*s));
        if (s == NULL) {
            return no_memory();
        }
        s->member = m;
        snprintf(s->sid, sizeof(s->sid), "%s", sid);
        s->number = ++m->last_number;
        renew(s);
        s->wanted.quality = 2;
        s->part.type = ROOM_PART_SUBSCRIPTION;
        s->part.owner = s;
        HASH_ADD_STR(m->subscriptions, sid, s);
        if (s->hh.tbl == NULL) {
            mem_free(s);
            return no_memory();
        }
    }
    *ret = s;
    return OK;
}

static void link_to(struct room_subscription *s, struct room_publication *p) {
    if (s->publication == NULL) {
        room_timer_disarm(s->member->room->directory, &s->forget);
        s->publication = p;
        DL_APPEND(p->subscriptions, s);
    }
}

static void free_record(struct room_subscription *s) {
    struct room_member *m = s->member;
    room_timer_disarm(m->room->directory, &s->forget);
    if (s->publication != NULL) {
        DL_DELETE(s->publication->subscriptions, s);
    }
    HASH_DEL(m->subscriptions, s);
    mem_free(s);
}

static void on_forget(struct wheel_timer *t, int64_t now_us) {
    (void)now_us;
    free_record(
        (struct room_subscription *)((char *)t - offsetof(struct room_subscription, forget)));
}

/* The track may not be there yet: then the record waits for it. */
static enum err record_of(struct room_member *m, const char *sid, struct room_subscription **ret) {
    struct room_publication *p = room_find_track(m->room, sid);
    TRY(record(m, sid, ret));
    if (p != NULL && p->member != m) {
        link_to(*ret, p);
    } else if (!wheel_is_armed(&(*ret)->forget)) {
        room_timer_arm(m->room->directory, &(*ret)->forget, ROOM_UNKNOWN_US, on_forget);
    }
    return OK;
}

/* --- who receives --- */

static void set_bound(struct room_subscription *s, bool bound) {
    if (s->bound != bound) {
        s->bound = bound;
        room_census_subscription(bound ? 1 : -1);
    }
}

static void stop(struct room_subscription *s) {
    struct room_directory *d = s->member->room->directory;
    const sfu_id id = s->part.id;
    room_measure_end_delivery(s);
    room_part_remove(d, &s->part);
    if (id != 0) {
        sfu_subscription_close(d->sfu, id);
    }
    set_bound(s, false);
    s->stats = (struct sfu_stats){ 0 };
    s->flow = ROOM_FLOW_UNTOLD;
    s->mid[0] = '\0';
}

static void end_live(struct room_subscription *s) {
    struct room_member *m = s->member;
    const struct room_member *publisher = s->publication->member;
    if (s->live) {
        s->live = false;
        stop(s);
        renew(s);
        m->observer->unsubscribe(m->arg, s);
        if (publisher->state != ROOM_GONE && !room_hears(m, publisher)) {
            room_vitals_turned(m, publisher);
        }
    }
}

static void tell_permission(struct room_subscription *s, bool allowed) {
    const int now = allowed ? ROOM_ALLOWED : ROOM_DENIED;
    if ((int)s->told != now) {
        s->told = allowed ? ROOM_ALLOWED : ROOM_DENIED;
        s->member->observer->permission(s->member->arg, s->publication, allowed);
    }
}

static void judge(struct room_subscription *s) {
    struct room_member *m = s->member;
    struct room_publication *p = s->publication;
    const bool wanted = room_sees(m, p->member) && m->grant.subscribe &&
                        (s->wish == ROOM_YES || (s->wish == ROOM_UNSAID && m->auto_subscribe));
    const bool allowed = room_audience_allows(p->member->audience, m, s->sid);
    if (wanted || s->live) {
        tell_permission(s, allowed);
    }
    if (wanted && allowed && !s->live) {
        const bool heard = room_hears(m, p->member);
        s->live = true;
        m->observer->subscribe(m->arg, s);
        if (!heard) {
            room_vitals_turned(m, p->member);
        }
    } else if (!(wanted && allowed)) {
        end_live(s);
        room_publication_weigh(p);
        s->told = wanted ? s->told : ROOM_UNTOLD; /* told again when it is wanted again */
    }
}

void room_consider(struct room_member *m, struct room_publication *p) {
    struct room_subscription *s = find(m, p->track.sid);
    if (m == p->member || m->state == ROOM_JOINING || m->state == ROOM_GONE) {
        return;
    }
    if (s == NULL && !(m->auto_subscribe && m->grant.subscribe)) {
        return;
    }
    if (record(m, p->track.sid, &s) != OK) {
        LOG_WARN(&m->log, "subscription_failed", "sid=%s text=%s", p->track.sid, LOG_Q(err_text()));
        return;
    }
    link_to(s, p);
    judge(s);
}

void room_consider_all(struct room_member *m) {
    struct room_member *other = NULL;
    struct room_publication *p = NULL;
    DL_FOREACH(m->room->members, other) {
        DL_FOREACH(other->publications, p) {
            room_consider(m, p);
        }
    }
}

void room_publication_forsake(struct room_publication *p) {
    while (p->subscriptions != NULL) {
        struct room_subscription *s = p->subscriptions;
        end_live(s);
        free_record(s);
    }
}

/* The observer is not told any more; publishers may send less. */
void room_subscriptions_end(struct room_member *m) {
    while (m->subscriptions != NULL) {
        struct room_subscription *s = m->subscriptions;
        struct room_publication *p = s->publication;
        s->live = false;
        stop(s);
        free_record(s);
        if (p != NULL) {
            room_publication_weigh(p);
        }
    }
}

/* --- what subscribers say --- */

enum err room_subscribe(struct room_member *m, const char *sid, bool wish) {
    struct room_subscription *s = NULL;
    TRY(record_of(m, sid, &s));
    s->wish = wish ? ROOM_YES : ROOM_NO;
    if (s->publication != NULL) {
        judge(s);
    }
    return OK;
}

/* The SFU's highest layer: the last one of at most this quality. */
static uint8_t layer_of(const struct room_publication *p, uint8_t quality) {
    uint8_t layer = 0;
    for (uint8_t i = 0; i < p->track.n_layers; i++) {
        layer = p->track.layers[i].quality <= quality ? i : layer;
    }
    return p->track.n_layers == 0 ? quality : layer;
}

static struct sfu_wanted wanted_of(const struct room_subscription *s) {
    const struct room_wanted *w = &s->wanted;
    return (struct sfu_wanted){ .disabled = w->disabled,
        .width = w->width,
        .height = w->height,
        .spatial = layer_of(s->publication, w->quality),
        .fps = w->fps,
        .priority = w->priority,
        .may_pause = s->member->may_pause };
}

enum err room_want(struct room_member *m, const char *sid, const struct room_wanted *wanted) {
    struct room_subscription *s = NULL;
    TRY(record_of(m, sid, &s));
    s->wanted = *wanted;
    if (s->bound) {
        const struct sfu_wanted w = wanted_of(s);
        sfu_subscription_want(m->room->directory->sfu, s->part.id, &w);
        room_publication_weigh(s->publication);
    }
    return OK;
}

struct room_subscription *room_subscription_find(const struct room_member *m, uint32_t number) {
    struct room_subscription *s = m->subscriptions;
    while (s != NULL && (s->number != number || !s->live)) {
        s = s->hh.next;
    }
    return s;
}

/* --- the negotiation's result --- */

static enum err open_subscription(
    struct room_subscription *s, sfu_id transport, const struct rtc_rtp_params *params) {
    struct room_directory *d = s->member->room->directory;
    struct sfu_subscription_config *cfg = mem_zalloc(sizeof(*cfg));
    sfu_id id = 0;
    if (cfg == NULL) {
        return no_memory();
    }
    cfg->track = s->publication->part.id;
    cfg->params = *params;
    cfg->wanted = wanted_of(s);
    enum err e = sfu_subscription_open(d->sfu, transport, cfg, &id);
    mem_free(cfg);
    TRY(e);
    s->part.id = id;
    e = room_part_add(d, &s->part);
    if (e != OK) {
        sfu_subscription_close(d->sfu, id);
    }
    return e;
}

enum err room_subscription_bind(struct room_subscription *s, const struct rtc_rtp_params *params) {
    struct room_member *m = s->member;
    const enum room_way way = m->single ? ROOM_ONLY : ROOM_DOWN;
    struct room_publication *p = s->publication;
    if (!s->live || m->transports[way].part.id == 0) {
        return err_set(ERR_CONFLICT, "nothing to send this track over");
    }
    if (s->bound) {
        return strcmp(s->mid, params->mid) == 0
                   ? OK
                   : err_set(ERR_CONFLICT, "it is sent in section %s", s->mid);
    }
    stop(s);
    TRY(open_subscription(s, m->transports[way].part.id, params));
    set_bound(s, true);
    snprintf(s->mid, sizeof(s->mid), "%s", params->mid);
    if (!p->subscribed) {
        p->subscribed = true;
        p->member->observer->subscribed(p->member->arg, p);
    }
    room_publication_weigh(p);
    return OK;
}

void room_subscription_unbind(struct room_subscription *s) {
    if (s->bound) {
        stop(s);
        renew(s);
    }
}

void room_subscription_told(struct room_subscription *s, const struct sfu_event *event) {
    if (event->type == SFU_EVENT_STATS) {
        s->stats = event->stats;
        room_census_stats(&s->stats);
        room_measure_delivery(s, &s->stats);
    }
    if (event->type != SFU_EVENT_SUBSCRIPTION) {
        return;
    }
    if (event->subscription == SFU_SUBSCRIPTION_CODEC) {
        LOG_WARN(&s->member->log, "subscription_unfit", "sid=%s", s->sid);
        s->member->observer->unfit(s->member->arg, s);
    } else if (event->subscription == SFU_SUBSCRIPTION_PAUSED) {
        room_measure_pause(s, true);
        s->flow = ROOM_PAUSED;
        room_census_paused();
        s->member->observer->flow(s->member->arg, s, false);
    } else if (event->subscription == SFU_SUBSCRIPTION_RESUMED ||
               (event->subscription == SFU_SUBSCRIPTION_STARTED &&
                   s->publication->track.media == RTC_VIDEO)) {
        room_measure_pause(s, false);
        s->flow = ROOM_FLOWS;
        s->member->observer->flow(s->member->arg, s, true);
    } else if (event->subscription == SFU_SUBSCRIPTION_ENDED) {
        room_part_remove(s->member->room->directory, &s->part);
        set_bound(s, false);
    }
}

/* --- what publishers say --- */

enum err room_set_audience(
    struct room_member *m, bool everybody, const struct room_listener *listeners, size_t n) {
    struct room_audience *a = NULL;
    struct room_publication *p = NULL;
    struct room_member *other = NULL;
    if (!everybody) {
        TRY(room_audience_create(listeners, n, &a));
    } else if (m->audience == NULL) {
        return OK; /* as every client says after it has joined */
    }
    room_audience_destroy(m->audience);
    m->audience = a;
    DL_FOREACH(m->publications, p) {
        DL_FOREACH(m->room->members, other) {
            room_consider(other, p);
        }
    }
    room_data_offer_all(m);
    return OK;
}
