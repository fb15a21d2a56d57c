/* What clients of the world publish, and what they subscribe to. */
#include "unit/test.h"
#include "world.h"

#include <string.h>

enum {
    PT_OPUS = 111,
    PT_RED = 63,
    PT_VP8 = 96,
    PT_H264 = 125,
    PT_RTX = 97,
    EXT_MID = 1,
    EXT_RID = 2,
    EXT_RRID = 3,
    EXT_TWCC = WORLD_EXT_WIDE,
    EXT_LEVEL = 6
};

static void add_codecs(struct rtc_rtp_params *p, const struct world_kind *kind) {
    struct rtc_codec opus = { .type = RTC_OPUS,
        .pt = PT_OPUS,
        .rtx_pt = RTC_NO_PT,
        .feedback = RTC_FB_NACK,
        .channels = 2,
        .clock_rate = 48000 };
    struct rtc_codec video = { .type = kind->codec == WORLD_H264 ? RTC_H264 : RTC_VP8,
        .pt = kind->codec == WORLD_H264 ? PT_H264 : PT_VP8,
        .rtx_pt = kind->no_rtx ? RTC_NO_PT : PT_RTX,
        .feedback = RTC_FB_NACK | RTC_FB_PLI | RTC_FB_TRANSPORT_CC,
        .h264_level = kind->codec == WORLD_H264 ? 0x42e01f : 0,
        .profile = kind->codec == WORLD_H264,
        .clock_rate = 90000 };
    if (kind->codec == WORLD_RED) {
        struct rtc_codec red = opus;
        red.type = RTC_RED;
        red.pt = PT_RED;
        red.profile = PT_OPUS;
        p->codecs[p->n_codecs++] = red;
    }
    p->codecs[p->n_codecs++] = kind->video ? video : opus;
}

static struct rtc_rtp_params params_of(
    struct world *w, const struct world_kind *kind, unsigned slot) {
    struct rtc_rtp_params p = { .media = kind->video ? RTC_VIDEO : RTC_AUDIO };
    add_codecs(&p, kind);
    p.mid[0] = (char)('0' + slot);
    p.ext[RTC_EXT_MID] = EXT_MID;
    p.ext[RTC_EXT_RID] = EXT_RID;
    p.ext[RTC_EXT_REPAIRED_RID] = EXT_RRID;
    p.ext[RTC_EXT_TRANSPORT_CC] = kind->video ? EXT_TWCC : 0;
    p.ext[RTC_EXT_AUDIO_LEVEL] = kind->video ? 0 : EXT_LEVEL;
    p.n_encodings = (uint8_t)kind->layers;
    for (unsigned i = 0; i < kind->layers; i++) {
        p.encodings[i].ssrc = w->next_ssrc++;
        p.encodings[i].rtx_ssrc = kind->video && !kind->no_rtx ? w->next_ssrc++ : 0;
        if (kind->layers > 1 && !kind->by_ssrc) {
            p.encodings[i].rid[0] = "qhf"[i];
        }
    }
    memcpy(p.cname, "client", 7);
    return p;
}

struct rtc_rtp_params world_described(const struct world_track *track) {
    struct rtc_rtp_params p = track->params;
    for (unsigned i = 0; track->by_rid && i < p.n_encodings; i++) {
        p.encodings[i].ssrc = p.encodings[i].rtx_ssrc = 0;
    }
    return p;
}

struct world_track *world_publish(
    struct world_client *c, unsigned slot, const struct world_kind *kind) {
    struct world *w = c->world;
    struct world_track *t = &c->tracks[slot];
    t->params = params_of(w, kind, slot);
    t->by_rid = kind->layers > 1 && !kind->by_ssrc;
    struct sfu_track_config track = { .params = world_described(t),
        .screen = kind->screen,
        .muted = kind->muted,
        .encrypted = kind->encrypted };
    for (unsigned i = 0; i < kind->layers; i++) {
        track.layers[i] = (struct sfu_layer){ (uint16_t)(320 << i), (uint16_t)(180 << i), 0 };
    }
    CHECK_ERR(OK, sfu_track_open(w->sfu, c->transport, &track, &t->id));
    struct peer_source_config cfg = { .params = t->params,
        .track = (uint16_t)t->id,
        .first_seq = kind->first_seq,
        .first_ts = kind->first_ts,
        .frame_us = kind->video ? 33333 : 20000,
        .payload = kind->payload != 0 ? kind->payload
                   : kind->video      ? 300
                                      : 90,
        .packets = { 1, 2, 4 },
        .pace = kind->video,
        .temporal = kind->video && !kind->no_temporal,
        .emit = world_emit,
        .arg = c,
        .now_us = w->now_us };
    t->source_cfg = cfg;
    CHECK_ERR(OK, peer_source_create(&cfg, &t->source));
    if (kind->muted) {
        peer_source_set_layers(t->source, 0);
    }
    return t;
}

void world_resource(struct world_track *t, uint16_t first_seq, uint32_t first_ts) {
    struct peer_source *old = t->source;
    t->source_cfg.first_seq = first_seq;
    t->source_cfg.first_ts = first_ts;
    t->source_cfg.now_us = ((struct world_client *)t->source_cfg.arg)->world->now_us;
    CHECK_ERR(OK, peer_source_create(&t->source_cfg, &t->source));
    peer_source_adopt(t->source, old);
    peer_source_destroy(old);
}

void world_unpublish(struct world_client *c, unsigned slot) {
    sfu_track_close(c->world->sfu, c->tracks[slot].id);
    peer_source_destroy(c->tracks[slot].source);
    c->tracks[slot] = (struct world_track){ 0 };
}

/* What the listener agreed on: codecs[0] is what he gets. */
static struct rtc_rtp_params listens(struct world *w, const struct rtc_rtp_params *sent,
    const struct world_listener *listener, bool wide) {
    struct rtc_rtp_params p = *sent;
    if (listener->only_opus) {
        p.codecs[0] = p.codecs[p.n_codecs - 1];
        p.n_codecs = 1;
    }
    struct rtc_codec *codec = &p.codecs[0];
    codec->pt = listener->pt != 0 ? listener->pt : codec->pt;
    if (codec->rtx_pt != RTC_NO_PT) {
        codec->rtx_pt = listener->no_rtx        ? RTC_NO_PT
                        : listener->rtx_pt != 0 ? listener->rtx_pt
                                                : codec->rtx_pt;
    }
    memset(p.ext, 0, sizeof(p.ext));
    p.ext[RTC_EXT_ABS_SEND_TIME] = p.media == RTC_VIDEO ? WORLD_EXT_TIME : 0;
    p.ext[RTC_EXT_TRANSPORT_CC] = wide && p.media == RTC_VIDEO ? WORLD_EXT_WIDE : 0;
    p.n_encodings = 1;
    p.encodings[0] = (struct rtc_encoding){ .ssrc = w->next_ssrc++ };
    if (codec->rtx_pt != RTC_NO_PT) {
        p.encodings[0].rtx_ssrc = w->next_ssrc++;
    }
    return p;
}

struct peer_sink *world_subscribe_as(struct world_client *c, const struct world_track *track,
    const struct world_listener *listener) {
    struct world *w = c->world;
    struct world_sink *s = c->sinks;
    while (s->id != 0) {
        s++;
    }
    struct sfu_subscription_config cfg = { .track = track->id,
        .params = listens(w, &track->params, listener, c->wide),
        .wanted = listener->wanted };
    const struct rtc_codec *codec = &cfg.params.codecs[0];
    struct peer_sink_config sink = { .ssrc = cfg.params.encodings[0].ssrc,
        .rtx_ssrc = cfg.params.encodings[0].rtx_ssrc,
        .pt = codec->pt,
        .rtx_pt = codec->rtx_pt,
        .codec = codec->type,
        .own_ssrc = 7 };
    peer_sink_init(&s->sink, &sink);
    rtc_receiver_init(&s->books, sink.ssrc, codec->clock_rate);
    s->of = c;
    CHECK_ERR(OK, sfu_subscription_open(w->sfu, c->transport, &cfg, &s->id));
    return &s->sink;
}

struct peer_sink *world_subscribe(
    struct world_client *c, const struct world_track *track, const struct sfu_wanted *wanted) {
    struct world_listener listener = { .wanted = { .spatial = 2 } };
    if (wanted != NULL) {
        listener.wanted = *wanted;
    }
    return world_subscribe_as(c, track, &listener);
}

static struct world_sink *place_of(struct world_client *c, struct peer_sink *sink) {
    for (unsigned i = 0; i < WORLD_SINKS; i++) {
        if (&c->sinks[i].sink == sink) {
            return &c->sinks[i];
        }
    }
    return NULL;
}

void world_unsubscribe(struct world_client *c, struct peer_sink *sink) {
    struct world_sink *s = place_of(c, sink);
    sfu_subscription_close(c->world->sfu, s->id);
    s->id = 0;
}

void world_want(struct world_client *c, struct peer_sink *sink, const struct sfu_wanted *wanted) {
    sfu_subscription_want(c->world->sfu, place_of(c, sink)->id, wanted);
}
