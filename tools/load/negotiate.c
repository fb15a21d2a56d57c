/* Descriptions in, connections out. */
#include "negotiate.h"

#include "core/mem.h"
#include "door.h"
#include "intake.h"
#include "rtc/candidate.h"
#include "rtc/sdp_params.h"

#include <string.h>

static struct load_local local_of(const struct load_link *l) {
    const struct load_shared *shared = l->client->shared;
    return (struct load_local){ &l->ours, rtc_dtls_ctx_fingerprint(shared->dtls),
        rtc_dtls_ctx_text(shared->dtls), load_net_addr(shared->net, l->end) };
}

/* --- connections --- */

static void link_sends(void *arg, const uint8_t *data, size_t len) {
    struct load_link *l = arg;
    load_net_send(l->client->shared->net, l->end, &l->server, data, len);
}

/* As soon as description and candidate are there, in whichever order they come. */
static void connect_link(struct load_link *l) {
    struct load_client *c = l->client;
    struct load_shared *shared = c->shared;
    if (l->peer != NULL || !l->described || l->server.port == 0) {
        return;
    }
    struct rtc_dtls_ctx *dtls = c->other_dtls != NULL ? c->other_dtls : shared->dtls;
    struct peer_connection_config cfg = { .dtls = dtls,
        .seal = shared->seal,
        .ours = l->ours,
        .theirs = l->theirs,
        .their_dtls = l->their_dtls,
        .lite = l->lite,
        .server = l->server,
        .only_profile = shared->profile,
        .streams = l == &c->sub ? RTC_SRTP_STREAMS_MAX : 1,
        .send = link_sends,
        .rtp = load_intake_rtp,
        .rtcp = load_intake_rtcp,
        .channel = shared->channel,
        .data = shared->data,
        .arg = l,
        .now_us = shared->now_us };
    if (peer_connection_create(&cfg, &l->peer) != OK) {
        load_client_fail(c, err_text());
        return;
    }
    if (c->sctp != NULL) {
        peer_connection_carry(l->peer, c->sctp);
    }
    peer_connection_tick(l->peer, shared->now_us);
}

static bool is_loopback(const struct rtc_addr *a) {
    return a->ip[12] == 127;
}

void load_negotiate_candidate(struct load_link *l, const char *text) {
    struct rtc_candidate cand;
    if (!rtc_candidate_read(text, strlen(text), &cand) || cand.addr.tcp != 0 ||
        !rtc_addr_is_v4(&cand.addr)) {
        return;
    }
    if (l->server.port == 0 || (is_loopback(&cand.addr) && !is_loopback(&l->server))) {
        l->server = cand.addr;
    }
    connect_link(l);
}

static void take_transport(struct load_link *l, const struct rtc_sdp *sdp) {
    if (rtc_sdp_transport_params(sdp, &l->theirs, &l->their_dtls) != OK) {
        load_client_fail(l->client, err_text());
        return;
    }
    l->described = true;
    for (size_t i = 0; i < sdp->n_sections; i++) {
        for (size_t k = 0; k < sdp->sections[i].n_candidates; k++) {
            load_negotiate_candidate(l, sdp->sections[i].candidates[k]);
        }
    }
    connect_link(l);
}

/* --- what it publishes --- */

/* A client that publishes nothing has a connection all the same, for data. */
static bool has_data(const struct load_client *c) {
    return c->shared->door->data || c->n_tracks == 0;
}

enum err load_negotiate_offer(struct load_client *c, struct buf *out) {
    struct load_local local = local_of(&c->pub);
    struct load_offered offered[LOAD_TRACKS_MAX];
    for (size_t i = 0; i < c->n_tracks; i++) {
        offered[i] = c->tracks[i].offered;
    }
    load_describe_offer(&local, offered, c->n_tracks, has_data(c), out);
    return buf_check(out);
}

static void begin_source(struct load_client *c, size_t i, const struct rtc_sdp_section *agreed,
    const struct rtc_sdp_section *ours) {
    struct load_shared *shared = c->shared;
    struct load_track *t = &c->tracks[i];
    struct peer_source_config cfg = { .track = (uint16_t)t->offered.ssrc,
        .first_seq = (uint16_t)(t->offered.ssrc * 977),
        .first_ts = t->offered.ssrc * 65537,
        .frame_us = t->offered.video ? shared->frame_us : 20000,
        .payload = t->offered.video ? shared->video_payload : shared->audio_payload,
        .packets = { t->offered.video ? shared->video_packets : 1 },
        .pace = !shared->burst,
        .emit = load_intake_emit,
        .arg = c,
        .now_us = shared->now_us };
    rtc_sdp_rtp_params(agreed, ours, &cfg.params);
    if (cfg.params.n_codecs == 0 || cfg.params.n_encodings == 0) {
        load_client_fail(c, "the server does not take the track");
    } else if (peer_source_create(&cfg, &t->source) != OK) {
        load_client_fail(c, err_text());
    }
}

static enum err read_answer(struct load_client *c, const char *text, struct arena *a) {
    const struct rtc_sdp *answer, *ours;
    CLEANUP(buf_finish) struct buf offer;
    buf_init(&offer, 0);
    TRY(load_negotiate_offer(c, &offer));
    TRY(rtc_sdp_read(buf_str(&offer), offer.len, a, &ours));
    TRY(rtc_sdp_read(text, strlen(text), a, &answer));
    if (answer->n_sections != ours->n_sections) {
        return err_set(ERR_INVALID, "an answer with other sections than the offer");
    }
    take_transport(&c->pub, answer);
    for (size_t i = 0; i < c->n_tracks; i++) {
        if (c->tracks[i].source == NULL) {
            size_t at = has_data(c) + i;
            begin_source(c, i, &answer->sections[at], &ours->sections[at]);
        }
    }
    return OK;
}

enum err load_negotiate_answered(struct load_client *c, const char *sdp) {
    struct arena a;
    arena_init(&a);
    enum err e = read_answer(c, sdp, &a);
    arena_finish(&a);
    return e;
}

/* --- what it listens to --- */

static void take_offered(struct load_client *c, const struct rtc_sdp_section *s) {
    struct rtc_rtp_params p;
    rtc_sdp_rtp_params(s, s, &p);
    const struct rtc_codec *codec = NULL;
    enum rtc_codec_type wanted = p.media == RTC_VIDEO ? RTC_VP8 : RTC_OPUS;
    for (size_t i = 0; i < p.n_codecs && codec == NULL; i++) {
        codec = p.codecs[i].type == wanted ? &p.codecs[i] : NULL;
    }
    if (p.n_encodings == 0 || p.encodings[0].ssrc == 0) {
        return;
    }
    if (codec == NULL) {
        load_client_fail(c, "the server offers no codec that we have");
        return;
    }
    struct peer_sink_config cfg = { .ssrc = p.encodings[0].ssrc,
        .rtx_ssrc = p.encodings[0].rtx_ssrc,
        .pt = codec->pt,
        .rtx_pt = codec->rtx_pt,
        .codec = codec->type,
        .own_ssrc = 1 };
    if (!load_intake_listen(c, &cfg, (codec->feedback & RTC_FB_REMB) != 0)) {
        load_client_fail(c, "more tracks than a client listens to");
    }
}

static enum err read_offer(
    struct load_client *c, const char *text, struct arena *a, struct buf *out) {
    const struct rtc_sdp *sdp;
    TRY(rtc_sdp_read(text, strlen(text), a, &sdp));
    for (size_t i = 0; i < sdp->n_sections; i++) {
        const struct rtc_sdp_section *s = &sdp->sections[i];
        if (s->kind == RTC_SDP_AUDIO || s->kind == RTC_SDP_VIDEO) {
            take_offered(c, s);
        }
    }
    struct load_local local = local_of(&c->sub);
    TRY(load_describe_answer(&local, sdp, a, out));
    TRY(buf_check(out));
    c->sub.lite = !sdp->ice_lite;
    take_transport(&c->sub, sdp);
    return OK;
}

enum err load_negotiate_offered(struct load_client *c, const char *sdp, struct buf *out) {
    struct arena a;
    arena_init(&a);
    enum err e = read_offer(c, sdp, &a, out);
    arena_finish(&a);
    return e;
}
