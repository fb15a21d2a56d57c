/* From a track's packet to a listener's. */
#include "sfu/subscription.h"

#include "core/mem.h"
#include "rtc/codec/opus.h"
#include "rtc/rtx.h"
#include "rtc/seq.h"
#include "sfu/resends.h"
#include "sfu/room.h"
#include "sfu/share.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <stddef.h>
#include <string.h>
#include <utlist.h>

_Static_assert(sizeof(struct sfu_subscription) <= 1600, "the header says 1,584");
_Static_assert(offsetof(struct sfu_subscription, rewriter.seq.marks[1]) -
                       offsetof(struct sfu_subscription, worker) <=
                   SFU_SUBSCRIPTION_HOT,
    "is it fetched?");

/* --- sending --- */

void sfu_subscription_tell(struct sfu_subscription *s, enum sfu_subscription_state state) {
    struct sfu_event *e = sfu_worker_event(s->worker, SFU_EVENT_SUBSCRIPTION, s->object.id);
    if (e != NULL) {
        e->subscription = state;
        sfu_worker_tell(s->worker, e);
    }
}

/* RED of a publisher for a listener who knows Opus alone (Firefox, Safari): the newest block of it
 * is an Opus packet. Gives its place in the payload; 0 where nothing is to be unwrapped. Never of
 * what is encrypted end to end: there the whole of it is one ciphertext
 * (livekit-protocol.md, 5.13).
 */
static size_t opus_inside(const struct sfu_subscription *s, const struct sfu_packet *p) {
    struct cur payload = cur_make(pkt_bytes(p->pkt) + p->rtp.payload_off, p->rtp.payload_len);
    struct cur block;
    uint8_t pt;
    if (p->codec->type != RTC_RED || s->pts[RTC_RED] != RTC_NO_PT ||
        s->pts[RTC_OPUS] == RTC_NO_PT || s->track->config.encrypted ||
        !rtc_red_primary(payload, &block, &pt) || cur_left(&block) == 0) {
        return 0;
    }
    return p->rtp.payload_len - cur_left(&block);
}

/* The body is the packet's own, shared by all; where this listener's descriptor differs, it goes
 * into the prefix. `skip` bytes of the payload are replaced. */
static void set_body(struct media_job *job, const struct sfu_packet *p, size_t skip) {
    job->pkt = pkt_ref(p->pkt);
    job->body_off = (uint16_t)(p->pkt->off + p->rtp.payload_off + skip);
    job->body_len = (uint16_t)(p->rtp.payload_len - skip);
}

static size_t set_descriptor(const struct sfu_subscription *s, struct media_job *job,
    const struct sfu_packet *p, const struct sfu_rewritten *to) {
    if (s->rewriter.vp8 == NULL || p->codec->type != RTC_VP8 ||
        (to->vp8.picture_id == p->vp8.picture_id && to->vp8.tl0 == p->vp8.tl0 &&
            to->vp8.keyidx == p->vp8.keyidx)) {
        return 0;
    }
    uint8_t *at = job->prefix + job->prefix_len;
    memcpy(at, pkt_bytes(p->pkt) + p->rtp.payload_off, p->vp8.len);
    rtc_vp8_rewrite(at, &p->vp8, &to->vp8);
    job->prefix_len += p->vp8.len;
    return p->vp8.len;
}

static void forward(
    struct sfu_subscription *s, const struct sfu_packet *p, const struct sfu_rewritten *to) {
    struct media_job *job = media_transport_rtp(s->media);
    if (job == NULL) {
        return;
    }
    job->sender = &s->sender;
    job->prefix_len = 0;
    size_t opus = opus_inside(s, p);
    uint8_t pt = s->pts[opus > 0 ? RTC_OPUS : p->codec->type];
    struct rtc_rtp_head head = { to->ts, s->ssrc, to->seq, pt, sfu_subscription_marker(s, p) };
    sfu_subscription_head(s, job, &head, p);
    set_body(job, p, opus > 0 ? opus : set_descriptor(s, job, p, to));
    s->packets++;
    s->octets += p->rtp.payload_len;
    s->tally.octets += p->rtp.payload_len;
    s->worker->stats.forwarded++;
    if (head.marker && sfu_track_is_video(s->track) && s->replay.next == 0) {
        sfu_freezes_frame(&s->freezes, p->now_us);
    }
    if (!s->started) {
        s->started = true;
        sfu_subscription_tell(s, SFU_SUBSCRIPTION_STARTED);
    }
}

/* `empty`: it went out as such. */
static void send_rtx(struct sfu_subscription *s, const struct sfu_packet *p,
    const struct sfu_rewritten *to, bool empty) {
    struct media_job *job = media_transport_rtp(s->media);
    if (job == NULL) {
        return;
    }
    job->sender = &s->rtx_sender;
    struct wr w = wr_make(job->prefix, sizeof(job->prefix));
    rtc_rtx_write_osn(&w, to->seq);
    job->prefix_len = RTC_RTX_OSN_LEN;
    struct rtc_rtp_head head = { to->ts, s->rtx_ssrc, s->rtx_seq++, s->rtx_pts[p->codec->type],
        !empty && sfu_subscription_marker(s, p) };
    sfu_subscription_head(s, job, &head, empty ? NULL : p);
    set_body(job, p, empty ? p->rtp.payload_len : set_descriptor(s, job, p, to));
    s->worker->stats.resent++;
}

/* --- what comes --- */

static bool is_taken(const struct sfu_subscription *s, const struct sfu_packet *p) {
    return s->pts[p->codec->type] != RTC_NO_PT || opus_inside(s, p) > 0;
}

/* His numbers close up; where those behind it have gone out already, its own goes out empty, so
 * that he does not ask for it again and again and then for a key frame. Without RTX it does not:
 * what is resent under its own number must be what it was. */
static void leave_out(struct sfu_subscription *s, const struct sfu_packet *p) {
    uint16_t seq;
    uint32_t ts;
    if (!sfu_rewriter_drop(&s->rewriter, p, &seq, &ts) && s->rtx_ssrc != 0) {
        sfu_subscription_fill(s, seq, ts);
    }
}

/* Of a codec that the listener does not take: like a temporal layer that he does not get. */
static void pass_over(struct sfu_subscription *s, const struct sfu_packet *p) {
    if ((int)p->layer == s->selector.current) {
        leave_out(s, p);
    }
}

static enum sfu_choice choose_layers(
    struct sfu_subscription *s, const struct sfu_packet *p, enum sfu_choice choice) {
    if (choice == SFU_SWITCH) {
        sfu_layers_begin(&s->layers, p);
    }
    return sfu_layers_take(&s->layers, s->track->svc, p) ? choice : SFU_DROP;
}

/* A packet of what he got before the last switch: lost on its way to us, and sent again. A decoder
 * that shows pictures a moment late can still use it. */
static void pass_late(struct sfu_subscription *s, const struct sfu_packet *p) {
    struct sfu_rewritten to;
    if (p->frame.temporal <= s->past_temporal && p->rtp.payload_len > 0 &&
        sfu_rewriter_map_past(&s->rewriter, p, &to)) {
        forward(s, p, &to);
    }
}

/* His layer begins with this packet. False when it cannot: then all is as before. */
static bool begin_layer(
    struct sfu_subscription *s, const struct sfu_packet *p, const struct sfu_selector *before) {
    if (!sfu_rewriter_switch(&s->rewriter, p, &s->track->layers[p->layer].receiver)) {
        sfu_selector_undo(&s->selector, before->current);
        sfu_track_want_key(s->track, p->layer);
        return false;
    }
    s->past_layer = before->current;
    s->past_temporal = before->temporal;
    sfu_silence_end(&s->silence);
    if (sfu_track_is_video(s->track)) {
        sfu_replay_follow(s, p);
    }
    return true;
}

void sfu_subscription_pass(struct sfu_subscription *s, const struct sfu_packet *p) {
    if (s->wanted.disabled || s->paused || !media_transport_is_connected(s->media)) {
        return;
    }
    if (!is_taken(s, p)) {
        pass_over(s, p);
        return;
    }
    struct sfu_selector before = s->selector;
    bool video = sfu_track_is_video(s->track);
    enum sfu_choice choice = sfu_selector_take(&s->selector, p->layer, &p->frame, video);
    if (choice == SFU_SKIP) {
        if ((int)p->layer == s->past_layer) {
            pass_late(s, p);
        }
        return;
    }
    if (choice == SFU_SWITCH && !begin_layer(s, p, &before)) {
        return;
    }
    if (p->frame.layered) {
        choice = choose_layers(s, p, choice);
    }
    struct sfu_rewritten to = { 0 };
    if (choice == SFU_DROP || p->rtp.payload_len == 0) {
        leave_out(s, p);
    } else if (sfu_rewriter_map(&s->rewriter, p, &to)) {
        forward(s, p, &to);
    }
}

/* Without RTX the very same bytes go out again under the same number: anything else would use a key
 * stream twice. With a time of sending in its head that is not possible (plan_extensions). */
static void repeat(
    struct sfu_subscription *s, const struct sfu_packet *p, const struct sfu_rewritten *to) {
    if (s->repeats) {
        forward(s, p, to);
        s->worker->stats.resent++;
    }
}

/* The packet that went out by this number, or would have had it come, and what it says for him.
 * *ret_past: it is from before the switch to this layer; *ret_gone: of this layer, and kept no
 * more. */
static bool recall(struct sfu_subscription *s, uint16_t seq, int64_t now_us, struct sfu_packet *p,
    struct sfu_rewritten *to, bool *ret_past, bool *ret_gone) {
    int64_t in;
    if (s->selector.current < 0 || !sfu_rewriter_back(&s->rewriter, seq, &in, ret_past)) {
        return false;
    }
    int layer = *ret_past ? s->past_layer : s->selector.current;
    bool kept = layer >= 0 && sfu_track_recall(s->track, (unsigned)layer, in, now_us, p);
    *ret_gone = !kept && !*ret_past && sfu_track_forgot(s->track, (unsigned)layer, in);
    return kept && is_taken(s, p) && sfu_subscription_is_as_it_was(s, p) &&
           (*ret_past ? sfu_rewriter_map_past(&s->rewriter, p, to)
                      : sfu_rewriter_map(&s->rewriter, p, to));
}

/* It came so late that it has a number, and is none that he gets (leave_out). Of layers within a
 * stream it is known what he got when; else a picture too many does no harm. */
static bool is_left_out(const struct sfu_subscription *s, const struct sfu_packet *p) {
    struct sfu_cut cut;
    return p->rtp.payload_len == 0 ||
           (p->frame.layered &&
               (!sfu_layers_at(&s->layers, p->seq, &cut) || !sfu_svc_has(s->track->svc, p, cut)));
}

static int64_t rtt_of(const struct sfu_subscription *s) {
    int64_t now = sfu_transport_rtt_us(s->transport);
    return now > s->rtt.smooth_us ? now : s->rtt.smooth_us;
}

static void resend(struct sfu_subscription *s, uint16_t seq, int64_t now_us) {
    struct sfu_packet p;
    struct sfu_rewritten to = { 0 };
    bool past = false, gone = false;
    if (!recall(s, seq, now_us, &p, &to, &past, &gone)) {
        s->worker->stats.unknown_resends++;
        if (gone && sfu_track_is_video(s->track)) {
            sfu_subscription_want_key(s); /* the picture stands, and clients wait three seconds */
        }
        return;
    }
    bool rtx = s->rtx_ssrc != 0 && s->rtx_pts[p.codec->type] != RTC_NO_PT;
    if (sfu_share_may_resend(s->transport, past, now_us) &&
        sfu_resends_allow(s->resends, seq, rtt_of(s), now_us)) {
        if (rtx) {
            send_rtx(s, &p, &to, is_left_out(s, &p));
        } else {
            repeat(s, &p, &to);
        }
        sfu_share_resent(s->transport, p.pkt->len, now_us);
    }
}

void sfu_subscription_resend(
    struct sfu_subscription *s, const uint16_t *seqs, size_t n, int64_t now_us) {
    if (s->wanted.disabled || s->paused) {
        return;
    }
    if (s->resends == NULL) {
        s->resends = mem_zalloc(sizeof(*s->resends));
    }
    for (size_t i = 0; i < n && s->resends != NULL; i++) {
        resend(s, seqs[i], now_us);
    }
}

void sfu_subscription_reported(
    struct sfu_subscription *s, const struct rtc_rtcp_block *block, int64_t now_us) {
    if (rtc_rtt_echoed(&s->rtt, block->lsr, block->dlsr, now_us)) {
        s->transport->participant->rtt_us = s->rtt.smooth_us;
        sfu_share_answered(s->transport, s->rtt.last_us);
    }
    if (!s->repeats) {
        s->plan.own &= ~RTC_EXT_BIT(RTC_EXT_MID); /* it knows whose they are */
    }
    if (!s->reported) { /* what was lost before the first report belongs to no window of ours */
        s->tally.expected = block->highest_seq;
        s->tally.lost = block->lost;
        s->reported = true;
    }
    s->reported_seq = block->highest_seq;
    s->reported_lost = block->lost;
    s->reported_jitter = block->jitter;
}

/* --- life --- */

/* What the listener calls each codec of the track; false when it takes none of them. */
static bool map_codecs(struct sfu_subscription *s, const struct rtc_rtp_params *listener) {
    const struct rtc_rtp_params *sent = &s->track->config.params;
    bool any = false;
    memset(s->pts, RTC_NO_PT, sizeof(s->pts));
    memset(s->rtx_pts, RTC_NO_PT, sizeof(s->rtx_pts));
    for (size_t i = 0; i < sent->n_codecs; i++) {
        const struct rtc_codec *takes = rtc_codec_pick(listener, &sent->codecs[i]);
        if (takes != NULL && s->pts[takes->type] == RTC_NO_PT) {
            s->pts[takes->type] = takes->pt;
            s->rtx_pts[takes->type] = takes->rtx_pt;
            any = true;
        }
    }
    return any;
}

/* Passed on: what describes the frame to decoders of layers, and its time of capture. The audio
 * level stays here (livekit-protocol.md, 5.1); VP8's layers are in its own descriptor, and the
 * frame numbers of another simulcast layer would make its dependency descriptor lie. */
static void plan_extensions(struct sfu_subscription *s, const struct rtc_rtp_params *listener) {
    const struct rtc_codec *codec = s->track->codec;
    memcpy(s->plan.ids, listener->ext, sizeof(s->plan.ids));
    s->plan.two_byte = true;
    s->plan.pass = RTC_EXT_BIT(RTC_EXT_CAPTURE_TIME);
    if (codec->type == RTC_AV1 || codec->type == RTC_VP9) {
        s->plan.pass |= RTC_EXT_BIT(RTC_EXT_DEPENDENCY);
    }
    /* What is resent under its own number must be the same to the last bit: see repeat. */
    const struct rtc_codec *takes = rtc_codec_pick(listener, codec);
    s->repeats = s->rtx_ssrc == 0 && takes != NULL && (takes->feedback & RTC_FB_NACK) != 0;
    /* What leaves is either counted, for an estimate of ours, or says when it left, for the
     * listener's. */
    bool counts = s->plan.ids[RTC_EXT_TRANSPORT_CC] != 0 && takes != NULL &&
                  (takes->feedback & RTC_FB_TRANSPORT_CC) != 0;
    if (counts && !s->repeats) {
        s->plan.own = RTC_EXT_BIT(RTC_EXT_TRANSPORT_CC);
        s->plan.own_len[RTC_EXT_TRANSPORT_CC] = RTC_RTPEXT_TWCC_LEN;
    } else if (s->plan.ids[RTC_EXT_ABS_SEND_TIME] != 0 && !s->repeats) {
        s->plan.own = RTC_EXT_BIT(RTC_EXT_ABS_SEND_TIME);
        s->plan.own_len[RTC_EXT_ABS_SEND_TIME] = RTC_RTPEXT_ABS_SEND_TIME_LEN;
    }
    /* Packets may overtake the answer that names their SSRC. Firefox then gives them to another
     * section, and never takes that back. */
    if (s->plan.ids[RTC_EXT_MID] != 0 && s->mid[0] != '\0') {
        s->plan.own |= RTC_EXT_BIT(RTC_EXT_MID);
        s->plan.own_len[RTC_EXT_MID] = (uint8_t)strlen(s->mid);
    }
}

static enum err enter_maps(struct sfu_subscription *s) {
    struct sfu_transport *t = s->transport;
    struct sfu_subscription *other = NULL;
    HASH_FIND(by_ssrc, t->by_ssrc, &s->ssrc, sizeof(s->ssrc), other);
    if (other != NULL || s->ssrc == 0 || s->ssrc == s->rtx_ssrc) {
        return err_set(ERR_CONFLICT, "SSRC %u is another subscription's", s->ssrc);
    }
    HASH_ADD(by_ssrc, t->by_ssrc, ssrc, sizeof(s->ssrc), s);
    if (s->by_ssrc.tbl == NULL) {
        return err_set(ERR_NOMEM, "no memory for a subscription");
    }
    return OK;
}

static bool may_be_vp8(const struct rtc_rtp_params *p) {
    for (unsigned i = 0; i < p->n_codecs; i++) {
        if (p->codecs[i].type == RTC_VP8) {
            return true;
        }
    }
    return false;
}

static enum err set_up(struct sfu_subscription *s, const struct rtc_rtp_params *listener) {
    if (!map_codecs(s, listener)) {
        sfu_subscription_tell(s, SFU_SUBSCRIPTION_CODEC);
        return err_set(ERR_INVALID, "the listener takes no codec of the track");
    }
    if (s->transport->n_subscriptions == SFU_SUBSCRIPTIONS_MAX) {
        return err_set(ERR_LIMIT, "more than %d subscriptions", SFU_SUBSCRIPTIONS_MAX);
    }
    plan_extensions(s, listener);
    if ((s->plan.own & RTC_EXT_BIT(RTC_EXT_TRANSPORT_CC)) != 0) {
        TRY(sfu_budget_estimate(s->transport));
    }
    const struct rtc_codec *codec = s->track->codec;
    uint16_t first = (uint16_t)(sfu_worker_random(s->worker) & 0x7fff); /* room before the wrap */
    s->rtx_seq = (uint16_t)(sfu_worker_random(s->worker) & 0x7fff);
    bool vp8 = may_be_vp8(&s->track->config.params);
    TRY(sfu_rewriter_init(&s->rewriter, codec->clock_rate, vp8, first));
    TRY(enter_maps(s));
    TRY(sfu_track_listen(s->track, s));
    if (!(s->track->config.encrypted && !sfu_track_is_video(s->track))) {
        sfu_silence_begin(&s->silence, sfu_track_is_video(s->track), first);
    }
    return OK;
}

enum err sfu_subscription_create(struct sfu_worker *w, sfu_id id, struct sfu_transport *transport,
    struct sfu_track *track, const struct sfu_subscription_config *cfg) {
    struct sfu_subscription *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for a subscription");
    }
    s->worker = w;
    s->track = track;
    s->transport = transport;
    s->media = transport->media;
    s->index = UINT32_MAX;
    s->ssrc = cfg->params.encodings[0].ssrc;
    s->rtx_ssrc = cfg->params.encodings[0].rtx_ssrc;
    s->wanted = cfg->wanted;
    s->fresh = transport->share.limited;
    s->allowed = s->fresh ? (struct sfu_allowance){ 0, 0 } : sfu_allow_all;
    memcpy(s->cname, cfg->params.cname, sizeof(s->cname));
    memcpy(s->mid, cfg->params.mid, sizeof(s->mid));
    sfu_selector_init(&s->selector);
    s->past_layer = -1;
    sfu_layers_init(&s->layers);
    DL_APPEND(transport->subscriptions, s);
    transport->n_subscriptions++;
    enum err e = sfu_registry_add(&w->registry, &s->object, SFU_SUBSCRIPTION, id)
                     ? set_up(s, &cfg->params)
                     : err_set(ERR_NOMEM, "no memory for a subscription");
    if (e != OK) {
        sfu_subscription_destroy(s);
        return e;
    }
    sfu_subscription_aim(s);
    sfu_transport_wake(transport);
    return OK;
}

void sfu_subscription_destroy(struct sfu_subscription *s) {
    media_transport_drop(s->transport->media, &s->sender);
    media_transport_drop(s->transport->media, &s->rtx_sender);
    sfu_replay_end(s);
    if (s->index != UINT32_MAX) {
        sfu_track_unlisten(s->track, s);
    }
    if (s->by_ssrc.tbl != NULL) {
        HASH_DELETE(by_ssrc, s->transport->by_ssrc, s);
    }
    DL_DELETE(s->transport->subscriptions, s);
    s->transport->n_subscriptions--;
    sfu_registry_remove(&s->worker->registry, &s->object);
    sfu_rewriter_finish(&s->rewriter);
    mem_free(s->resends);
    mem_free(s);
}
