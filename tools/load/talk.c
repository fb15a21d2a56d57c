/* A row of the table for each message that a client acts on. */
#include "talk.h"

#include "client.h"
#include "core/clock.h"
#include "core/mem.h"
#include "intake.h"
#include "livekit/proto/signal.pb-c.h"
#include "rtc/candidate.h"
#include "rtc/sdp_params.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void fail(struct load_client *c, const char *why) {
    if (c->state != LOAD_FAILED) {
        snprintf(c->why, sizeof(c->why), "%s", why);
        c->state = LOAD_FAILED;
    }
}

void load_talk_lost(void *arg, const char *why) {
    struct load_client *c = arg;
    if (c->state != LOAD_AWAY) {
        fail(c, why);
    }
}

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
    struct peer_connection_config cfg = { .dtls = shared->dtls,
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
        .arg = l,
        .now_us = shared->now_us };
    if (peer_connection_create(&cfg, &l->peer) != OK) {
        fail(c, err_text());
        return;
    }
    peer_connection_tick(l->peer, shared->now_us);
}

static bool is_loopback(const struct rtc_addr *a) {
    return a->ip[12] == 127;
}

static void take_candidate(struct load_link *l, const char *text) {
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
        fail(l->client, err_text());
        return;
    }
    l->described = true;
    for (size_t i = 0; i < sdp->n_sections; i++) {
        for (size_t k = 0; k < sdp->sections[i].n_candidates; k++) {
            take_candidate(l, sdp->sections[i].candidates[k]);
        }
    }
    connect_link(l);
}

/* --- publishing --- */

static void say_description(struct load_client *c, bool offer, const struct buf *sdp, uint32_t id) {
    Lk__SessionDescription d = LK__SESSION_DESCRIPTION__INIT;
    Lk__SignalRequest m = LK__SIGNAL_REQUEST__INIT;
    char type[8];
    snprintf(type, sizeof(type), "%s", offer ? "offer" : "answer");
    d.type = type;
    d.sdp = sdp->data;
    d.id = id;
    m.message_case = offer ? LK__SIGNAL_REQUEST__MESSAGE_OFFER : LK__SIGNAL_REQUEST__MESSAGE_ANSWER;
    if (offer) {
        m.offer = &d;
    } else {
        m.answer = &d;
    }
    if (sdp->data != NULL) {
        load_signal_send(c->signal, &m);
    }
}

static void write_offer(struct load_client *c, struct buf *out) {
    struct load_local local = local_of(&c->pub);
    struct load_offered offered[LOAD_TRACKS_MAX];
    for (size_t i = 0; i < c->n_tracks; i++) {
        offered[i] = c->tracks[i].offered;
    }
    load_describe_offer(&local, offered, c->n_tracks, out);
}

static void offer(struct load_client *c) {
    struct buf out;
    buf_init(&out, 0);
    write_offer(c, &out);
    say_description(c, true, &out, 0);
    buf_finish(&out);
}

static void add_track(struct load_client *c, struct load_track *t) {
    Lk__AddTrackRequest add = LK__ADD_TRACK_REQUEST__INIT;
    Lk__VideoLayer layer = LK__VIDEO_LAYER__INIT;
    Lk__VideoLayer *layers[1] = { &layer };
    Lk__SignalRequest m = LK__SIGNAL_REQUEST__INIT;
    add.cid = t->offered.cid;
    add.name = t->offered.cid;
    add.type = t->offered.video ? LK__TRACK_TYPE__VIDEO : LK__TRACK_TYPE__AUDIO;
    add.source = t->offered.video ? LK__TRACK_SOURCE__CAMERA : LK__TRACK_SOURCE__MICROPHONE;
    add.disable_red = true;
    if (t->offered.video) {
        add.width = layer.width = 1280;
        add.height = layer.height = 720;
        layer.quality = LK__VIDEO_QUALITY__HIGH;
        add.layers = layers;
        add.n_layers = 1;
    }
    m.message_case = LK__SIGNAL_REQUEST__MESSAGE_ADD_TRACK;
    m.add_track = &add;
    load_signal_send(c->signal, &m);
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
        fail(c, "the server does not take the track");
    } else if (peer_source_create(&cfg, &t->source) != OK) {
        fail(c, err_text());
    }
}

static enum err read_answer(struct load_client *c, const char *text, struct arena *a) {
    const struct rtc_sdp *answer, *ours;
    struct buf out;
    buf_init(&out, 0);
    write_offer(c, &out);
    enum err e = rtc_sdp_read(buf_str(&out), out.len, a, &ours);
    buf_finish(&out);
    TRY(e);
    TRY(rtc_sdp_read(text, strlen(text), a, &answer));
    if (answer->n_sections != ours->n_sections) {
        return err_set(ERR_INVALID, "an answer with other sections than the offer");
    }
    take_transport(&c->pub, answer);
    for (size_t i = 0; i < c->n_tracks; i++) {
        if (c->tracks[i].source == NULL) {
            begin_source(c, i, &answer->sections[i + 1], &ours->sections[i + 1]);
        }
    }
    return OK;
}

static void take_answer(struct load_client *c, const Lk__SignalResponse *m) {
    struct arena a;
    arena_init(&a);
    if (read_answer(c, m->answer->sdp, &a) != OK) {
        fail(c, err_text());
    }
    arena_finish(&a);
}

static void take_published(struct load_client *c, const Lk__SignalResponse *m) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_tracks; i++) {
        struct load_track *t = &c->tracks[i];
        t->published |= strcmp(t->offered.cid, m->track_published->cid) == 0;
        n += t->published;
    }
    if (n == c->n_tracks) {
        offer(c);
    }
}

/* --- subscribing --- */

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
        fail(c, "the server offers no codec that we have");
        return;
    }
    struct peer_sink_config cfg = { .ssrc = p.encodings[0].ssrc,
        .rtx_ssrc = p.encodings[0].rtx_ssrc,
        .pt = codec->pt,
        .rtx_pt = codec->rtx_pt,
        .codec = codec->type,
        .own_ssrc = 1 };
    if (!load_intake_listen(c, &cfg, (codec->feedback & RTC_FB_REMB) != 0)) {
        fail(c, "more tracks than a client listens to");
    }
}

static enum err read_offer(
    struct load_client *c, const Lk__SessionDescription *d, struct arena *a, struct buf *out) {
    const struct rtc_sdp *sdp;
    TRY(rtc_sdp_read(d->sdp, strlen(d->sdp), a, &sdp));
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
    say_description(c, false, out, d->id);
    take_transport(&c->sub, sdp);
    return OK;
}

static void take_offer(struct load_client *c, const Lk__SignalResponse *m) {
    struct arena a;
    struct buf out;
    arena_init(&a);
    buf_init(&out, 0);
    if (read_offer(c, m->offer, &a, &out) != OK) {
        fail(c, err_text());
    }
    buf_finish(&out);
    arena_finish(&a);
}

static void subscribe(struct load_client *c, const Lk__ParticipantInfo *p) {
    char *sids[LOAD_TRACKS_MAX];
    Lk__ParticipantTracks of = LK__PARTICIPANT_TRACKS__INIT;
    Lk__ParticipantTracks *ofs[1] = { &of };
    Lk__UpdateSubscription update = LK__UPDATE_SUBSCRIPTION__INIT;
    Lk__SignalRequest m = LK__SIGNAL_REQUEST__INIT;
    size_t n = 0;
    for (size_t i = 0; i < p->n_tracks && n < LOAD_TRACKS_MAX; i++) {
        if (load_intake_is_new(c, p->tracks[i]->sid)) {
            sids[n++] = p->tracks[i]->sid;
        }
    }
    if (n == 0) {
        return;
    }
    of.participant_sid = p->sid;
    of.track_sids = sids;
    of.n_track_sids = n;
    update.subscribe = true;
    update.track_sids = sids;
    update.n_track_sids = n;
    update.participant_tracks = ofs;
    update.n_participant_tracks = 1;
    m.message_case = LK__SIGNAL_REQUEST__MESSAGE_SUBSCRIPTION;
    m.subscription = &update;
    load_signal_send(c->signal, &m);
}

static void take_people(struct load_client *c, Lk__ParticipantInfo *const *people, size_t n) {
    for (size_t i = 0; i < n && !c->deaf; i++) {
        if (strcmp(people[i]->identity, c->name) != 0) {
            subscribe(c, people[i]);
        }
    }
}

static void take_update(struct load_client *c, const Lk__SignalResponse *m) {
    take_people(c, m->update->participants, m->update->n_participants);
}

/* --- the rest --- */

static void take_join(struct load_client *c, const Lk__SignalResponse *m) {
    const Lk__JoinResponse *join = m->join;
    c->state = LOAD_JOINED;
    for (size_t i = 0; i < join->n_other_participants; i++) {
        c->met_tracks |= join->other_participants[i]->n_tracks > 0;
    }
    for (size_t i = 0; i < c->n_tracks; i++) {
        add_track(c, &c->tracks[i]);
    }
    if (c->n_tracks == 0) {
        offer(c);
    }
    take_people(c, join->other_participants, join->n_other_participants);
}

static void take_trickle(struct load_client *c, const Lk__SignalResponse *m) {
    json_t *init = json_loads(m->trickle->candidateinit, 0, NULL);
    const char *text = json_string_value(json_object_get(init, "candidate"));
    bool pub = m->trickle->target == LK__SIGNAL_TARGET__PUBLISHER;
    if (text != NULL) {
        take_candidate(pub ? &c->pub : &c->sub, text);
    }
    json_decref(init);
}

static void take_leave(struct load_client *c, const Lk__SignalResponse *m) {
    char why[64];
    snprintf(why, sizeof(why), "the server said leave, reason %d", (int)m->leave->reason);
    load_talk_lost(c, why);
}

static void take_refusal(struct load_client *c, const Lk__SignalResponse *m) {
    char why[64];
    if (m->request_response->reason != LK__REQUEST_RESPONSE__REASON__OK &&
        m->request_response->reason != LK__REQUEST_RESPONSE__REASON__QUEUED) {
        snprintf(
            why, sizeof(why), "a request was refused, reason %d", (int)m->request_response->reason);
        fail(c, why);
    }
}

void load_talk_message(void *arg, const struct Lk__SignalResponse *m) {
    static const struct {
        Lk__SignalResponse__MessageCase message;
        void (*take)(struct load_client *c, const Lk__SignalResponse *m);
    } rows[] = {
        { LK__SIGNAL_RESPONSE__MESSAGE_JOIN, take_join },
        { LK__SIGNAL_RESPONSE__MESSAGE_ANSWER, take_answer },
        { LK__SIGNAL_RESPONSE__MESSAGE_OFFER, take_offer },
        { LK__SIGNAL_RESPONSE__MESSAGE_TRICKLE, take_trickle },
        { LK__SIGNAL_RESPONSE__MESSAGE_UPDATE, take_update },
        { LK__SIGNAL_RESPONSE__MESSAGE_TRACK_PUBLISHED, take_published },
        { LK__SIGNAL_RESPONSE__MESSAGE_LEAVE, take_leave },
        { LK__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE, take_refusal },
    };
    struct load_client *c = arg;
    c->shared->now_us = clock_mono_us();
    for (size_t i = 0; i < COUNT_OF(rows) && c->state != LOAD_FAILED; i++) {
        if (m->message_case == rows[i].message) {
            rows[i].take(c, m);
        }
    }
}
