/* RTX packets without a payload. */
#include "sfu/padding.h"

#include "rtc/rtp.h"
#include "sfu/subscription.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <string.h>
#include <utlist.h>

#define PADDED_BIT 0x20

static bool can_pad(const struct sfu_subscription *s, enum rtc_ext by) {
    return s->started && s->rtx_ssrc != 0 && sfu_track_is_video(s->track) &&
           s->rtx_pts[s->track->codec->type] != RTC_NO_PT && (s->plan.own & RTC_EXT_BIT(by)) != 0;
}

static struct sfu_subscription *find(struct sfu_transport *t, enum rtc_ext by) {
    struct sfu_subscription *s = NULL;
    DL_FOREACH(t->subscriptions, s) {
        if (can_pad(s, by)) {
            return s;
        }
    }
    return NULL;
}

static size_t send_one(struct sfu_subscription *s, struct pkt *body) {
    struct media_job *job = media_transport_rtp(s->transport->media);
    if (job == NULL) {
        return 0;
    }
    struct rtc_rtp_head head = { s->rewriter.last_out, s->rtx_ssrc, s->rtx_seq++,
        s->rtx_pts[s->track->codec->type], false };
    job->sender = &s->rtx_sender;
    job->prefix_len = 0;
    sfu_subscription_head(s, job, &head, NULL);
    job->head[0] |= PADDED_BIT;
    job->pkt = pkt_ref(body);
    job->body_off = body->off;
    job->body_len = RTC_RTP_PAD_MAX;
    return job->head_len + (size_t)job->body_len;
}

size_t sfu_padding_send(struct sfu_transport *t, size_t bytes) {
    struct sfu_subscription *s = find(t, RTC_EXT_TRANSPORT_CC);
    s = s == NULL ? find(t, RTC_EXT_ABS_SEND_TIME) : s;
    struct pkt *body = s == NULL ? NULL : pkt_take(t->worker->media->pool);
    if (body == NULL) {
        return 0;
    }
    memset(pkt_bytes(body), 0, RTC_RTP_PAD_MAX);
    pkt_bytes(body)[RTC_RTP_PAD_MAX - 1] = RTC_RTP_PAD_MAX;
    size_t sent = 0, one = 1;
    for (unsigned i = 0; i < SFU_PADDING_BURST && sent < bytes && one > 0; i++) {
        one = send_one(s, body);
        sent += one;
        t->worker->stats.padded += one > 0;
    }
    pkt_unref(body);
    return sent;
}
