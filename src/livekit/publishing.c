/* Announcements meet sections. Main. */
#include "livekit/publishing.h"

#include "core/log.h"
#include "livekit/messages.h"
#include "livekit/session.h"
#include "rooms/publication.h"
#include "rtc/sdp_params.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define SIZE_MOST UINT16_MAX

/* --- life --- */

static void free_announced(struct lk_announced *t) {
    if (t != NULL) {
        for (size_t i = 0; i < t->n_codecs; i++) {
            mem_free(t->codecs[i].cid);
        }
        mem_free(t->cid);
        mem_free(t);
    }
}

static void free_announcedp(struct lk_announced **t) {
    free_announced(*t);
}

static void forget_unknown(struct lk_publishing *p, struct lk_unknown *u) {
    DL_DELETE(p->unknown, u);
    mem_free(u->cid);
    mem_free(u);
}

void lk_publishing_finish(struct lk_session *s) {
    struct lk_publishing *p = &s->publishing;
    while (p->announced != NULL) {
        struct lk_announced *t = p->announced;
        DL_DELETE(p->announced, t);
        free_announced(t);
    }
    while (p->unknown != NULL) {
        forget_unknown(p, p->unknown);
    }
}

/* --- what was announced --- */

static enum room_source source_of(Lk__TrackSource source) {
    switch (source) {
    case LK__TRACK_SOURCE__CAMERA:
        return ROOM_CAMERA;
    case LK__TRACK_SOURCE__MICROPHONE:
        return ROOM_MICROPHONE;
    case LK__TRACK_SOURCE__SCREEN_SHARE:
        return ROOM_SCREEN;
    case LK__TRACK_SOURCE__SCREEN_SHARE_AUDIO:
        return ROOM_SCREEN_AUDIO;
    default:
        return ROOM_UNKNOWN;
    }
}

static const char *stream_of(const Lk__AddTrackRequest *r, enum room_source source) {
    static const char *const names[ROOM_SOURCES] = { "unknown", "camera", "camera", "screen",
        "screen" };
    return r->stream[0] != '\0' && strlen(r->stream) <= ROOM_STREAM_MAX ? r->stream : names[source];
}

static uint16_t pixels(uint32_t n) {
    return n > SIZE_MOST ? SIZE_MOST : (uint16_t)n;
}

/* Lowest first; each quality once. */
static void read_layers(struct room_track *t, Lk__VideoLayer *const *layers, size_t n) {
    for (int quality = 0; quality < RTC_ENCODINGS_MAX; quality++) {
        for (size_t i = 0; i < n; i++) {
            if ((int)layers[i]->quality == quality) {
                t->layers[t->n_layers++] = (struct room_layer){ .quality = (uint8_t)quality,
                    .width = pixels(layers[i]->width),
                    .height = pixels(layers[i]->height),
                    .bps = layers[i]->bitrate };
                break;
            }
        }
    }
}

static uint8_t read_features(const Lk__AddTrackRequest *r) {
    uint8_t bits = 0;
    for (size_t i = 0; i < r->n_audio_features; i++) {
        const unsigned bit = (unsigned)r->audio_features[i];
        bits |= (uint8_t)(bit < 8 ? 1u << bit : 0);
    }
    bits |= (uint8_t)(r->stereo ? 1u << LK__AUDIO_TRACK_FEATURE__TF_STEREO : 0);
    bits |= (uint8_t)(r->disable_dtx ? 1u << LK__AUDIO_TRACK_FEATURE__TF_NO_DTX : 0);
    return bits;
}

static void read_track(struct room_track *t, const Lk__AddTrackRequest *r) {
    const bool audio = r->type == LK__TRACK_TYPE__AUDIO;
    t->media = audio ? RTC_AUDIO : RTC_VIDEO;
    t->source = source_of(r->source);
    t->encryption = r->encryption == LK__ENCRYPTION__TYPE__GCM    ? ROOM_GCM
                    : r->encryption == LK__ENCRYPTION__TYPE__NONE ? ROOM_PLAIN
                                                                  : ROOM_CUSTOM;
    t->muted = r->muted;
    t->no_red = r->disable_red;
    t->width = pixels(r->width);
    t->height = pixels(r->height);
    t->backup = (uint8_t)(audio ? LK__BACKUP_CODEC_POLICY__SIMULCAST : r->backup_codec_policy);
    snprintf(t->name, sizeof(t->name), "%s", r->name);
    snprintf(t->stream, sizeof(t->stream), "%s", stream_of(r, t->source));
    if (audio) {
        t->features = read_features(r);
        t->stereo = (t->features & 1u << LK__AUDIO_TRACK_FEATURE__TF_STEREO) != 0;
        t->no_dtx = (t->features & 1u << LK__AUDIO_TRACK_FEATURE__TF_NO_DTX) != 0;
        return;
    }
    read_layers(t, r->layers, r->n_layers);
    if (t->n_layers == 0 && r->n_simulcast_codecs > 0) {
        read_layers(t, r->simulcast_codecs[0]->layers, r->simulcast_codecs[0]->n_layers);
    }
}

/* What we do not forward becomes the first that we do; one named twice counts once. */
static bool read_codecs(struct lk_announced *t, const Lk__AddTrackRequest *r) {
    for (size_t i = 0; i < r->n_simulcast_codecs && t->n_codecs < LK_TRACK_CODECS_MAX; i++) {
        const Lk__SimulcastCodec *c = r->simulcast_codecs[i];
        enum rtc_codec_type type = RTC_VP8;
        bool twice = c->codec[0] == '\0' || strlen(c->cid) > LK_CID_MAX_BYTES;
        if (!rtc_codec_find(c->codec, &type) || rtc_codec_media(type) != t->track.media) {
            type = t->track.media == RTC_VIDEO ? RTC_VP8 : RTC_OPUS;
        }
        for (size_t k = 0; k < t->n_codecs; k++) {
            twice = twice || t->codecs[k].type == type;
        }
        if (twice) {
            continue;
        }
        char *cid = mem_strdup(c->cid);
        if (cid == NULL) {
            return false;
        }
        t->codecs[t->n_codecs++] = (struct lk_announced_codec){ .type = type, .cid = cid };
    }
    return true;
}

static struct lk_announced *create(const Lk__AddTrackRequest *r) {
    CLEANUP(free_announcedp) struct lk_announced *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    read_track(&t->track, r);
    room_track_name(t->track.media, t->track.source, t->track.sid);
    t->cid = mem_strdup(r->cid);
    return t->cid != NULL && read_codecs(t, r) ? STEAL(t) : NULL;
}

/* --- which one --- */

static size_t count_pending(const struct lk_publishing *p) {
    const struct lk_announced *t = NULL;
    size_t n = 0;
    DL_FOREACH(p->announced, t) {
        n += t->publication == NULL ? 1 : 0;
    }
    return n;
}

static size_t count_of_cid(const struct lk_publishing *p, const char *cid) {
    const struct lk_announced *t = NULL;
    size_t n = 0;
    DL_FOREACH(p->announced, t) {
        n += strcmp(t->cid, cid) == 0 ? 1 : 0;
    }
    return n;
}

static bool is_pending(const struct lk_announced *t) {
    return t->publication == NULL && !t->queued && !t->chosen;
}

static bool has_cid(const struct lk_announced *t, const char *cid) {
    bool found = strcmp(t->cid, cid) == 0;
    for (size_t i = 0; i < t->n_codecs && !found; i++) {
        found = t->codecs[i].cid[0] != '\0' && strcmp(t->codecs[i].cid, cid) == 0;
    }
    return found;
}

static struct lk_announced *find_pending(
    const struct lk_publishing *p, const char *cid, enum rtc_media media) {
    struct lk_announced *t = NULL;
    DL_FOREACH(p->announced, t) {
        if (cid != NULL && is_pending(t) && t->track.media == media && has_cid(t, cid)) {
            return t;
        }
    }
    return NULL;
}

static struct lk_announced *find_oldest(const struct lk_publishing *p, enum rtc_media media) {
    struct lk_announced *t = NULL;
    DL_FOREACH(p->announced, t) {
        if (is_pending(t) && t->track.media == media) {
            return t;
        }
    }
    return NULL;
}

static struct lk_announced *find_published(const struct lk_publishing *p, const char *mid) {
    struct lk_announced *t = NULL;
    DL_FOREACH(p->announced, t) {
        if (t->publication != NULL && strcmp(t->publication->params.mid, mid) == 0) {
            return t;
        }
    }
    return NULL;
}

/* --- announcing --- */

static void refuse(struct lk_session *s, const Lk__AddTrackRequest *r,
    Lk__RequestResponse__Reason reason, const char *text) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    outcome.request_case = LK__REQUEST_RESPONSE__REQUEST_ADD_TRACK;
    outcome.add_track = (Lk__AddTrackRequest *)r;
    LOG_INFO(&s->member->log, "track_not_announced", "cid=%s text=%s", LOG_Q(r->cid), LOG_Q(text));
    lk_session_say_outcome(s, &outcome, reason, text);
}

void lk_publishing_say(struct lk_session *s, const struct lk_announced *t) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__TrackPublishedResponse p = LK__TRACK_PUBLISHED_RESPONSE__INIT;
    struct arena a;
    arena_init(&a);
    p.cid = t->cid;
    p.track = lk_message_announced(t, &a);
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_TRACK_PUBLISHED;
    m.track_published = &p;
    if (p.track != NULL) {
        lk_session_say(s, &m);
    }
    arena_finish(&a);
}

static bool allowed(struct lk_session *s, const Lk__AddTrackRequest *r) {
    const size_t same = count_of_cid(&s->publishing, r->cid);
    if (r->sid[0] != '\0') { /* a second codec for a track: we ask nobody for one */
        const bool known = room_find_publication(s->member, r->sid) != NULL;
        refuse(s, r,
            known ? LK__REQUEST_RESPONSE__REASON__UNSUPPORTED_TYPE
                  : LK__REQUEST_RESPONSE__REASON__NOT_FOUND,
            "no second codec is wanted");
    } else if (r->type != LK__TRACK_TYPE__AUDIO && r->type != LK__TRACK_TYPE__VIDEO) {
        refuse(s, r, LK__REQUEST_RESPONSE__REASON__UNSUPPORTED_TYPE, "neither audio nor video");
    } else if (!room_may_publish(s->member, source_of(r->source))) {
        refuse(s, r, LK__REQUEST_RESPONSE__REASON__NOT_ALLOWED, "no right to publish this");
    } else if (r->cid[0] == '\0' || strlen(r->cid) > LK_CID_MAX_BYTES ||
               strlen(r->name) > ROOM_TRACK_NAME_MAX) {
        refuse(s, r, LK__REQUEST_RESPONSE__REASON__INVALID_REQUEST, "no such id or name");
    } else if (count_pending(&s->publishing) >= LK_PENDING_MAX || same > LK_QUEUED_MAX) {
        refuse(s, r, LK__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED, "too many tracks announced");
    } else {
        return true;
    }
    return false;
}

static void publish(
    struct lk_session *s, struct lk_announced *t, const struct rtc_rtp_params *params) {
    enum err e = room_publish(s->member, &t->track, params, &t->publication);
    if (e != OK) {
        LOG_WARN(&s->member->log, "track_not_published", "sid=%s cause=%s text=%s", t->track.sid,
            err_name(e), LOG_Q(err_text()));
    }
}

/* The client's offer was faster. */
static void meet_unknown(struct lk_session *s, struct lk_announced *t) {
    struct lk_unknown *u = NULL, *next = NULL;
    DL_FOREACH_SAFE(s->publishing.unknown, u, next) {
        const bool same = u->cid == NULL || s->entry->firefox ? true : has_cid(t, u->cid);
        if (same && u->params.media == t->track.media) {
            publish(s, t, &u->params);
            forget_unknown(&s->publishing, u);
            return;
        }
    }
}

void lk_publishing_announce(struct lk_session *s, const Lk__AddTrackRequest *r) {
    if (!allowed(s, r)) {
        return;
    }
    struct lk_announced *t = create(r);
    if (t == NULL) {
        refuse(s, r, LK__REQUEST_RESPONSE__REASON__UNCLASSIFIED_ERROR, "no memory");
        return;
    }
    t->queued = count_of_cid(&s->publishing, r->cid) > 0;
    DL_APPEND(s->publishing.announced, t);
    if (t->queued) {
        refuse(s, r, LK__REQUEST_RESPONSE__REASON__QUEUED, "waits until the other one has ended");
        return;
    }
    lk_publishing_say(s, t);
    meet_unknown(s, t);
}

/* --- the end of one --- */

/* The next one of its cid may come. */
static void end_announced(struct lk_session *s, struct lk_announced *t) {
    struct lk_announced *other = NULL;
    DL_DELETE(s->publishing.announced, t);
    DL_FOREACH(s->publishing.announced, other) {
        if (other->queued && strcmp(other->cid, t->cid) == 0) {
            other->queued = false;
            lk_publishing_say(s, other);
            break;
        }
    }
    free_announced(t);
}

bool lk_publishing_mute(struct lk_session *s, const char *sid, bool muted) {
    struct lk_announced *t = NULL;
    DL_FOREACH(s->publishing.announced, t) {
        if (strcmp(t->track.sid, sid) == 0) {
            t->track.muted = muted;
            if (t->publication != NULL) {
                room_publication_mute(t->publication, muted);
            }
            return true;
        }
    }
    return false;
}

void lk_publishing_taken(struct lk_session *s, const struct room_publication *p) {
    struct lk_announced *t = NULL;
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__TrackUnpublishedResponse u = LK__TRACK_UNPUBLISHED_RESPONSE__INIT;
    u.track_sid = (char *)p->track.sid;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_TRACK_UNPUBLISHED;
    m.track_unpublished = &u;
    lk_session_say(s, &m);
    DL_FOREACH(s->publishing.announced, t) {
        if (t->publication == p) {
            end_announced(s, t);
            return;
        }
    }
}

/* --- descriptions --- */

static bool sends(const struct rtc_sdp_section *o) {
    return o != NULL && rtc_sdp_open(o) && (o->direction & RTC_SDP_SENDONLY) != 0;
}

void lk_publishing_withdraw(struct lk_session *s, const struct rtc_sdp *offer) {
    struct lk_publishing *p = &s->publishing;
    struct lk_announced *t = NULL, *next = NULL;
    while (p->unknown != NULL) { /* this offer says anew what is there */
        forget_unknown(p, p->unknown);
    }
    DL_FOREACH(p->announced, t) {
        t->chosen = false;
    }
    DL_FOREACH_SAFE(p->announced, t, next) {
        if (t->publication == NULL) {
            continue;
        }
        const struct rtc_sdp_section *o = rtc_sdp_find(offer, t->publication->params.mid);
        const char *cid = sends(o) ? rtc_sdp_track(o) : NULL;
        /* A section may change hands from one offer to the next. */
        if (!sends(o) || find_pending(p, cid, t->track.media) != NULL) {
            room_unpublish(t->publication, false);
            end_announced(s, t);
            next = p->announced; /* a queued one may have come to life: look at all again */
        }
    }
}

static bool offers_codec(const struct rtc_sdp_section *offered, enum rtc_codec_type type) {
    bool found = false;
    for (size_t i = 0; i < offered->n_codecs && !found; i++) {
        struct rtc_codec c;
        found = rtc_sdp_codec_read(&offered->codecs[i], &c) && c.type == type;
    }
    return found;
}

/* Firefox names a track as it likes, so the oldest announced one of its kind is meant. */
static struct lk_announced *find_for(
    struct lk_session *s, const struct rtc_sdp_section *offered, const char *cid) {
    const enum rtc_media media = offered->kind == RTC_SDP_AUDIO ? RTC_AUDIO : RTC_VIDEO;
    struct lk_announced *t = find_published(&s->publishing, offered->mid);
    if (t == NULL) {
        t = find_pending(&s->publishing, cid, media);
    }
    if (t == NULL && (cid == NULL || s->entry->firefox)) {
        t = find_oldest(&s->publishing, media);
    }
    return t;
}

/* Those who receive it and do not know RED are sent the Opus in it, and that can be found only
 * where nothing is encrypted end to end (livekit-protocol 5.13). */
static bool takes_red(const struct room_track *t) {
    return t->media == RTC_AUDIO && !t->no_red && t->encryption == ROOM_PLAIN;
}

struct lk_announced *lk_publishing_choose(
    struct lk_session *s, const struct rtc_sdp_section *offered, struct rtc_sdp_choice *ret) {
    const char *cid = rtc_sdp_track(offered);
    ret->take = s->member->grant.publish;
    ret->no_red = true;
    if (!ret->take) {
        return NULL;
    }
    struct lk_announced *t = find_for(s, offered, cid);
    if (t == NULL) {
        return NULL;
    }
    t->chosen = true;
    ret->opus =
        (uint8_t)((t->track.no_dtx ? 0 : RTC_OPUS_DTX) | (t->track.stereo ? RTC_OPUS_STEREO : 0));
    ret->no_red = !takes_red(&t->track) || !offers_codec(offered, RTC_RED);
    const enum rtc_codec_type wanted = !ret->no_red       ? RTC_RED
                                       : t->n_codecs == 0 ? RTC_OPUS
                                                          : t->codecs[0].type;
    ret->has_wanted = (!ret->no_red || t->n_codecs > 0) && offers_codec(offered, wanted);
    ret->wanted = wanted;
    ret->only_wanted = ret->has_wanted && s->entry->firefox && t->track.media == RTC_VIDEO;
    return t;
}

static void remember(struct lk_session *s, const struct rtc_sdp_section *offered,
    const struct rtc_rtp_params *params) {
    const char *cid = rtc_sdp_track(offered);
    struct lk_unknown *u = NULL;
    size_t n = 0;
    DL_COUNT(s->publishing.unknown, u, n);
    if (n >= LK_UNKNOWN_MAX || (cid != NULL && strlen(cid) > LK_CID_MAX_BYTES)) {
        return;
    }
    u = mem_zalloc(sizeof(*u));
    if (u == NULL) {
        return;
    }
    u->params = *params;
    u->cid = cid == NULL ? NULL : mem_strdup(cid);
    DL_APPEND(s->publishing.unknown, u);
}

void lk_publishing_agreed(struct lk_session *s, struct lk_announced *t,
    const struct rtc_sdp_section *offered, const struct rtc_sdp_section *answered) {
    struct rtc_rtp_params params;
    rtc_sdp_rtp_params(answered, offered, &params);
    if (t != NULL) {
        t->chosen = false;
    }
    if (t == NULL) {
        remember(s, offered, &params);
    } else if (t->publication == NULL) {
        publish(s, t, &params);
    } else {
        room_publication_update(t->publication, &params);
    }
}
