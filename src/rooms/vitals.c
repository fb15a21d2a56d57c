/* Voices and qualities, and who is told of whose. Main. */
#include "rooms/vitals.h"

#include "core/clock.h"
#include "rooms/census.h"
#include "rooms/directory.h"
#include "rooms/inside.h"
#include "rooms/measure.h"

#include <utlist.h>

/* --- telling one viewer --- */

struct letter {
    struct room_member *viewer;
    size_t n_voices, n_of;
    struct room_voice voices[ROOM_VITALS_TOLD];
    const struct room_member *of[ROOM_VITALS_TOLD]; /* of their qualities */
};

static void begin(struct letter *l, struct room_member *viewer) {
    l->viewer = viewer;
    l->n_voices = l->n_of = 0;
}

static void flush(struct letter *l) {
    const struct room_observer *o = l->viewer->observer;
    if (l->n_voices > 0) {
        o->voices(l->viewer->arg, l->voices, l->n_voices);
    }
    if (l->n_of > 0) {
        o->qualities(l->viewer->arg, l->of, l->n_of);
    }
    begin(l, l->viewer);
}

static void add_voice(struct letter *l, const struct room_member *who, uint8_t eighths) {
    if (l->n_voices == ROOM_VITALS_TOLD) {
        flush(l);
    }
    l->voices[l->n_voices++] = (struct room_voice){ who, eighths };
}

static void add_quality(struct letter *l, const struct room_member *of) {
    if (l->n_of == ROOM_VITALS_TOLD) {
        flush(l);
    }
    if (of->mos > 0) {
        l->of[l->n_of++] = of;
    }
}

/* --- who is told --- */

bool room_hears(const struct room_member *viewer, const struct room_member *m) {
    const struct room_publication *p = NULL;
    bool live = viewer == m && viewer->state != ROOM_JOINING;
    DL_FOREACH(m->publications, p) {
        const struct room_subscription *s = NULL;
        HASH_FIND_STR(viewer->subscriptions, p->track.sid, s);
        live = live || (s != NULL && s->live);
    }
    return live;
}

void room_vitals_turned(struct room_member *viewer, const struct room_member *of) {
    struct letter l;
    const bool hears = room_hears(viewer, of);
    begin(&l, viewer);
    if (of->eighths > 0) {
        add_voice(&l, of, hears ? of->eighths : 0);
    }
    if (hears) {
        add_quality(&l, of);
    }
    flush(&l);
}

void room_vitals_tell(struct room_member *m) {
    struct letter l;
    const struct room_member *of = NULL;
    begin(&l, m);
    DL_FOREACH(m->room->members, of) {
        if (!room_hears(m, of)) {
            continue;
        }
        if (of->spoke) {
            add_voice(&l, of, of->eighths); /* also who is silent by now */
        }
        add_quality(&l, of);
    }
    flush(&l);
}

/* --- what the SFU says --- */

static void tell_voices(struct room_member *viewer, const struct room_voice *voices, size_t n) {
    struct letter l;
    begin(&l, viewer);
    for (size_t i = 0; i < n; i++) {
        if (room_hears(viewer, voices[i].who)) {
            add_voice(&l, voices[i].who, voices[i].eighths);
        }
    }
    flush(&l);
}

void room_told(struct room *room, const struct sfu_event *event) {
    struct room_voice voices[SFU_SPEAKERS_TOLD];
    struct room_member *viewer = NULL;
    size_t n = 0;
    for (uint8_t i = 0; event->type == SFU_EVENT_SPEAKERS && i < event->speakers.n; i++) {
        const struct sfu_voice *v = &event->speakers.voices[i];
        struct room_member *m = room_part_member(room->directory, v->participant);
        if (m != NULL) {
            m->eighths = v->eighths;
            m->spoke = m->spoke || v->eighths > 0;
            voices[n++] = (struct room_voice){ m, v->eighths };
        }
    }
    DL_FOREACH(room->members, viewer) {
        tell_voices(viewer, voices, n);
    }
}

static void tell_fresh(struct room_member *viewer) {
    struct letter l;
    const struct room_member *m = NULL;
    begin(&l, viewer);
    DL_FOREACH(viewer->room->members, m) {
        if (m->fresh && room_hears(viewer, m)) {
            add_quality(&l, m);
        }
    }
    flush(&l);
}

static void on_vitals(struct wheel_timer *t, int64_t now_us) {
    struct room *room = (struct room *)((char *)t - offsetof(struct room, vitals));
    struct room_member *m = NULL;
    (void)now_us;
    DL_FOREACH(room->members, m) {
        tell_fresh(m);
    }
    DL_FOREACH(room->members, m) {
        m->fresh = false;
    }
}

void room_vitals_told(struct room_member *m, const struct sfu_event *event) {
    if (event->type != SFU_EVENT_QUALITY) {
        return;
    }
    const enum sfu_quality before = m->quality;
    const float mos_before = m->mos;
    m->quality = event->quality.quality;
    m->mos = event->quality.mos;
    m->fresh = true;
    room_census_quality(m, before, mos_before);
    room_measure_quality(m);
    if (!wheel_is_armed(&m->room->vitals)) {
        room_timer_arm(m->room->directory, &m->room->vitals, ROOM_VITALS_US, on_vitals);
    }
}
