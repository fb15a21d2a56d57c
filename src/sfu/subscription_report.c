/* What a listener gets of ours: sender reports, and packets without a picture or a word. */
#include "sfu/subscription.h"

#include "rtc/ntp.h"
#include "sfu/track.h"
#include "sfu/worker.h"

#include <string.h>

#define REPORT_US 3000000 /* between sender reports: livekit-protocol.md, 5.6 */

static void send_report(struct sfu_subscription *s, int64_t now_us) {
    if (s->selector.current < 0 || s->packets == 0) {
        return;
    }
    const struct rtc_receiver *r = &s->track->layers[s->selector.current].receiver;
    if (!r->has_sr) {
        return;
    }
    int64_t since_us = now_us - r->sr_arrived_us;
    struct rtc_rtcp_sr sr = { .ssrc = s->ssrc,
        .ntp = r->sr_ntp + (uint64_t)rtc_us_to_ntp(since_us),
        .rtp_ts = r->sr_rtp_ts + s->rewriter.ts_offset +
                  (uint32_t)rtc_us_to_ticks(since_us, r->clock_rate),
        .packets = s->packets,
        .octets = (uint32_t)s->octets };
    uint8_t bytes[MEDIA_RTCP_MAX];
    struct wr w = wr_make(bytes, sizeof(bytes));
    rtc_rtcp_write_sr(&w, &sr, NULL, 0);
    rtc_rtcp_write_sdes(&w, s->ssrc, s->cname, s->mid[0] == '\0' ? NULL : s->mid);
    if (!w.bad && media_transport_rtcp(s->media, bytes, wr_len(&w))) {
        rtc_rtt_sent(&s->rtt, sr.ntp, now_us);
    }
}

/* A job whose body is ours; NULL without a packet, or while not connected. */
static struct media_job *own_job(
    struct sfu_subscription *s, enum rtc_codec_type codec, uint16_t seq, uint32_t ts) {
    struct pkt *body = pkt_take(s->worker->media->pool);
    struct media_job *job = body == NULL ? NULL : media_transport_rtp(s->media);
    if (job == NULL) {
        pkt_unref(body);
        return NULL;
    }
    struct rtc_rtp_head head = { ts, s->ssrc, seq, s->pts[codec], false };
    job->sender = &s->sender;
    job->prefix_len = 0;
    sfu_subscription_head(s, job, &head, NULL);
    job->pkt = body;
    job->body_off = body->off;
    return job;
}

/* Nothing but padding, whose last byte counts it. */
static void pad(struct media_job *job, uint8_t len) {
    job->head[0] |= 0x20;
    memset(pkt_bytes(job->pkt), 0, len);
    pkt_bytes(job->pkt)[len - 1] = len;
    job->body_len = len;
}

void sfu_subscription_fill(struct sfu_subscription *s, uint16_t seq, uint32_t ts) {
    struct media_job *job = own_job(s, s->track->codec->type, seq, ts);
    if (job != NULL) {
        pad(job, 1);
    }
}

static void send_silence(struct sfu_subscription *s) {
    bool video = s->silence.video;
    struct media_job *job =
        own_job(s, video ? s->track->codec->type : RTC_OPUS, s->silence.seq, s->silence.ts);
    if (job == NULL) {
        return;
    }
    if (video) {
        pad(job, RTC_RTP_PAD_MAX);
    } else {
        memcpy(pkt_bytes(job->pkt), sfu_silence_opus, SFU_SILENCE_OPUS_BYTES);
        job->body_len = SFU_SILENCE_OPUS_BYTES;
    }
    sfu_rewriter_follow(&s->rewriter, s->silence.seq, s->silence.ts, s->worker->media->now_us);
}

static bool can_be_silent(const struct sfu_subscription *s) {
    enum rtc_codec_type type = s->silence.video ? s->track->codec->type : RTC_OPUS;
    return s->silence.on && !s->wanted.disabled && s->pts[type] != RTC_NO_PT &&
           media_transport_is_connected(s->media);
}

int64_t sfu_subscription_report(struct sfu_subscription *s, int64_t now_us) {
    if (now_us >= s->report_us) {
        s->report_us = now_us + REPORT_US;
        send_report(s, now_us);
    }
    if (can_be_silent(s) && sfu_silence_due(&s->silence, s->rewriter.clock_rate, now_us)) {
        send_silence(s);
    }
    bool silent = can_be_silent(s) && s->silence.next_us < s->report_us;
    return silent ? s->silence.next_us : s->report_us;
}
