/* Checks each packet against those before it. */
#include "sink.h"

#include "rtc/codec/vp8.h"
#include "rtc/rtcp.h"
#include "rtc/rtcpfb.h"
#include "rtc/rtp.h"
#include "rtc/rtx.h"
#include "rtc/seq.h"
#include "source.h"

#include <string.h>

void peer_sink_init(struct peer_sink *s, const struct peer_sink_config *cfg) {
    *s = (struct peer_sink){ .cfg = *cfg, .stats.layer = -1 };
}

/* --- numbers --- */

static bool test_and_set(struct peer_sink *s, int64_t seq) {
    uint64_t bit = UINT64_C(1) << (seq % 64);
    uint64_t *word = &s->seen[seq / 64 % (PEER_SINK_SEEN / 64)];
    bool was = (*word & bit) != 0;
    *word |= bit;
    return was;
}

/* False for a packet that came before. */
static bool note_seq(struct peer_sink *s, uint16_t low) {
    if (!s->any) {
        s->any = true;
        s->base = s->highest = 65536 + low;
    }
    int64_t seq = rtc_seq_extend(s->highest, low);
    for (int64_t i = s->highest + 1; i <= seq; i++) {
        s->seen[i / 64 % (PEER_SINK_SEEN / 64)] &= ~(UINT64_C(1) << (i % 64));
    }
    s->base = seq < s->base ? seq : s->base;
    s->highest = seq > s->highest ? seq : s->highest;
    if (test_and_set(s, seq)) {
        s->stats.duplicates++;
        return false;
    }
    s->unique++;
    return true;
}

uint64_t peer_sink_missing(const struct peer_sink *s) {
    return s->any ? (uint64_t)(s->highest - s->base + 1) - s->unique : 0;
}

uint64_t peer_sink_faults(const struct peer_sink *s) {
    const struct peer_sink_stats *t = &s->stats;
    return t->wrong + t->strangers + t->back + t->picture_back + t->not_key;
}

/* --- frames --- */

static void note_picture(struct peer_sink *s, const struct rtc_vp8 *v) {
    int32_t ahead = rtc_wrap_diff(v->picture_id, s->picture_id, 15);
    if (s->any_frame) {
        s->stats.picture_back += ahead < 0;
        s->stats.picture_jumps += ahead > 1;
    }
    s->picture_id = v->picture_id;
    s->stats.highest_tid = v->tid > s->stats.highest_tid ? v->tid : s->stats.highest_tid;
}

/* The first packet of the newest frame so far. Behind a gap nobody knows what began the layer. */
static void begin_frame(struct peer_sink *s, const struct peer_content *c, bool key) {
    bool other = s->stats.layer != c->layer;
    s->stats.switches += other && s->stats.layer >= 0;
    s->stats.not_key += other && !key && !s->gap && rtc_codec_media(s->cfg.codec) == RTC_VIDEO;
    s->stats.keys += key;
    s->stats.frames++;
    s->stats.layer = c->layer;
    s->gap = false;
    s->any_frame = true;
}

/* What servers send where nothing else is to be sent (livekit-protocol 5.12), so that a client's
 * track begins, or its picture ends: silence, a tiny picture, and LiveKit's 255 bytes of zero that
 * stand in a payload though they are meant as padding. `data`: behind the codec's descriptor. */
static bool is_made_up(const struct peer_sink *s, const uint8_t *data, size_t len) {
    static const uint8_t picture[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x08, 0x00, 0x08, 0x00 };
    if (s->cfg.codec == RTC_VP8) {
        bool zero = len > 2 && data[0] == 0 && memcmp(data, data + 1, len - 2) == 0;
        return zero || (len >= sizeof(picture) && memcmp(data, picture, sizeof(picture)) == 0);
    }
    return len == 80 && data[0] == 0xf8;
}

static void take_payload(
    struct peer_sink *s, const uint8_t *data, size_t len, int64_t ahead, int64_t now_us) {
    struct peer_content content;
    struct rtc_vp8 v = { 0 };
    size_t head = s->cfg.codec == RTC_RED ? 4 + 1 + PEER_RED_OLD + 1 : 1;
    bool key = s->cfg.codec == RTC_H264 && (data[0] & 0x1f) == 24;
    head = key ? PEER_H264_KEY : head;
    if (s->cfg.codec == RTC_VP8) {
        if (!rtc_vp8_parse(cur_make(data, len), &v)) {
            s->stats.strangers++;
            return;
        }
        head = v.len + (v.key_frame ? 10U : 1U);
        key = v.key_frame;
    }
    if (len < head || !peer_content_read(data + head, len - head, &content)) {
        bool made_up = is_made_up(s, data + v.len, len - v.len);
        s->stats.padding += made_up;
        s->stats.wrong += !made_up;
        return;
    }
    s->stats.first_us = s->stats.first_us == 0 ? now_us : s->stats.first_us;
    s->stats.latest_us = now_us;
    s->stats.sent_us = content.sent_us;
    s->stats.track = content.track;
    if (s->cfg.took != NULL) {
        s->cfg.took(s->cfg.took_arg, &content, key, now_us);
    }
    if (ahead > 0 && (content.packet == 0 || !s->any_frame)) {
        if (s->cfg.codec == RTC_VP8) {
            note_picture(s, &v);
        }
        begin_frame(s, &content, key);
    }
}

/* False for a packet that came before. */
static bool note_head(
    struct peer_sink *s, const struct rtc_rtp *rtp, int64_t ahead, bool by_rtx, int64_t now_us) {
    bool first = !s->any;
    if (!note_seq(s, rtp->seq)) {
        return false;
    }
    (void)rtc_nack_received(&s->nack, rtp->seq, now_us);
    s->stats.packets++;
    s->stats.bytes += rtp->payload_len;
    s->stats.recovered += by_rtx;
    s->gap |= ahead > 1;
    if (ahead > 0) {
        s->stats.back += !first && rtc_ts_diff(rtp->ts, s->ts) < 0;
        s->ts = rtp->ts;
    }
    return true;
}

/* How far it is ahead of the newest. */
static int64_t ahead_of(const struct peer_sink *s, const struct rtc_rtp *rtp) {
    return s->any ? rtc_seq_diff(rtp->seq, (uint16_t)s->highest) : 1;
}

static void take_original(struct peer_sink *s, const uint8_t *packet, const struct rtc_rtp *rtp,
    bool by_rtx, int64_t now_us) {
    int64_t ahead = ahead_of(s, rtp);
    if (!note_head(s, rtp, ahead, by_rtx, now_us)) {
        return;
    }
    if (rtp->payload_len == 0) {
        s->stats.padding++;
    } else {
        take_payload(s, packet + rtp->payload_off, rtp->payload_len, ahead, now_us);
    }
}

void peer_sink_take(struct peer_sink *s, uint8_t *packet, size_t len, int64_t now_us) {
    struct rtc_rtp rtp;
    if (!rtc_rtp_parse(cur_make(packet, len), &rtp)) {
        s->stats.strangers++;
        return;
    }
    bool by_rtx = s->cfg.rtx_ssrc != 0 && rtp.ssrc == s->cfg.rtx_ssrc;
    if (by_rtx) {
        if (rtp.pt != s->cfg.rtx_pt || !rtc_rtx_unwrap(packet, &rtp, s->cfg.pt, s->cfg.ssrc)) {
            return; /* a probe */
        }
        packet += RTC_RTX_OSN_LEN;
    }
    if (rtp.pt != s->cfg.pt || rtp.ssrc != s->cfg.ssrc) {
        s->stats.strangers++;
        return;
    }
    take_original(s, packet, &rtp, by_rtx, now_us);
}

void peer_sink_skim(struct peer_sink *s, const uint8_t *packet, size_t len, int64_t now_us) {
    struct rtc_rtp rtp;
    if (!rtc_rtp_parse(cur_make(packet, len), &rtp) || rtp.pt != s->cfg.pt) {
        s->stats.strangers++;
        return;
    }
    (void)note_head(s, &rtp, ahead_of(s, &rtp), false, now_us);
}

/* --- feedback --- */

void peer_sink_rtcp(struct peer_sink *s, struct cur datagram, int64_t now_us) {
    struct rtc_rtcp_part part;
    struct rtc_rtcp_sr sr;
    while (rtc_rtcp_next(&datagram, &part)) {
        if (part.type == RTC_RTCP_SR && rtc_rtcp_sr(&part, &sr) && sr.ssrc == s->cfg.ssrc) {
            s->stats.reports++;
            s->sr_mid = (uint32_t)(sr.ntp >> 16);
            s->sr_us = now_us;
        }
    }
}

void peer_sink_feedback(struct peer_sink *s, struct wr *w, int64_t now_us) {
    uint16_t seqs[RTC_NACK_MAX];
    size_t n = rtc_nack_due(&s->nack, now_us, seqs);
    if (n > 0) {
        (void)rtc_rtcpfb_write_nack(w, s->cfg.own_ssrc, s->cfg.ssrc, seqs, n);
    }
    if (rtc_nack_take_key_needed(&s->nack) && rtc_codec_media(s->cfg.codec) == RTC_VIDEO) {
        rtc_rtcpfb_write_pli(w, s->cfg.own_ssrc, s->cfg.ssrc);
    }
}

bool peer_sink_block(struct peer_sink *s, int64_t now_us, struct rtc_rtcp_block *ret) {
    if (!s->any) {
        return false;
    }
    uint32_t expected = (uint32_t)(s->highest - s->base + 1);
    uint32_t lost = (uint32_t)peer_sink_missing(s);
    uint32_t expected_now = expected - s->told_expected;
    uint32_t lost_now = lost > s->told_lost ? lost - s->told_lost : 0;
    uint64_t fraction = expected_now == 0 ? 0 : (uint64_t)lost_now * 256 / expected_now;
    s->told_expected = expected;
    s->told_lost = lost;
    *ret = (struct rtc_rtcp_block){ .ssrc = s->cfg.ssrc,
        .fraction_lost = (uint8_t)(fraction > 255 ? 255 : fraction),
        .lost = (int32_t)lost,
        .highest_seq = (uint32_t)s->highest,
        .lsr = s->sr_mid,
        .dlsr = s->sr_us == 0 ? 0 : (uint32_t)((now_us - s->sr_us) * 65536 / 1000000) };
    return true;
}
