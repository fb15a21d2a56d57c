/* Publications: the SFU's tracks with what people call them, and what is wanted of them. Main. */
#include "rooms/publication.h"

#include "core/clock.h"
#include "rooms/census.h"
#include "rooms/directory.h"
#include "rooms/inside.h"
#include "rooms/measure.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

bool room_may_publish(const struct room_member *m, enum room_source source) {
    return m->grant.publish && (m->grant.sources == 0 || (m->grant.sources & 1u << source) != 0);
}

void room_track_name(enum rtc_media media, enum room_source source, char ret[ROOM_SID_SIZE]) {
    static const char letters[ROOM_SOURCES][2] = { "", "C", "M", "S", "s" };
    char prefix[8];
    snprintf(prefix, sizeof(prefix), "TR_%c%s", media == RTC_AUDIO ? 'A' : 'V', letters[source]);
    room_id_make(prefix, ret);
}

struct room_publication *room_find_publication(const struct room_member *m, const char *sid) {
    struct room_publication *p = NULL;
    DL_FOREACH(m->publications, p) {
        if (strcmp(p->track.sid, sid) == 0) {
            return p;
        }
    }
    return NULL;
}

struct room_publication *room_find_track(const struct room *room, const char *sid) {
    struct room_member *m = NULL;
    DL_FOREACH(room->members, m) {
        struct room_publication *p = room_find_publication(m, sid);
        if (p != NULL) {
            return p;
        }
    }
    return NULL;
}

/* --- layers --- */

/* The layers that signalling announced, lowest first, are the encodings that SDP names, in their
 * order. An encoding that nobody announced gets the next quality. */
static void fit_layers(struct room_publication *p) {
    struct room_track *t = &p->track;
    if (t->media == RTC_AUDIO) {
        return;
    }
    for (uint8_t i = 0; i < p->params.n_encodings; i++) {
        struct room_layer *layer = &t->layers[i];
        if (i >= t->n_layers) {
            /* A single one is the best there is: its publisher would stop it, told that nobody
             * wants the best. */
            const uint8_t quality = p->params.n_encodings == 1 ? 2 : i;
            *layer =
                (struct room_layer){ .quality = quality, .width = t->width, .height = t->height };
            t->n_layers = (uint8_t)(i + 1);
        }
        /* SSRCs that the SFU has learned stay as long as SDP does not name others. */
        const struct rtc_encoding *e = &p->params.encodings[i];
        if (e->ssrc != 0 || strcmp(e->rid, layer->encoding.rid) != 0) {
            layer->encoding = *e;
        }
    }
}

static void fill_layers(const struct room_publication *p, struct sfu_track_config *ret) {
    for (uint8_t i = 0; i < p->track.n_layers; i++) {
        ret->layers[i] = (struct sfu_layer){ .width = p->track.layers[i].width,
            .height = p->track.layers[i].height,
            .bps = p->track.layers[i].bps };
    }
}

/* --- life --- */

static void tell_subscribers_to_be(struct room_publication *p) {
    struct room_member *m = NULL;
    DL_FOREACH(p->member->room->members, m) {
        room_consider(m, p);
    }
}

static enum err open_track(struct room_publication *p) {
    struct room_directory *d = p->member->room->directory;
    struct sfu_track_config *cfg = mem_zalloc(sizeof(*cfg));
    sfu_id id = 0;
    if (cfg == NULL) {
        return err_set(ERR_NOMEM, "no memory for a track");
    }
    cfg->params = p->params;
    cfg->screen = p->track.source == ROOM_SCREEN;
    cfg->muted = p->track.muted;
    cfg->encrypted = p->track.encryption != ROOM_PLAIN;
    fill_layers(p, cfg);
    enum err e = sfu_track_open(d->sfu, p->member->transports[ROOM_UP].part.id, cfg, &id);
    mem_free(cfg);
    TRY(e);
    p->part.id = id;
    e = room_part_add(d, &p->part);
    if (e != OK) {
        sfu_track_close(d->sfu, id);
    }
    return e;
}

enum err room_publish(struct room_member *m, const struct room_track *track,
    const struct rtc_rtp_params *params, struct room_publication **ret) {
    if (!room_may_publish(m, track->source)) {
        return err_set(ERR_FORBIDDEN, "no right to publish this");
    }
    if (m->n_publications >= ROOM_PUBLICATIONS_MAX) {
        return err_set(ERR_LIMIT, "more than %d tracks of one participant", ROOM_PUBLICATIONS_MAX);
    }
    if (m->transports[ROOM_UP].part.id == 0) {
        return err_set(ERR_CONFLICT, "no connection to publish over");
    }
    struct room_publication *p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        return err_set(ERR_NOMEM, "no memory for a track");
    }
    p->member = m;
    p->track = *track;
    p->params = *params;
    p->quality = ROOM_QUALITY_QUIET;
    p->part.type = ROOM_PART_TRACK;
    p->part.owner = p;
    fit_layers(p);
    enum err e = open_track(p);
    if (e != OK) {
        mem_free(p);
        return e;
    }
    DL_APPEND(m->publications, p);
    m->n_publications++;
    room_census_track(1);
    LOG_INFO(&m->log, "track_published", "sid=%s codec=%s layers=%u", p->track.sid,
        params->n_codecs == 0 ? "-" : rtc_codec_name((enum rtc_codec_type)params->codecs[0].type),
        p->track.n_layers);
    room_member_changed(m);
    if (m->n_publications == 1) {
        room_count(m->room);
    }
    room_tell_track(ROOM_NEWS_PUBLISHED, p, false);
    *ret = p;
    tell_subscribers_to_be(p);
    return OK;
}

static void end_publication(struct room_publication *p, bool forced) {
    struct room_member *m = p->member;
    struct room_directory *d = m->room->directory;
    const sfu_id id = p->part.id;
    DL_DELETE(m->publications, p);
    m->n_publications--;
    room_census_track(-1);
    room_measure_end_track(p);
    room_timer_disarm(d, &p->less);
    room_publication_forsake(p);
    room_part_remove(d, &p->part);
    if (id != 0) {
        sfu_track_close(d->sfu, id);
    }
    LOG_INFO(&m->log, "track_unpublished", "sid=%s", p->track.sid);
    room_tell_track(ROOM_NEWS_UNPUBLISHED, p, forced);
}

void room_unpublish(struct room_publication *p, bool taken) {
    struct room_member *m = p->member;
    end_publication(p, taken);
    if (taken) {
        m->observer->unpublished(m->arg, p);
    }
    mem_free(p);
    room_member_changed(m);
    if (m->n_publications == 0) {
        room_count(m->room);
    }
}

void room_publications_end(struct room_member *m) {
    while (m->publications != NULL) {
        struct room_publication *p = m->publications;
        end_publication(p, false);
        mem_free(p);
    }
}

/* --- changes --- */

void room_publication_update(struct room_publication *p, const struct rtc_rtp_params *params) {
    if (memcmp(&p->params, params, sizeof(*params)) == 0) {
        return;
    }
    p->params = *params;
    fit_layers(p);
    sfu_track_update(p->member->room->directory->sfu, p->part.id, params);
    room_member_changed(p->member);
}

static void mute(struct room_publication *p, bool muted, bool forced) {
    if (p->track.muted != muted) {
        p->track.muted = muted;
        sfu_track_mute(p->member->room->directory->sfu, p->part.id, muted);
        room_member_changed(p->member);
        room_tell_track(muted ? ROOM_NEWS_MUTED : ROOM_NEWS_UNMUTED, p, forced);
    }
}

void room_publication_mute(struct room_publication *p, bool muted) {
    p->silenced = false;
    mute(p, muted, false);
}

void room_publication_silence(struct room_publication *p) {
    const struct room_member *m = p->member;
    mute(p, true, true);
    p->silenced = true;
    m->observer->silenced(m->arg, p);
}

void room_publication_resize(struct room_publication *p, uint16_t width, uint16_t height) {
    if (p->track.width != width || p->track.height != height) {
        p->track.width = width;
        p->track.height = height;
        room_member_changed(p->member);
    }
}

void room_publication_features(struct room_publication *p, uint8_t features) {
    if (p->track.features != features) {
        p->track.features = features;
        room_member_changed(p->member);
    }
}

/* The SSRCs of layers that SDP named by RID only: shown to others, since LiveKit does, but nobody
 * needs them, so they go out with the next real change. */
void room_publication_told(struct room_publication *p, const struct sfu_event *event) {
    if (event->type == SFU_EVENT_LAYER && event->layer.layer < p->track.n_layers) {
        struct rtc_encoding *e = &p->track.layers[event->layer.layer].encoding;
        e->ssrc = event->layer.encoding.ssrc;
        e->rtx_ssrc = event->layer.encoding.rtx_ssrc;
    } else if (event->type == SFU_EVENT_STATS) {
        p->stats = event->stats;
        room_census_stats(&p->stats);
        room_measure_track(p, &p->stats);
    } else if (event->type == SFU_EVENT_TRACK_LIVE) {
        LOG_DEBUG(&p->member->log, "track_live", "sid=%s", p->track.sid);
    } else if (event->type == SFU_EVENT_TRACK_FAILED) {
        LOG_WARN(&p->member->log, "track_failed", "sid=%s", p->track.sid);
        room_unpublish(p, true);
    }
}

/* --- what is wanted of it --- */

/* The quality of the lowest layer that is big enough (livekit-protocol 5.7). */
static int quality_for(const struct room_track *t, const struct room_wanted *w) {
    int best = w->quality;
    if (w->width == 0 && w->height == 0) {
        return best;
    }
    for (int i = t->n_layers - 1; i >= 0; i--) {
        const struct room_layer *layer = &t->layers[i];
        const bool enough = layer->width >= ROOM_WANTED_SIZE(w->width) ||
                            layer->height >= ROOM_WANTED_SIZE(w->height);
        if (enough || i == t->n_layers - 1) {
            best = layer->quality;
        }
    }
    return best;
}

static int wanted_now(const struct room_publication *p) {
    int best = ROOM_QUALITY_OFF;
    const struct room_subscription *s = NULL;
    DL_FOREACH(p->subscriptions, s) {
        const int q =
            s->bound && !s->wanted.disabled ? quality_for(&p->track, &s->wanted) : ROOM_QUALITY_OFF;
        best = q > best ? q : best;
    }
    return best;
}

static void tell_quality(struct room_publication *p, int quality) {
    struct room_member *m = p->member;
    p->quality = quality;
    room_timer_disarm(m->room->directory, &p->less);
    m->observer->quality(m->arg, p, quality);
}

static void on_less(struct wheel_timer *t, int64_t now_us) {
    struct room_publication *p =
        (struct room_publication *)((char *)t - offsetof(struct room_publication, less));
    const int wanted = wanted_now(p);
    (void)now_us;
    if (wanted != p->quality) {
        tell_quality(p, wanted);
    }
}

/* More at once; less when it has lasted. Before the first one receives it nobody is told. */
void room_publication_weigh(struct room_publication *p) {
    if (p->track.media != RTC_VIDEO || p->member->state == ROOM_GONE) {
        return;
    }
    const int wanted = wanted_now(p);
    if (p->quality == ROOM_QUALITY_QUIET && wanted == ROOM_QUALITY_OFF) {
        return;
    }
    if (wanted > p->quality) {
        tell_quality(p, wanted);
    } else if (wanted == p->quality) {
        room_timer_disarm(p->member->room->directory, &p->less);
    } else if (!wheel_is_armed(&p->less)) {
        room_timer_arm(p->member->room->directory, &p->less, ROOM_QUALITY_DELAY_US, on_less);
    }
}
