/* A directory over the fake SFU, in virtual time, and members that note what they are told. */
#ifndef TESTS_UNIT_ROOMS_WORLD_H
#define TESTS_UNIT_ROOMS_WORLD_H

#include "core/buf.h"
#include "core/clock.h"
#include "rooms/data_track.h"
#include "rooms/directory.h"
#include "rooms/member.h"
#include "rooms/observer.h"
#include "rooms/publication.h"
#include "rooms/subscription.h"
#include "tests/unit/fake_sfu.h"

struct guest {
    struct buf heard;      /* "member bob joined v1; subscribe TR_…; " with tracks by name */
    struct room_member *m; /* NULL once it is gone */
    struct room_subscription *latest;
    int gone; /* the reason, -1 = still there */
};

struct world {
    struct room_directory *rooms;
    int64_t now_us;
};

static inline void hear(void *arg, const char *fmt, const char *what, int n) {
    struct guest *g = arg;
    buf_printf(&g->heard, "%s", g->heard.len == 0 ? "" : "; ");
    /* fmt is one of ours below */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    buf_printf(&g->heard, fmt, what, n);
#pragma GCC diagnostic pop
}
static inline void hear_member(void *arg, const struct room_member *about) {
    static const char *const states[] = { "member %s joining v%d", "member %s joined v%d",
        "member %s active v%d", "member %s gone v%d" };
    hear(arg, states[about->state], about->identity, (int)about->version);
}
static inline void hear_room(void *arg) {
    const struct guest *g = arg;
    hear(arg, "room %s %d", g->m->room->name, (int)g->m->room->n_counted);
}
static inline void hear_subscribe(void *arg, struct room_subscription *s) {
    ((struct guest *)arg)->latest = s;
    hear(arg, "subscribe %s #%d", s->publication->track.name, (int)s->number);
}
static inline void hear_unsubscribe(void *arg, struct room_subscription *s) {
    hear(arg, "unsubscribe %s #%d", s->publication->track.name, (int)s->number);
}
static inline void hear_permission(void *arg, const struct room_publication *p, bool allowed) {
    hear(arg, "permission %s %d", p->track.name, allowed);
}
static inline void hear_unfit(void *arg, const struct room_subscription *s) {
    hear(arg, "unfit %s #%d", s->publication->track.name, (int)s->number);
}
static inline void hear_flow(void *arg, const struct room_subscription *s, bool flows) {
    hear(arg, flows ? "flows %s #%d" : "pauses %s #%d", s->publication->track.name, (int)s->number);
}
static inline void hear_subscribed(void *arg, const struct room_publication *p) {
    hear(arg, "subscribed %s %d", p->track.name, 1);
}
static inline void hear_quality(void *arg, const struct room_publication *p, int quality) {
    hear(arg, "quality %s %d", p->track.name, quality);
}
static inline void hear_unpublished(void *arg, const struct room_publication *p) {
    hear(arg, "unpublished %s %d", p->track.name, 1);
}
static inline void hear_silenced(void *arg, const struct room_publication *p) {
    hear(arg, "silenced %s %d", p->track.name, 1);
}
/* "handles cmd=1 pose=2": those of the publishers' tracks, as packets come with them now */
static inline void hear_data_handles(void *arg) {
    struct guest *g = arg;
    hear(arg, "handles%s", "", 0);
    for (struct room_data_subscription *s = g->m->data_subscriptions; s != NULL; s = s->hh.next) {
        if (s->handle != 0) {
            buf_printf(&g->heard, " %s=%u", s->track->name, s->handle);
        }
    }
}
static inline void hear_data_unpublished(void *arg, const struct room_data_track *t) {
    hear(arg, "data unpublished %s %d", t->name, t->handle);
}
static inline void hear_self(void *arg) {
    hear(arg, "self%s %d", "", 1);
}
static inline void hear_silent(void *arg) {
    hear(arg, "silent%s %d", "", 1);
}
static inline void hear_sequence(void *arg, uint32_t last) {
    hear(arg, "sequence%s %d", "", (int)last);
}
static inline void hear_voices(void *arg, const struct room_voice *voices, size_t n) {
    for (size_t i = 0; i < n; i++) {
        hear(arg, "voice %s %d", voices[i].who->identity, voices[i].eighths);
    }
}
static inline void hear_qualities(void *arg, const struct room_member *const *of, size_t n) {
    for (size_t i = 0; i < n; i++) {
        hear(arg, "is %s %d", of[i]->identity, (int)of[i]->quality);
    }
}
static inline void hear_leave(void *arg, enum room_reason reason) {
    struct guest *g = arg;
    g->gone = (int)reason;
    g->m = NULL;
    hear(arg, "leave%s %d", "", (int)reason);
}
static const struct room_observer ears = { hear_member, hear_room, hear_subscribe, hear_unsubscribe,
    hear_permission, hear_unfit, hear_flow, hear_subscribed, hear_quality, hear_unpublished,
    hear_silenced, hear_data_handles, hear_data_unpublished, hear_self, hear_silent, hear_sequence,
    hear_voices, hear_qualities, hear_leave };

static inline enum err world_open(struct world *w, const struct room_directory_config *cfg) {
    static const struct room_directory_config usual = { 0 };
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    fake_sfu_reset();
    *w = (struct world){ 0 };
    TRY(room_directory_create(cfg == NULL ? &usual : cfg, &w->rooms));
    return room_directory_start(w->rooms, &fake_sfu, NULL);
}
static inline void world_close(struct world *w) {
    room_directory_destroy(w->rooms);
    w->rooms = NULL;
}
static inline void world_wait(struct world *w, int64_t us) {
    const int64_t until = w->now_us + us;
    while (w->now_us < until) {
        w->now_us = until - w->now_us > SEC_US / 4 ? w->now_us + SEC_US / 4 : until;
        room_directory_turn(w->rooms, w->now_us);
    }
}

static const struct room_grant all_rights = {
    .subscribe = true, .publish = true, .publish_data = true, .update_own_metadata = true
};

static inline enum err try_join(
    struct world *w, struct guest *g, const struct room_member_config *cfg) {
    struct room_member_config c = *cfg;
    c.observer = &ears;
    c.arg = g;
    *g = (struct guest){ .gone = -1 };
    TRY(room_join(w->rooms, "r", NULL, &c, &g->m));
    room_joined(g->m);
    return OK;
}
/* Joins with all rights and one connection, which stands. */
static inline enum err try_enter(struct world *w, struct guest *g, const char *identity) {
    const struct rtc_ice_cred cred = { "ufrag", "pwd" };
    const struct room_member_config cfg = {
        .identity = identity, .grant = all_rights, .auto_subscribe = true, .single = true
    };
    TRY(try_join(w, g, &cfg));
    TRY(room_transport_open(g->m, ROOM_ONLY, &cred));
    const struct sfu_event up =
        fake_transport_event(g->m->transports[ROOM_ONLY].part.id, SFU_TRANSPORT_CONNECTED, 0);
    room_directory_told(w->rooms, &up);
    return OK;
}
static inline void enter(struct world *w, struct guest *g, const char *identity) {
    CHECK_ERR(OK, try_enter(w, g, identity));
}

static inline struct rtc_rtp_params some_params(enum rtc_media media, const char *mid) {
    struct rtc_rtp_params p = { .media = media, .n_codecs = 1 };
    snprintf(p.mid, sizeof(p.mid), "%s", mid);
    p.codecs[0].type = media == RTC_VIDEO ? RTC_VP8 : RTC_OPUS;
    return p;
}
/* A camera of three layers, or a microphone. */
static inline enum err try_publish(
    struct guest *g, const char *name, enum rtc_media media, struct room_publication **ret) {
    struct room_track t = { .media = media,
        .source = media == RTC_VIDEO ? ROOM_CAMERA : ROOM_MICROPHONE };
    const struct rtc_rtp_params params = some_params(media, name);
    room_track_name(media, t.source, t.sid);
    snprintf(t.name, sizeof(t.name), "%s", name);
    for (uint8_t i = 0; i < 3 && media == RTC_VIDEO; i++) {
        t.layers[t.n_layers++] = (struct room_layer){
            .quality = i, .width = (uint16_t)(320 << i), .height = (uint16_t)(180 << i)
        };
    }
    return room_publish(g->m, &t, &params, ret);
}
static inline struct room_publication *publish(
    struct guest *g, const char *name, enum rtc_media media) {
    struct room_publication *p = NULL;
    CHECK_ERR(OK, try_publish(g, name, media, &p));
    return p;
}
static inline void agree(struct guest *g, const char *mid) {
    const struct rtc_rtp_params params = some_params(g->latest->publication->track.media, mid);
    CHECK_ERR(OK, room_subscription_bind(g->latest, &params));
}

#define ATTRIBUTE(k, v)                                                                            \
    { (char *)(k), (char *)(v) }

/* What it heard since the last time. */
#define CHECK_HEARD(want, g)                                                                       \
    do {                                                                                           \
        CHECK_STR(want, buf_str(&(g)->heard));                                                     \
        buf_clear(&(g)->heard);                                                                    \
    } while (0)
static inline void forget_heard(struct guest *g) {
    buf_clear(&g->heard);
}
static inline void guest_finish(struct guest *g) {
    buf_finish(&g->heard);
}

#endif
