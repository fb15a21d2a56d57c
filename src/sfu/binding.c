/*
 * Whose packets an SSRC carries. A description names SSRCs, or RIDs; then the first packets of each
 * layer carry MID and RID until we have seen them (RFC 8852, RFC 8843, 9.2).
 */
#include "core/mem.h"
#include "rtc/rtpext.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <string.h>
#include <utlist.h>

static struct sfu_binding *find(struct sfu_transport *t, uint32_t ssrc) {
    for (uint16_t i = 0; i < t->n_ssrcs; i++) {
        if (t->bindings[i].ssrc == ssrc) {
            return &t->bindings[i];
        }
    }
    return NULL;
}

/* False when there is no room for one more. */
static bool add(
    struct sfu_transport *t, uint32_t ssrc, struct sfu_track *track, unsigned layer, bool rtx) {
    if (t->n_ssrcs == t->ssrcs_cap) {
        return false;
    }
    t->bindings[t->n_ssrcs++] = (struct sfu_binding){ track, ssrc, (uint8_t)layer, rtx };
    sfu_track_bound(track, layer, ssrc, rtx);
    return true;
}

static bool is_free(struct sfu_transport *t, uint32_t ssrc, const struct sfu_track *track) {
    const struct sfu_binding *b = ssrc == 0 ? NULL : find(t, ssrc);
    return b == NULL || b->track == track;
}

/* SSRCs that a track has, or will have once its layers are learned. */
static unsigned ssrcs_of(const struct rtc_rtp_params *p) {
    bool rtx = false;
    for (unsigned i = 0; i < p->n_codecs; i++) {
        rtx |= p->codecs[i].rtx_pt != RTC_NO_PT;
    }
    return p->n_encodings * (rtx ? 2U : 1U);
}

static unsigned ssrcs_of_all(const struct sfu_transport *t) {
    unsigned n = 0;
    const struct sfu_track *track = NULL;
    DL_FOREACH(t->tracks, track) {
        n += ssrcs_of(&track->config.params);
    }
    return n;
}

/* Room for both SSRCs of every layer that was described. */
static enum err make_room(struct sfu_transport *t) {
    size_t n = 0;
    const struct sfu_track *track = NULL;
    DL_FOREACH(t->tracks, track) {
        n += track->config.params.n_encodings * 2U;
    }
    if (n <= t->ssrcs_cap) {
        return OK;
    }
    struct sfu_binding *more = mem_realloc(t->bindings, n * sizeof(*more));
    if (more == NULL) {
        return err_set(ERR_NOMEM, "no memory for %zu SSRCs", n);
    }
    t->bindings = more;
    t->ssrcs_cap = (uint16_t)n;
    return OK;
}

/* Gives the layer the SSRC that was described; another one before it is nobody's from now on. */
static void name(
    struct sfu_transport *t, uint32_t ssrc, struct sfu_track *track, unsigned layer, bool rtx) {
    const struct sfu_track_layer *l = &track->layers[layer];
    uint32_t before = rtx ? l->rtx_ssrc : l->ssrc;
    if (ssrc == 0 || find(t, ssrc) != NULL) {
        return;
    }
    struct sfu_binding *b = before == 0 ? NULL : find(t, before);
    if (b != NULL) {
        *b = (struct sfu_binding){ track, ssrc, (uint8_t)layer, rtx };
        sfu_track_bound(track, layer, ssrc, rtx);
    } else {
        (void)add(t, ssrc, track, layer, rtx);
    }
}

enum err sfu_transport_bind(struct sfu_transport *t, struct sfu_track *track) {
    const struct rtc_rtp_params *p = &track->config.params;
    for (unsigned i = 0; i < p->n_encodings; i++) {
        const struct rtc_encoding *e = &p->encodings[i];
        if (!is_free(t, e->ssrc, track) || !is_free(t, e->rtx_ssrc, track)) {
            return err_set(ERR_CONFLICT, "SSRC %u or %u is another track's", e->ssrc, e->rtx_ssrc);
        }
    }
    unsigned n = ssrcs_of_all(t);
    if (n > SFU_SSRCS_MAX) {
        return err_set(ERR_LIMIT, "more than %d SSRCs", SFU_SSRCS_MAX);
    }
    TRY(make_room(t));
    TRY(media_transport_reserve(t->media, n));
    for (unsigned i = 0; i < p->n_encodings; i++) {
        name(t, p->encodings[i].ssrc, track, i, false);
        name(t, p->encodings[i].rtx_ssrc, track, i, true);
    }
    for (unsigned k = 0; k < RTC_EXT_COUNT; k++) {
        t->ext[k] = p->ext[k] != 0 ? p->ext[k] : t->ext[k];
    }
    return OK;
}

void sfu_transport_unbind(struct sfu_transport *t, const struct sfu_track *track) {
    uint16_t kept = 0;
    for (uint16_t i = 0; i < t->n_ssrcs; i++) {
        if (t->bindings[i].track != track) {
            t->bindings[kept++] = t->bindings[i];
        }
    }
    t->n_ssrcs = kept;
}

/* --- learning --- */

static bool says(struct cur element, const char *name) {
    size_t n = strlen(name);
    return n > 0 && cur_left(&element) == n && memcmp(element.p, name, n) == 0;
}

static void tell_layer(struct sfu_transport *t, const struct sfu_track *track, unsigned layer) {
    struct sfu_event *e = sfu_worker_event(t->worker, SFU_EVENT_LAYER, track->object.id);
    if (e != NULL) {
        e->layer.layer = (uint8_t)layer;
        e->layer.encoding = track->config.params.encodings[layer];
        e->layer.encoding.ssrc = track->layers[layer].ssrc;
        e->layer.encoding.rtx_ssrc = track->layers[layer].rtx_ssrc;
        sfu_worker_tell(t->worker, e);
    }
}

/* The layer that this RID names, or the only one of a track without RIDs; -1 = none. */
static int layer_of(const struct sfu_track *track, struct cur rid) {
    const struct rtc_rtp_params *p = &track->config.params;
    if (p->n_encodings == 1 && p->encodings[0].rid[0] == '\0') {
        return 0;
    }
    for (unsigned i = 0; i < p->n_encodings; i++) {
        if (says(rid, p->encodings[i].rid)) {
            return (int)i;
        }
    }
    return -1;
}

/* Only a layer that has no SSRC yet takes one: a peer cannot rename what flows. */
static bool learn(
    struct sfu_transport *t, struct sfu_track *track, uint32_t ssrc, struct cur rid, bool rtx) {
    int layer = layer_of(track, rid);
    if (layer < 0) {
        return false;
    }
    const struct sfu_track_layer *l = &track->layers[layer];
    if ((rtx ? l->rtx_ssrc : l->ssrc) != 0 || !add(t, ssrc, track, (unsigned)layer, rtx)) {
        return false;
    }
    tell_layer(t, track, (unsigned)layer);
    return true;
}

static struct sfu_track *track_of(struct sfu_transport *t, struct cur mid) {
    struct sfu_track *track = NULL;
    DL_FOREACH(t->tracks, track) {
        if (says(mid, track->config.params.mid)) {
            return track;
        }
    }
    return NULL;
}

const struct sfu_binding *sfu_transport_whose(
    struct sfu_transport *t, const uint8_t *packet, const struct rtc_rtp *rtp) {
    const struct sfu_binding *known = find(t, rtp->ssrc);
    if (known != NULL) {
        return known;
    }
    struct rtc_rtpext x;
    rtc_rtpext_read(packet, rtp, t->ext, &x);
    struct sfu_track *track = track_of(t, rtc_rtpext_bytes(packet, &x, RTC_EXT_MID));
    const struct rtc_codec *codec =
        track == NULL ? NULL : rtc_codec_of_pt(&track->config.params, rtp->pt);
    if (codec == NULL) {
        return NULL;
    }
    bool rtx = codec->pt != rtp->pt;
    struct cur rid = rtc_rtpext_bytes(packet, &x, rtx ? RTC_EXT_REPAIRED_RID : RTC_EXT_RID);
    return learn(t, track, rtp->ssrc, rid, rtx) ? find(t, rtp->ssrc) : NULL;
}
