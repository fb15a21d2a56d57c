/* Packets and reports of one peer connection, told apart. */
#include "sfu/transport.h"

#include "core/mem.h"
#include "rtc/ntp.h"
#include "rtc/rtcp.h"
#include "rtc/rtcpfb.h"
#include "rtc/rtpext.h"
#include "rtc/rtx.h"
#include "sfu/channels.h"
#include "sfu/room.h"
#include "sfu/subscription.h"
#include "sfu/track.h"
#include "sfu/worker.h"

#include <stddef.h>
#include <utlist.h>

_Static_assert(sizeof(struct sfu_transport) <= 448, "the header says 424");

/* --- RTP --- */

/* Notes the arrival for transport-wide feedback: of every packet, whoever's it is. */
static void note_arrival(
    struct sfu_transport *t, const uint8_t *packet, const struct rtc_rtp *rtp, int64_t now_us) {
    struct rtc_rtpext x;
    uint16_t seq;
    if (t->ext[RTC_EXT_TRANSPORT_CC] == 0) {
        return;
    }
    rtc_rtpext_read(packet, rtp, t->ext, &x);
    if (!rtc_rtpext_twcc(packet, &x, &seq)) {
        return;
    }
    if (t->twcc == NULL && (t->twcc = mem_zalloc(sizeof(*t->twcc))) != NULL) {
        sfu_transport_wake(t);
    }
    if (t->twcc != NULL) {
        rtc_twcc_rx_arrived(t->twcc, seq, now_us);
    }
}

static void take_rtx(const struct sfu_binding *b, struct pkt *pkt, struct rtc_rtp *rtp) {
    const struct rtc_codec *codec = rtc_codec_of_pt(&b->track->config.params, rtp->pt);
    uint32_t ssrc = b->track->layers[b->layer].ssrc;
    if (codec == NULL || codec->rtx_pt != rtp->pt || ssrc == 0 ||
        !rtc_rtx_unwrap(pkt_bytes(pkt), rtp, codec->pt, ssrc)) {
        return; /* an empty probe, mostly */
    }
    pkt->off += RTC_RTX_OSN_LEN;
    pkt->len -= RTC_RTX_OSN_LEN;
    sfu_track_take(b->track, b->layer, pkt, rtp, true);
}

void sfu_transport_rtp(void *owner, struct pkt *pkt, const struct rtc_srtp_got *got) {
    (void)got;
    struct sfu_transport *t = owner;
    struct sfu_worker *w = t->worker;
    struct rtc_rtp rtp;
    if (!rtc_rtp_parse(cur_make(pkt_bytes(pkt), pkt->len), &rtp)) {
        w->stats.drops[SFU_DROP_MALFORMED]++;
        return;
    }
    const struct sfu_binding *b = sfu_transport_whose(t, pkt_bytes(pkt), &rtp);
    if (b != NULL) {
        sfu_track_expect(b->track, b->layer);
    }
    note_arrival(t, pkt_bytes(pkt), &rtp, w->media->now_us);
    if (b == NULL) {
        w->stats.drops[SFU_DROP_STRANGER]++;
        return;
    }
    w->stats.packets_in++;
    if (b->rtx) {
        take_rtx(b, pkt, &rtp);
    } else {
        sfu_track_take(b->track, b->layer, pkt, &rtp, false);
    }
}

/* --- RTCP --- */

static struct sfu_subscription *listener(struct sfu_transport *t, uint32_t ssrc) {
    struct sfu_subscription *s = NULL;
    HASH_FIND(by_ssrc, t->by_ssrc, &ssrc, sizeof(ssrc), s);
    return s;
}

static void take_sr(struct sfu_transport *t, struct rtc_rtcp_part *part, int64_t now_us) {
    struct rtc_rtcp_sr sr;
    if (!rtc_rtcp_sr(part, &sr)) {
        return;
    }
    for (uint16_t i = 0; i < t->n_ssrcs; i++) {
        const struct sfu_binding *b = &t->bindings[i];
        if (b->ssrc == sr.ssrc && !b->rtx) {
            sfu_track_reported(b->track, b->layer, &sr, now_us);
            return;
        }
    }
}

static void take_blocks(struct sfu_transport *t, struct rtc_rtcp_part *part, int64_t now_us) {
    struct rtc_rtcp_block block;
    while (rtc_rtcp_block_next(part, &block)) {
        struct sfu_subscription *s = listener(t, block.ssrc);
        if (s != NULL) {
            sfu_subscription_reported(s, &block, now_us);
        }
    }
}

static void take_fir(struct sfu_transport *t, struct rtc_rtcpfb *fb) {
    uint32_t ssrc;
    uint8_t number;
    while (rtc_rtcpfb_fir_next(fb, &ssrc, &number)) {
        struct sfu_subscription *s = listener(t, ssrc);
        if (s != NULL) {
            t->worker->stats.keyframes_wanted++;
            sfu_subscription_want_key(s);
        }
    }
}

static void take_feedback(
    struct sfu_transport *t, const struct rtc_rtcp_part *part, int64_t now_us) {
    struct rtc_rtcpfb fb;
    uint16_t seqs[RTC_NACK_MAX];
    uint64_t bps;
    if (!rtc_rtcpfb_read(part, &fb)) {
        return;
    }
    struct sfu_subscription *s = listener(t, fb.media);
    if (fb.kind == RTC_RTCPFB_FIR) {
        take_fir(t, &fb);
    } else if (fb.kind == RTC_RTCPFB_TWCC) {
        sfu_budget_feedback(t, fb.fci, now_us);
    } else if (fb.kind == RTC_RTCPFB_REMB && rtc_rtcpfb_remb(&fb, &bps)) {
        sfu_budget_remb(t, bps, now_us);
    } else if (fb.kind == RTC_RTCPFB_PLI && s != NULL) {
        t->worker->stats.keyframes_wanted++;
        sfu_subscription_want_key(s);
    } else if (fb.kind == RTC_RTCPFB_NACK && s != NULL) {
        sfu_subscription_resend(s, seqs, rtc_rtcpfb_nack(&fb, seqs, RTC_NACK_MAX), now_us);
    }
}

static void take_xr(struct sfu_transport *t, struct rtc_rtcp_part *part, int64_t now_us) {
    struct rtc_rtcp_xr_iter it = { 0 };
    struct rtc_rtcp_xr xr;
    while (rtc_rtcp_xr_next(part, &it, &xr)) {
        if (xr.kind == RTC_XR_RRTR) {
            t->rrtr = rtc_ntp_middle(xr.ntp);
            t->rrtr_ssrc = xr.sender;
            t->rrtr_us = now_us;
        } else if (xr.ssrc == t->ssrc && rtc_rtt_echoed(&t->rtt, xr.lrr, xr.dlrr, now_us)) {
            t->participant->rtt_us = t->rtt.smooth_us;
        }
    }
}

static void take_part(struct sfu_transport *t, struct rtc_rtcp_part *part, int64_t now_us) {
    uint32_t reporter;
    switch (part->type) {
    case RTC_RTCP_SR:
        take_sr(t, part, now_us);
        take_blocks(t, part, now_us);
        break;
    case RTC_RTCP_RR:
        if (rtc_rtcp_rr(part, &reporter)) {
            take_blocks(t, part, now_us);
        }
        break;
    case RTC_RTCP_RTPFB:
    case RTC_RTCP_PSFB:
        take_feedback(t, part, now_us);
        break;
    case RTC_RTCP_XR:
        take_xr(t, part, now_us);
        break;
    default: /* BYE: signalling says who leaves; SDES and APP: nobody's */
        break;
    }
}

void sfu_transport_rtcp(void *owner, const uint8_t *data, size_t len, int64_t now_us) {
    struct sfu_transport *t = owner;
    struct cur datagram = cur_make(data, len);
    struct rtc_rtcp_part part;
    if (!rtc_rtcp_check(datagram)) {
        t->worker->stats.drops[SFU_DROP_RTCP]++;
        return;
    }
    while (rtc_rtcp_next(&datagram, &part)) {
        take_part(t, &part, now_us);
    }
}

/* --- reports --- */

static void due(struct wheel_timer *timer, int64_t now_us) {
    struct sfu_transport *t =
        (struct sfu_transport *)((char *)timer - offsetof(struct sfu_transport, timer));
    int64_t next = sfu_transport_report(t, now_us);
    if (next != INT64_MAX) {
        wheel_arm(&t->worker->media->wheel, &t->timer, next, due);
    }
}

void sfu_transport_wake(struct sfu_transport *t) {
    if (media_transport_is_connected(t->media)) {
        wheel_arm(&t->worker->media->wheel, &t->timer, t->worker->media->now_us, due);
    }
}

/* --- state --- */

static enum sfu_end end_of(enum media_end end) {
    static const enum sfu_end ends[] = {
        [MEDIA_END_NONE] = SFU_END_NONE,
        [MEDIA_END_SILENCE] = SFU_END_SILENCE,
        [MEDIA_END_FINGERPRINT] = SFU_END_FINGERPRINT,
        [MEDIA_END_HANDSHAKE] = SFU_END_HANDSHAKE,
        [MEDIA_END_CLOSED] = SFU_END_CLOSED,
    };
    return ends[end];
}

static void tell(struct sfu_transport *t, enum sfu_transport_state state, enum sfu_end why) {
    struct sfu_event *e = sfu_worker_event(t->worker, SFU_EVENT_TRANSPORT, t->object.id);
    t->lost = state != SFU_TRANSPORT_CONNECTED;
    if (e == NULL) {
        return;
    }
    e->transport.state = state;
    e->transport.end = why;
    if (state == SFU_TRANSPORT_CONNECTED) {
        e->transport.profile = media_transport_profile(t->media);
        media_transport_remote(t->media, e->transport.remote);
    }
    sfu_worker_tell(t->worker, e);
}

void sfu_transport_end(struct sfu_transport *t, enum sfu_end why) {
    if (!t->ended) { /* else main knows */
        t->ended = true;
        LL_PREPEND2(t->worker->ended, t, next_ended);
        tell(t, SFU_TRANSPORT_ENDED, why);
    }
}

void sfu_transport_state(void *owner, enum media_state state, enum media_end end) {
    struct sfu_transport *t = owner;
    if (state == MEDIA_ENDED) {
        sfu_transport_end(t, end_of(end));
    } else if (state == MEDIA_LOST && !t->ended) {
        tell(t, SFU_TRANSPORT_LOST, SFU_END_NONE);
    } else if (!t->ended) {
        struct sfu_subscription *s = NULL;
        tell(t, SFU_TRANSPORT_CONNECTED, SFU_END_NONE);
        DL_FOREACH(t->subscriptions, s) {
            sfu_subscription_restart(s);
        }
        sfu_transport_wake(t);
    }
}

/* --- life --- */

enum err sfu_transport_create(struct sfu_worker *w, sfu_id id, struct sfu_participant *participant,
    const struct rtc_ice_cred *local) {
    struct sfu_transport *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return err_set(ERR_NOMEM, "no memory for a transport");
    }
    t->worker = w;
    t->participant = participant;
    t->budget.changed = sfu_share_now;
    t->ssrc = sfu_worker_random(w) | 1;
    DL_APPEND(participant->transports, t);
    enum err e = sfu_registry_add(&w->registry, &t->object, SFU_TRANSPORT, id)
                     ? media_transport_create(w->media, local, t, &t->media)
                     : err_set(ERR_NOMEM, "no memory for a transport");
    if (e != OK) {
        sfu_transport_destroy(t);
    }
    return e;
}

void sfu_transport_destroy(struct sfu_transport *t) {
    while (t->subscriptions != NULL) {
        sfu_subscription_destroy(t->subscriptions);
    }
    while (t->tracks != NULL) {
        sfu_track_destroy(t->tracks);
    }
    if (t->ended) {
        LL_DELETE2(t->worker->ended, t, next_ended);
    }
    wheel_disarm(&t->worker->media->wheel, &t->timer);
    sfu_channels_destroy(t->channels);
    DL_DELETE(t->participant->transports, t);
    sfu_registry_remove(&t->worker->registry, &t->object);
    media_transport_destroy(t->media);
    sfu_budget_finish(t);
    mem_free(t->twcc);
    mem_free(t->bindings);
    mem_free(t);
}
