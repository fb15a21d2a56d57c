/* What we tell a peer by RTCP: reports about what it publishes, feedback, reports about what it
 * receives. */
#include "rtc/ntp.h"
#include "rtc/rtcp.h"
#include "rtc/rtcpfb.h"
#include "sfu/subscription.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <utlist.h>

#define RECEIVER_REPORT_US 1000000 /* livekit-protocol.md, 5.5 */
#define CNAME              "parley"
#define REMB_BPS           20000000 /* told to who knows only REMB: we are no bottleneck */

static size_t blocks_of(
    struct sfu_transport *t, int64_t now_us, struct rtc_rtcp_block ret[RTC_RTCP_BLOCKS_MAX]) {
    size_t n = 0;
    struct sfu_track *track = NULL;
    DL_FOREACH(t->tracks, track) {
        for (unsigned i = 0; i < track->n_layers && n < RTC_RTCP_BLOCKS_MAX; i++) {
            if (track->layers[i].latest_us != 0 &&
                rtc_receiver_report(&track->layers[i].receiver, now_us, &ret[n])) {
                n++;
            }
        }
    }
    return n;
}

/* Who agreed on REMB and not on transport-wide feedback must hear something, or stays at the rate
 * that it began with. */
static void write_remb(const struct sfu_transport *t, struct wr *w) {
    uint32_t ssrcs[SFU_SSRCS_MAX];
    size_t n = 0;
    struct sfu_track *track = NULL;
    DL_FOREACH(t->tracks, track) {
        bool remb = (track->codec->feedback & RTC_FB_REMB) != 0;
        for (unsigned i = 0; remb && i < track->n_layers; i++) {
            if (track->layers[i].ssrc != 0) {
                ssrcs[n++] = track->layers[i].ssrc;
            }
        }
    }
    if (n > 0) {
        rtc_rtcpfb_write_remb(w, t->ssrc, REMB_BPS, ssrcs, n);
    }
}

/* Our time, for who is never told it by a sender report. Any clock will do: it is only echoed. */
static void write_time(struct sfu_transport *t, struct wr *w, int64_t now_us) {
    uint64_t ntp = (uint64_t)rtc_us_to_ntp(now_us);
    rtc_rtcp_write_rrtr(w, t->ssrc, ntp);
    rtc_rtt_sent(&t->rtt, ntp, now_us);
}

static void receiver_report(struct sfu_transport *t, int64_t now_us) {
    struct rtc_rtcp_block blocks[RTC_RTCP_BLOCKS_MAX];
    size_t n = blocks_of(t, now_us, blocks);
    if (n == 0 && t->rrtr_us == 0) {
        return;
    }
    uint8_t bytes[MEDIA_RTCP_MAX];
    struct wr w = wr_make(bytes, sizeof(bytes));
    rtc_rtcp_write_rr(&w, t->ssrc, blocks, n);
    rtc_rtcp_write_sdes(&w, t->ssrc, CNAME, NULL);
    if (t->rrtr_us != 0) {
        rtc_rtcp_write_dlrr(
            &w, t->ssrc, t->rrtr_ssrc, t->rrtr, rtc_us_to_short(now_us - t->rrtr_us));
        t->rrtr_us = 0;
    }
    if (n > 0 && t->subscriptions == NULL) {
        write_time(t, &w, now_us);
    }
    if (t->twcc == NULL) {
        write_remb(t, &w);
    }
    if (!w.bad) {
        (void)media_transport_rtcp(t->media, bytes, wr_len(&w));
    }
}

static void transport_feedback(struct sfu_transport *t, int64_t now_us) {
    uint32_t media = t->n_ssrcs > 0 ? t->bindings[0].ssrc : 0;
    for (bool more = true; more;) {
        uint8_t bytes[MEDIA_RTCP_MAX];
        struct wr w = wr_make(bytes, sizeof(bytes));
        more = rtc_twcc_rx_write(t->twcc, &w, t->ssrc, media, now_us) &&
               media_transport_rtcp(t->media, bytes, wr_len(&w));
    }
}

int64_t sfu_transport_report(struct sfu_transport *t, int64_t now_us) {
    if (!media_transport_is_connected(t->media)) {
        return INT64_MAX;
    }
    int64_t next = INT64_MAX;
    if (t->tracks != NULL) {
        if (now_us >= t->report_us) {
            receiver_report(t, now_us);
            t->report_us = now_us + RECEIVER_REPORT_US;
        }
        next = t->report_us;
    }
    if (t->twcc != NULL && rtc_twcc_rx_due(t->twcc, now_us)) {
        transport_feedback(t, now_us);
    }
    if (t->twcc != NULL && now_us + RTC_TWCC_INTERVAL_US < next) {
        next = now_us + RTC_TWCC_INTERVAL_US;
    }
    int64_t share = sfu_share_tick(t, now_us);
    next = share < next ? share : next;
    struct sfu_subscription *s = NULL;
    DL_FOREACH(t->subscriptions, s) {
        int64_t due = sfu_subscription_report(s, now_us);
        next = due < next ? due : next;
    }
    return next;
}
