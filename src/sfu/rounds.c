/* Two timers of a room. */
#include "sfu/rounds.h"

#include "sfu/room.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <stddef.h>
#include <utlist.h>

/* --- who speaks --- */

/* A participant is as loud as the loudest of what it sends. */
static uint8_t loudness(const struct sfu_participant *p, int64_t now_us, bool *lingers) {
    uint8_t eighths = 0;
    struct sfu_transport *t = NULL;
    DL_FOREACH(p->transports, t) {
        struct sfu_track *track = NULL;
        DL_FOREACH(t->tracks, track) {
            uint8_t e = sfu_speaker_eighths(&track->speaker, now_us);
            eighths = e > eighths ? e : eighths;
            *lingers = *lingers || sfu_speaker_lingers(&track->speaker, now_us);
        }
    }
    return eighths;
}

static void tell_voices(struct sfu_room *r, const struct sfu_voice *voices, uint8_t n) {
    struct sfu_event *e = sfu_worker_event(r->worker, SFU_EVENT_SPEAKERS, r->object.id);
    if (e == NULL) {
        return;
    }
    e->speakers.n = n;
    for (uint8_t i = 0; i < n; i++) {
        e->speakers.voices[i] = voices[i];
    }
    sfu_worker_tell(r->worker, e);
}

/* What changed, the loudest first: level by level, since there are only nine. Main's word for each
 * is `eighths`; what it is now lies in the high half until it was told. */
enum { NOW_SHIFT = 4, TOLD_MASK = 0x0f };

static bool look(struct sfu_room *r, int64_t now_us) {
    bool lingers = false;
    struct sfu_participant *p = NULL;
    DL_FOREACH(r->participants, p) {
        p->eighths |= (uint8_t)(loudness(p, now_us, &lingers) << NOW_SHIFT);
        lingers = lingers || p->eighths != 0;
    }
    return lingers;
}

static void tell_changes(struct sfu_room *r) {
    struct sfu_voice voices[SFU_SPEAKERS_TOLD];
    uint8_t n = 0;
    for (int level = SFU_SPEAKER_STEPS; level >= 0; level--) {
        struct sfu_participant *p = NULL;
        DL_FOREACH(r->participants, p) {
            uint8_t now = p->eighths >> NOW_SHIFT;
            if (now != level || now == (p->eighths & TOLD_MASK)) {
                continue;
            }
            voices[n++] = (struct sfu_voice){ p->object.id, now };
            if (n == SFU_SPEAKERS_TOLD) {
                tell_voices(r, voices, n);
                n = 0;
            }
        }
    }
    if (n > 0) {
        tell_voices(r, voices, n);
    }
}

static void speakers_due(struct wheel_timer *timer, int64_t now_us) {
    struct sfu_room *r = (struct sfu_room *)((char *)timer - offsetof(struct sfu_room, speakers));
    bool lingers = look(r, now_us);
    tell_changes(r);
    struct sfu_participant *p = NULL;
    DL_FOREACH(r->participants, p) {
        p->eighths >>= NOW_SHIFT;
    }
    if (lingers) {
        wheel_arm(&r->worker->media->wheel, timer, now_us + SFU_SPEAKER_WINDOW_US, speakers_due);
    }
}

void sfu_rounds_voice(struct sfu_room *r) {
    if (!wheel_is_armed(&r->speakers)) {
        struct media_worker *m = r->worker->media;
        wheel_arm(&m->wheel, &r->speakers, m->now_us + SFU_SPEAKER_WINDOW_US, speakers_due);
    }
}

/* --- how it goes --- */

static void stats_due(struct wheel_timer *timer, int64_t now_us) {
    struct sfu_room *r = (struct sfu_room *)((char *)timer - offsetof(struct sfu_room, stats));
    struct sfu_participant *p = NULL;
    DL_FOREACH(r->participants, p) {
        sfu_stats_tell(p, now_us);
    }
    if (r->participants != NULL) {
        wheel_arm(&r->worker->media->wheel, timer, now_us + SFU_STATS_US, stats_due);
    }
}

void sfu_rounds_begin(struct sfu_room *r) {
    if (!wheel_is_armed(&r->stats)) {
        struct media_worker *m = r->worker->media;
        wheel_arm(&m->wheel, &r->stats, m->now_us + SFU_STATS_US, stats_due);
    }
}

void sfu_rounds_end(struct sfu_room *r) {
    wheel_disarm(&r->worker->media->wheel, &r->speakers);
    wheel_disarm(&r->worker->media->wheel, &r->stats);
}
