/* Books a layer's packets, keeps them, and hands them on. */
#include "sfu/track.h"

#include "core/mem.h"
#include "rtc/rtcpfb.h"
#include "rtc/seq.h"
#include "sfu/room.h"
#include "sfu/rounds.h"
#include "sfu/share.h"
#include "sfu/subscription.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <utlist.h>

/* Of a history: what a listener with a long way may still ask for. At 2.5 Mbit/s half a second is
 * 130 packets; audio of 50 packets a second needs fewer. */
#define HISTORY_VIDEO  256
#define HISTORY_AUDIO  64
#define HISTORY_AGE_US 1000000
#define LISTENERS_STEP 8

/* --- feedback to the publisher --- */

static void send_feedback(struct sfu_track *t, struct wr *w) {
    if (!w->bad && wr_len(w) > 0) {
        (void)media_transport_rtcp(t->transport->media, w->start, wr_len(w));
    }
}

static void ask_for_key(struct sfu_track *t, unsigned layer, int64_t now_us) {
    struct sfu_track_layer *l = &t->layers[layer];
    if (t->config.muted || l->ssrc == 0 || !media_transport_is_connected(t->transport->media) ||
        !sfu_keyframes_due(&l->keyframes, layer, now_us)) {
        return;
    }
    uint8_t bytes[64];
    struct wr w = wr_make(bytes, sizeof(bytes));
    rtc_rtcpfb_write_pli(&w, t->transport->ssrc, l->ssrc);
    send_feedback(t, &w);
    t->worker->stats.keyframes_asked++;
}

static void ask_for_missing(struct sfu_track *t, struct sfu_track_layer *l, int64_t now_us) {
    uint16_t seqs[RTC_NACK_MAX];
    uint8_t bytes[MEDIA_RTCP_MAX];
    l->nack->rtt_us = t->transport->participant->rtt_us;
    size_t n = rtc_nack_due(l->nack, now_us, seqs);
    if (n > 0) {
        struct wr w = wr_make(bytes, sizeof(bytes));
        (void)rtc_rtcpfb_write_nack(&w, t->transport->ssrc, l->ssrc, seqs, n);
        send_feedback(t, &w);
        t->worker->stats.asked_again += n;
    }
    if (rtc_nack_take_key_needed(l->nack) && sfu_track_is_video(t) && t->n_listeners > 0) {
        sfu_keyframes_want(&l->keyframes);
    }
}

/* --- the timer --- */

static void due(struct wheel_timer *timer, int64_t now_us);

static int64_t layer_next_us(const struct sfu_track *t, unsigned i) {
    const struct sfu_track_layer *l = &t->layers[i];
    int64_t next = l->nack == NULL ? INT64_MAX : rtc_nack_next_us(l->nack);
    int64_t key =
        t->config.muted || l->ssrc == 0 ? INT64_MAX : sfu_keyframes_next_us(&l->keyframes, i);
    return key < next ? key : next;
}

/* A stream that stopped must not hold them for ever: the pool is everybody's. */
static bool keeps_packets(const struct sfu_track *t) {
    for (unsigned i = 0; i < t->n_layers; i++) {
        if (t->layers[i].history != NULL && rtc_history_count(t->layers[i].history) > 0) {
            return true;
        }
    }
    return false;
}

static void set_timer(struct sfu_track *t) {
    int64_t now = t->worker->media->now_us, next = INT64_MAX;
    for (unsigned i = 0; i < t->n_layers; i++) {
        int64_t layer = layer_next_us(t, i);
        next = layer < next ? layer : next;
    }
    if (t->live != 0 && sfu_track_tiers(t) > 1 && now + SFU_WATCH_US < next) {
        next = now + SFU_WATCH_US;
    }
    if (keeps_packets(t) && now + SFU_EXPIRE_US < next) {
        next = now + SFU_EXPIRE_US;
    }
    if (t->n_replays > 0 && now + SFU_REPLAY_EVERY_US < next) {
        next = now + SFU_REPLAY_EVERY_US;
    }
    if (next == INT64_MAX) {
        wheel_disarm(&t->worker->media->wheel, &t->timer);
    } else if (!wheel_is_armed(&t->timer) || t->timer.due_us > next) {
        wheel_arm(&t->worker->media->wheel, &t->timer, next, due);
    }
}

static void aim_all(struct sfu_track *t) {
    for (uint32_t i = 0; i < t->n_listeners; i++) {
        sfu_subscription_aim(t->listeners[i]);
    }
}

/* Which layers are being sent? A browser stops the upper ones when its way is narrow. */
static void watch_layers(struct sfu_track *t, int64_t now_us) {
    unsigned live = sfu_rates_live(&t->rates, now_us);
    if (live != t->live) {
        t->live = (uint8_t)live;
        aim_all(t);
    }
}

static void due(struct wheel_timer *timer, int64_t now_us) {
    struct sfu_track *t = (struct sfu_track *)((char *)timer - offsetof(struct sfu_track, timer));
    sfu_rates_look(&t->rates, now_us);
    if (sfu_track_tiers(t) > 1) {
        watch_layers(t, now_us);
    }
    sfu_replay_step(t, now_us);
    for (unsigned i = 0; i < t->n_layers; i++) {
        if (t->layers[i].nack != NULL) {
            ask_for_missing(t, &t->layers[i], now_us);
        }
        ask_for_key(t, i, now_us);
        rtc_history_expire(t->layers[i].history, now_us);
    }
    set_timer(t);
}

void sfu_track_wake(struct sfu_track *t) {
    struct media_worker *m = t->worker->media;
    wheel_arm(&m->wheel, &t->timer, m->now_us, due);
}

void sfu_track_want_key(struct sfu_track *t, unsigned layer) {
    if (sfu_track_is_video(t) && layer < t->n_layers) {
        sfu_keyframes_want(&t->layers[layer].keyframes);
        ask_for_key(t, layer, t->worker->media->now_us);
        set_timer(t);
    }
}

/* --- packets --- */

/* What was known of a layer's numbers, before it got an SSRC or when its source began anew. */
static void forget_numbers(struct sfu_track_layer *l) {
    memset(&l->seen, 0, sizeof(l->seen));
    l->key_us = 0;
    if (l->nack != NULL) {
        memset(l->nack, 0, sizeof(*l->nack));
    }
    if (l->history != NULL) {
        rtc_history_clear(l->history);
    }
}

/* The source began anew, at numbers and timestamps that have nothing to do with those before: for
 * the listeners it is another stream. */
static void began_anew(struct sfu_track *t, unsigned layer) {
    forget_numbers(&t->layers[layer]);
    if (t->svc != NULL) {
        memset(t->svc, 0, sizeof(*t->svc));
    }
    for (uint32_t i = 0; i < t->n_listeners; i++) {
        sfu_subscription_lost(t->listeners[i], layer);
    }
}

/* A resend's number: of a packet that may well have been lost, so near the newest. */
static bool number_recovered(struct sfu_track_layer *l, struct sfu_packet *p) {
    p->seq = rtc_seq_extend(l->receiver.highest, p->rtp.seq);
    int64_t ahead = p->seq - l->receiver.highest;
    return l->receiver.any && ahead < RTC_RECEIVER_MISORDER_MAX &&
           ahead > -RTC_RECEIVER_MISORDER_MAX;
}

/* Its number among its layer's; false for a stray one, and for one that came before. */
static bool book(struct sfu_track *t, unsigned layer, struct sfu_packet *p, bool recovered) {
    struct sfu_track_layer *l = &t->layers[layer];
    bool had = l->receiver.any;
    if (recovered ? !number_recovered(l, p)
                  : !rtc_receiver_packet(&l->receiver, p->rtp.seq, p->rtp.ts, p->now_us, &p->seq)) {
        t->worker->stats.drops[SFU_DROP_STRAY]++;
        return false;
    }
    if (!recovered && had && l->receiver.received == 1) {
        began_anew(t, layer);
    }
    if (!sfu_seen_note(&l->seen, p->seq)) {
        t->worker->stats.drops[SFU_DROP_REPEATED]++;
        return false;
    }
    if (recovered) {
        rtc_receiver_recovered(&l->receiver);
    }
    if (l->nack != NULL) {
        (void)rtc_nack_received(l->nack, p->rtp.seq, p->now_us);
    }
    return true;
}

static void keep(struct sfu_track *t, struct sfu_track_layer *l, struct pkt *kept, uint16_t seq) {
    if (l->history == NULL) {
        size_t n = sfu_track_is_video(t) ? HISTORY_VIDEO : HISTORY_AUDIO;
        if (rtc_history_create(n, HISTORY_AGE_US, &l->history) != OK) {
            return; /* nobody can ask for it again */
        }
    }
    rtc_history_put(l->history, seq, kept);
}

static void note_voice(struct sfu_track *t, const struct sfu_packet *p) {
    uint8_t level;
    bool voice;
    if (rtc_rtpext_audio_level(pkt_bytes(p->pkt), &p->ext, &level, &voice)) {
        sfu_speaker_heard(&t->speaker, level, p->rtp.ts, p->codec->clock_rate, p->now_us);
        if (level <= SFU_SPEAKER_LOUD) {
            sfu_rounds_voice(t->transport->participant->room);
        }
    }
}

static void first_packet(struct sfu_track *t) {
    t->heard = true;
    struct sfu_event *e = sfu_worker_event(t->worker, SFU_EVENT_TRACK_LIVE, t->object.id);
    if (e != NULL) {
        sfu_worker_tell(t->worker, e);
    }
}

static void note_layer(struct sfu_track *t, unsigned layer, const struct sfu_packet *p) {
    struct sfu_track_layer *l = &t->layers[layer];
    unsigned tier = p->frame.layered ? p->frame.spatial : layer;
    tier = tier < SFU_TIERS_MAX ? tier : SFU_TIERS_MAX - 1;
    l->latest_us = p->now_us;
    t->tally.octets += p->rtp.payload_len;
    if (sfu_track_is_video(t)) {
        sfu_rates_note(&t->rates, tier, p->frame.temporal, p->pkt->len, p->now_us);
    } else if (!t->config.muted) {
        note_voice(t, p);
    }
    if (!t->heard) {
        first_packet(t);
    }
    if (!(t->live >> tier & 1)) {
        t->live |= (uint8_t)(1U << tier);
        aim_all(t);
    }
    if (p->frame.key_frame && sfu_track_is_video(t)) {
        sfu_replay_note_key(t, p);
        sfu_keyframes_came(&l->keyframes);
        if (l->nack != NULL) {
            rtc_nack_key_frame(l->nack, p->rtp.seq);
        }
    }
}

enum { FAR = 3, NEAR = 1 }; /* listeners ahead */

/* What the packet will touch, fetched while it is read and booked. */
static void expect(const struct sfu_track *t, const struct sfu_track_layer *l) {
    for (uint32_t i = 0; i < FAR && i < t->n_listeners; i++) {
        sfu_subscription_expect(t->listeners[i]);
    }
    if (l->nack != NULL) {
        __builtin_prefetch(&l->nack->n, 1);
    }
    __builtin_prefetch(l->history, 1);
}

/* To each listener; what the next ones will touch is fetched meanwhile. */
static void hand_out(struct sfu_track *t, const struct sfu_packet *p) {
    if (t->n_listeners > 0) {
        sfu_subscription_expect_more(t->listeners[0]);
    }
    for (uint32_t i = 0; i < t->n_listeners; i++) {
        if (i + FAR < t->n_listeners) {
            sfu_subscription_expect(t->listeners[i + FAR]);
        }
        if (i + NEAR < t->n_listeners) {
            sfu_subscription_expect_more(t->listeners[i + NEAR]);
        }
        sfu_subscription_take(t->listeners[i], p);
    }
}

void sfu_track_take(struct sfu_track *t, unsigned layer, struct pkt *pkt, const struct rtc_rtp *rtp,
    bool recovered) {
    struct pkt *kept = pkt_keep(pkt);
    struct sfu_packet p;
    expect(t, &t->layers[layer]);
    p.now_us = t->worker->media->now_us;
    p.layer = (uint8_t)layer;
    if (sfu_track_read(t, kept, rtp, &p) && book(t, layer, &p, recovered)) {
        keep(t, &t->layers[layer], kept, rtp->seq);
        if (sfu_track_layered(t, &p, true)) {
            aim_all(t);
        }
        note_layer(t, layer, &p);
        /* A client that mutes may go on sending, black pictures or silence if all is well: whoever
         * said that they are muted is neither seen nor heard. */
        if (!t->config.muted) {
            hand_out(t, &p);
        }
        set_timer(t);
    }
    pkt_unref(kept);
}

bool sfu_track_recall(
    struct sfu_track *t, unsigned layer, int64_t seq, int64_t now_us, struct sfu_packet *ret) {
    struct rtc_history *h = t->layers[layer].history;
    struct pkt *pkt = h == NULL ? NULL : rtc_history_get(h, (uint16_t)seq, now_us);
    struct rtc_rtp rtp;
    if (pkt == NULL || !rtc_rtp_parse(cur_make(pkt_bytes(pkt), pkt->len), &rtp)) {
        return false;
    }
    ret->now_us = now_us;
    ret->layer = (uint8_t)layer;
    ret->seq = seq;
    if (!sfu_track_read(t, pkt, &rtp, ret)) {
        return false;
    }
    (void)sfu_track_layered(t, ret, false);
    return true;
}

bool sfu_track_forgot(const struct sfu_track *t, unsigned layer, int64_t seq) {
    return rtc_history_is_past(t->layers[layer].history, (uint16_t)seq);
}

void sfu_track_reported(
    struct sfu_track *t, unsigned layer, const struct rtc_rtcp_sr *sr, int64_t now_us) {
    rtc_receiver_sr(&t->layers[layer].receiver, sr, now_us);
}

/* --- listeners --- */

enum err sfu_track_listen(struct sfu_track *t, struct sfu_subscription *s) {
    if (t->n_listeners == SFU_LISTENERS_MAX) {
        return err_set(ERR_LIMIT, "more than %d listeners of one track", SFU_LISTENERS_MAX);
    }
    if (t->n_listeners == t->listeners_cap) {
        size_t cap = t->listeners_cap == 0 ? LISTENERS_STEP : (size_t)t->listeners_cap * 2;
        struct sfu_subscription **more =
            mem_realloc(t->listeners, cap * sizeof(struct sfu_subscription *));
        if (more == NULL) {
            return err_set(ERR_NOMEM, "no memory for a listener");
        }
        t->listeners = more;
        t->listeners_cap = (uint32_t)cap;
    }
    s->index = t->n_listeners;
    t->listeners[t->n_listeners++] = s;
    return OK;
}

void sfu_track_unlisten(struct sfu_track *t, struct sfu_subscription *s) {
    assert(s->index < t->n_listeners && t->listeners[s->index] == s);
    struct sfu_subscription *last = t->listeners[--t->n_listeners];
    t->listeners[s->index] = last;
    last->index = s->index;
    s->index = UINT32_MAX;
}

/* --- life --- */

static enum err layer_init(struct sfu_track *t, unsigned i) {
    const struct rtc_codec *codec = &t->config.params.codecs[0];
    struct sfu_track_layer *l = &t->layers[i];
    rtc_receiver_init(&l->receiver, 0, codec->clock_rate);
    if ((codec->feedback & RTC_FB_NACK) != 0) {
        l->nack = mem_zalloc(sizeof(*l->nack));
        if (l->nack == NULL) {
            return err_set(ERR_NOMEM, "no memory for a layer");
        }
    }
    return OK;
}

static enum err set_up(struct sfu_track *t) {
    const struct rtc_rtp_params *p = &t->config.params;
    if (p->n_codecs == 0 || p->n_encodings == 0) {
        return err_set(ERR_INVALID, "a track needs a codec and an encoding");
    }
    t->codec = &p->codecs[0];
    for (unsigned i = 0; i < p->n_encodings; i++) {
        TRY(layer_init(t, i));
        t->n_layers++;
    }
    return sfu_transport_bind(t->transport, t);
}

enum err sfu_track_create(struct sfu_worker *w, sfu_id id, struct sfu_transport *transport,
    const struct sfu_track_config *cfg) {
    if (transport->n_tracks == SFU_TRACKS_MAX) {
        return err_set(ERR_LIMIT, "more than %d tracks", SFU_TRACKS_MAX);
    }
    struct sfu_track *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return err_set(ERR_NOMEM, "no memory for a track");
    }
    t->worker = w;
    t->transport = transport;
    t->config = *cfg;
    DL_APPEND(transport->tracks, t);
    transport->n_tracks++;
    enum err e = sfu_registry_add(&w->registry, &t->object, SFU_TRACK, id)
                     ? set_up(t)
                     : err_set(ERR_NOMEM, "no memory for a track");
    if (e != OK) {
        sfu_track_destroy(t);
        return e;
    }
    sfu_transport_wake(transport);
    return OK;
}

static void end_listener(struct sfu_subscription *s) {
    struct sfu_event *e = sfu_worker_event(s->worker, SFU_EVENT_SUBSCRIPTION, s->object.id);
    if (e != NULL) {
        e->subscription = SFU_SUBSCRIPTION_ENDED;
        sfu_worker_tell(s->worker, e);
    }
    sfu_subscription_destroy(s);
}

void sfu_track_destroy(struct sfu_track *t) {
    while (t->n_listeners > 0) {
        end_listener(t->listeners[t->n_listeners - 1]);
    }
    wheel_disarm(&t->worker->media->wheel, &t->timer);
    sfu_transport_unbind(t->transport, t);
    for (unsigned i = 0; i < RTC_ENCODINGS_MAX; i++) {
        rtc_history_destroy(t->layers[i].history);
        mem_free(t->layers[i].nack);
    }
    DL_DELETE(t->transport->tracks, t);
    t->transport->n_tracks--;
    sfu_registry_remove(&t->worker->registry, &t->object);
    mem_free(t->svc);
    mem_free(t->listeners);
    mem_free(t);
}

enum err sfu_track_change(struct sfu_track *t, const struct rtc_rtp_params *params) {
    if (params->media != t->config.params.media || params->n_codecs == 0 ||
        params->n_encodings != t->n_layers) {
        return err_set(ERR_INVALID, "a track keeps its kind and its layers");
    }
    struct rtc_rtp_params before = t->config.params;
    t->config.params = *params;
    enum err e = sfu_transport_bind(t->transport, t);
    if (e != OK) {
        t->config.params = before;
    }
    t->codec = &t->config.params.codecs[0];
    return e;
}

void sfu_track_set_muted(struct sfu_track *t, bool muted) {
    bool back = t->config.muted && !muted;
    t->config.muted = muted;
    sfu_replay_forget_keys(t); /* nobody sees what is sent meanwhile */
    for (uint32_t i = 0; i < t->n_listeners; i++) {
        sfu_freezes_pause(&t->listeners[i]->freezes);
        sfu_share_touch(t->listeners[i]->transport);
        if (back) {
            sfu_subscription_restart(t->listeners[i]);
        }
    }
    set_timer(t);
}

void sfu_track_bound(struct sfu_track *t, unsigned layer, uint32_t ssrc, bool rtx) {
    struct sfu_track_layer *l = &t->layers[layer];
    if (rtx) {
        l->rtx_ssrc = ssrc;
        return;
    }
    if (l->ssrc == ssrc) {
        return;
    }
    l->ssrc = ssrc;
    bool had = l->receiver.any;
    rtc_receiver_init(&l->receiver, ssrc, t->config.params.codecs[0].clock_rate);
    if (had) {
        began_anew(t, layer);
    }
    set_timer(t); /* a key frame may be waited for already */
}
