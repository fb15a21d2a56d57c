/* Frames cut into packets, a layer beside the other. */
#include "source.h"

#include "core/mem.h"
#include "rtc/ntp.h"
#include "rtc/rtcp.h"
#include "rtc/rtcpfb.h"
#include "rtc/rtpext.h"
#include "rtc/rtx.h"

#include <string.h>

#define MAGIC        0xA7
#define PACKET_MAX   1400
#define OPUS_20_MS   0x78 /* mono */
#define NAME_PACKETS 50   /* of each layer carry MID and RID */
#define NTP_OF_START (UINT64_C(0xe8000000) << 32)

struct kept {
    uint16_t seq, head_len, len;
    uint8_t bytes[PACKET_MAX];
};

struct layer {
    struct rtc_srtp_sender sender, rtx_sender;
    struct kept *kept;
    uint32_t frame, ts, octets, count;
    uint16_t seq, rtx_seq;
    uint16_t sent; /* packets of the running frame */
    uint8_t tl0, tid;
    bool key, want_key;
};

struct peer_source {
    struct peer_source_config cfg;
    struct layer layers[RTC_ENCODINGS_MAX];
    struct peer_source_stats stats;
    int64_t frame_at_us; /* when the running frame began */
    unsigned mask;
    uint8_t level;
    uint16_t twcc;
};

/* --- content --- */

static uint8_t pattern(const struct peer_content *c, size_t i) {
    uint32_t x = (c->frame * 2654435761U) ^ ((uint32_t)c->packet << 16) ^ (uint32_t)(i * 40503U);
    return (uint8_t)(x >> 13);
}

void peer_content_write(const struct peer_content *c, uint8_t *ret, size_t len) {
    struct wr w = wr_make(ret, len);
    wr_u8(&w, MAGIC);
    wr_u8(&w, c->layer);
    wr_u16(&w, c->track);
    wr_u32(&w, c->frame);
    wr_u16(&w, c->packet);
    wr_u16(&w, c->packets);
    wr_u32(&w, c->sent_us);
    for (size_t i = wr_len(&w); i < len; i++) {
        ret[i] = pattern(c, i);
    }
}

bool peer_content_read(const uint8_t *data, size_t len, struct peer_content *ret) {
    struct cur c = cur_make(data, len);
    uint8_t magic = cur_u8(&c);
    ret->layer = cur_u8(&c);
    ret->track = cur_u16(&c);
    ret->frame = cur_u32(&c);
    ret->packet = cur_u16(&c);
    ret->packets = cur_u16(&c);
    ret->sent_us = cur_u32(&c);
    bool same = !c.bad && magic == MAGIC;
    for (size_t i = PEER_CONTENT_HEAD; same && i < len; i++) {
        same = data[i] == pattern(ret, i);
    }
    return same;
}

/* --- packets --- */

static void put_name(struct rtc_rtpext_wr *x, uint8_t id, const char *name) {
    uint8_t *at = id == 0 || name[0] == '\0' ? NULL : rtc_rtpext_put(x, id, strlen(name));
    if (at != NULL) {
        memcpy(at, name, strlen(name));
    }
}

static void write_head(
    struct peer_source *s, unsigned i, struct wr *w, const struct rtc_rtp_head *head, bool rtx) {
    const struct rtc_rtp_params *p = &s->cfg.params;
    rtc_rtp_write(w, head);
    struct rtc_rtpext_wr x = rtc_rtpext_begin(w, false);
    if (s->layers[i].count < NAME_PACKETS || rtx) {
        put_name(&x, p->ext[RTC_EXT_MID], p->mid);
        put_name(&x, p->ext[rtx ? RTC_EXT_REPAIRED_RID : RTC_EXT_RID], p->encodings[i].rid);
    }
    if (p->ext[RTC_EXT_TRANSPORT_CC] != 0) {
        uint8_t *at = rtc_rtpext_put(&x, p->ext[RTC_EXT_TRANSPORT_CC], RTC_RTPEXT_TWCC_LEN);
        if (at != NULL) {
            rtc_rtpext_set_twcc(at, s->twcc++);
        }
    }
    if (p->media == RTC_AUDIO && p->ext[RTC_EXT_AUDIO_LEVEL] != 0) {
        uint8_t *at = rtc_rtpext_put(&x, p->ext[RTC_EXT_AUDIO_LEVEL], RTC_RTPEXT_AUDIO_LEVEL_LEN);
        if (at != NULL) {
            rtc_rtpext_set_audio_level(at, s->level, true);
        }
    }
    rtc_rtpext_end(&x);
}

static size_t payload_of(const struct peer_source *s) {
    return s->cfg.payload < PEER_CONTENT_HEAD ? PEER_CONTENT_HEAD : s->cfg.payload;
}

static void write_vp8(const struct layer *l, struct wr *w) {
    bool first = l->sent == 0;
    wr_u8(w, (uint8_t)(0x80 | (first ? 0x10 : 0)));
    wr_u8(w, 0x80 | 0x40 | 0x20 | 0x10);
    wr_u16(w, (uint16_t)(0x8000 | (l->frame & 0x7fff)));
    wr_u8(w, l->tl0);
    wr_u8(w, (uint8_t)(l->tid << 6 | (l->tid > 0 ? 0x20 : 0)));
    wr_u8(w, l->key && first ? 0x10 : 0x11); /* bit 0 clear: a key frame */
    if (l->key && first) {
        static const uint8_t start[9] = { 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00 };
        wr_bytes(w, start, 2 + 3 + 4);
    }
}

/* A slice; of a key frame, behind its parameters (RFC 6184, 5.6 and 5.7.1). */
static void write_h264(const struct peer_source *s, const struct layer *l, struct wr *w) {
    if (!(l->key && l->sent == 0)) {
        wr_u8(w, 0x41);
        return;
    }
    static const uint8_t start[PEER_H264_KEY - 3] = { 0x18, 0, 2, 0x67, 0x42 };
    wr_bytes(w, start, sizeof(start));
    wr_u16(w, (uint16_t)(1 + payload_of(s)));
    wr_u8(w, 0x65);
}

/* An Opus packet behind one that was sent before (RFC 2198, 3). */
static void write_red(const struct peer_source *s, struct wr *w) {
    wr_u8(w, (uint8_t)(0x80 | s->cfg.params.codecs[0].profile));
    wr_u24(w, 960 << 10 | PEER_RED_OLD);
    wr_u8(w, s->cfg.params.codecs[0].profile);
    wr_u8(w, OPUS_20_MS);
    wr_zero(w, PEER_RED_OLD - 1);
    wr_u8(w, OPUS_20_MS);
}

static void write_codec(const struct peer_source *s, const struct layer *l, struct wr *w) {
    switch (s->cfg.params.codecs[0].type) {
    case RTC_VP8:
        write_vp8(l, w);
        break;
    case RTC_H264:
        write_h264(s, l, w);
        break;
    case RTC_RED:
        write_red(s, w);
        break;
    default:
        wr_u8(w, OPUS_20_MS);
        break;
    }
}

static void keep(struct layer *l, uint16_t seq, const uint8_t *bytes, size_t head_len, size_t len) {
    struct kept *k = &l->kept[seq % PEER_SOURCE_KEPT];
    k->seq = seq;
    k->head_len = (uint16_t)head_len;
    k->len = (uint16_t)len;
    memcpy(k->bytes, bytes, len);
}

static void emit_packet(struct peer_source *s, unsigned i, int64_t now_us) {
    struct layer *l = &s->layers[i];
    const struct rtc_codec *codec = &s->cfg.params.codecs[0];
    uint16_t of = s->cfg.packets[i] == 0 ? 1 : s->cfg.packets[i];
    uint8_t bytes[PACKET_MAX];
    struct wr w = wr_make(bytes, sizeof(bytes));
    bool video = s->cfg.params.media == RTC_VIDEO;
    struct rtc_rtp_head head = { l->ts, s->cfg.params.encodings[i].ssrc, l->seq, codec->pt,
        video && l->sent + 1 == of };
    write_head(s, i, &w, &head, false);
    size_t head_len = wr_len(&w);
    write_codec(s, l, &w);
    struct peer_content content = { (uint8_t)i, s->cfg.track, l->frame, l->sent, of,
        (uint32_t)now_us };
    size_t len = payload_of(s);
    uint8_t *at = wr_take(&w, len);
    if (at != NULL) {
        peer_content_write(&content, at, len);
        keep(l, l->seq, bytes, head_len, wr_len(&w));
        s->cfg.emit(s->cfg.arg, &l->sender, bytes, head_len, wr_len(&w));
    }
    l->seq++;
    l->sent++;
    l->count++;
    l->octets += (uint32_t)(wr_len(&w) - head_len);
    s->stats.packets++;
}

/* --- frames --- */

static void begin_frame(struct peer_source *s, int64_t at_us) {
    static const uint8_t pattern_of_tids[4] = { 0, 2, 1, 2 };
    int64_t since = at_us - s->cfg.now_us;
    s->frame_at_us = at_us;
    for (unsigned i = 0; i < s->cfg.params.n_encodings; i++) {
        struct layer *l = &s->layers[i];
        l->ts =
            s->cfg.first_ts + (uint32_t)rtc_us_to_ticks(since, s->cfg.params.codecs[0].clock_rate);
        l->sent = 0;
        if ((s->mask >> i & 1) == 0) {
            l->sent = UINT16_MAX; /* says nothing in this frame */
            continue;
        }
        l->frame++;
        l->key = l->want_key;
        l->want_key = false;
        l->tid = s->cfg.temporal && !l->key ? pattern_of_tids[l->frame % 4] : 0;
        l->tl0 = (uint8_t)(l->tl0 + (l->tid == 0));
        s->stats.frames++;
    }
}

/* When packet `n` of a frame leaves. */
static int64_t packet_us(const struct peer_source *s, unsigned i, uint16_t n) {
    uint16_t of = s->cfg.packets[i] == 0 ? 1 : s->cfg.packets[i];
    return s->frame_at_us + (s->cfg.pace ? s->cfg.frame_us * n / of : 0);
}

static bool has_more(const struct peer_source *s, unsigned i) {
    uint16_t of = s->cfg.packets[i] == 0 ? 1 : s->cfg.packets[i];
    return s->layers[i].sent < of;
}

int64_t peer_source_next_us(const struct peer_source *s) {
    int64_t next = s->frame_at_us + s->cfg.frame_us;
    for (unsigned i = 0; i < s->cfg.params.n_encodings; i++) {
        if (has_more(s, i) && packet_us(s, i, s->layers[i].sent) < next) {
            next = packet_us(s, i, s->layers[i].sent);
        }
    }
    return next;
}

void peer_source_tick(struct peer_source *s, int64_t now_us) {
    for (;;) {
        for (unsigned i = 0; i < s->cfg.params.n_encodings; i++) {
            while (has_more(s, i) && packet_us(s, i, s->layers[i].sent) <= now_us) {
                emit_packet(s, i, now_us);
            }
        }
        if (s->frame_at_us + s->cfg.frame_us > now_us) {
            return;
        }
        begin_frame(s, s->frame_at_us + s->cfg.frame_us);
    }
}

void peer_source_set_layers(struct peer_source *s, unsigned mask) {
    s->mask = mask;
}

void peer_source_set_level(struct peer_source *s, uint8_t level) {
    s->level = level;
}

/* --- feedback --- */

static void resend(struct peer_source *s, unsigned i, uint16_t seq) {
    struct layer *l = &s->layers[i];
    const struct rtc_codec *codec = &s->cfg.params.codecs[0];
    const struct rtc_encoding *e = &s->cfg.params.encodings[i];
    const struct kept *k = &l->kept[seq % PEER_SOURCE_KEPT];
    if (k->seq != seq || k->len == 0) {
        return;
    }
    s->stats.resent++;
    if (e->rtx_ssrc == 0 || codec->rtx_pt == RTC_NO_PT) {
        s->cfg.emit(s->cfg.arg, &l->sender, k->bytes, k->head_len, k->len);
        return;
    }
    uint8_t bytes[PACKET_MAX + 64];
    struct wr w = wr_make(bytes, sizeof(bytes));
    struct rtc_rtp_head head = { be32_get(k->bytes + 4), e->rtx_ssrc, l->rtx_seq++, codec->rtx_pt,
        k->bytes[1] >> 7 };
    write_head(s, i, &w, &head, true);
    size_t head_len = wr_len(&w);
    rtc_rtx_write_osn(&w, seq);
    wr_bytes(&w, k->bytes + k->head_len, k->len - k->head_len);
    s->cfg.emit(s->cfg.arg, &l->rtx_sender, bytes, head_len, wr_len(&w));
}

static void feedback(struct peer_source *s, struct rtc_rtcpfb *fb) {
    for (unsigned i = 0; i < s->cfg.params.n_encodings; i++) {
        if (fb->media != s->cfg.params.encodings[i].ssrc) {
            continue;
        }
        if (fb->kind == RTC_RTCPFB_PLI) {
            s->layers[i].want_key = true;
            s->stats.keys_asked++;
        } else if (fb->kind == RTC_RTCPFB_NACK) {
            uint16_t seqs[256];
            size_t n = rtc_rtcpfb_nack(fb, seqs, 256);
            for (size_t k = 0; k < n; k++) {
                resend(s, i, seqs[k]);
            }
        }
    }
}

void peer_source_rtcp(struct peer_source *s, struct cur datagram) {
    struct rtc_rtcp_part part;
    struct rtc_rtcpfb fb;
    while (rtc_rtcp_next(&datagram, &part)) {
        if (rtc_rtcpfb_read(&part, &fb)) {
            feedback(s, &fb);
        }
    }
}

void peer_source_report(struct peer_source *s, struct wr *w, int64_t now_us) {
    for (unsigned i = 0; i < s->cfg.params.n_encodings; i++) {
        struct layer *l = &s->layers[i];
        int64_t since = now_us - s->cfg.now_us;
        struct rtc_rtcp_sr sr = { .ssrc = s->cfg.params.encodings[i].ssrc,
            .ntp = NTP_OF_START + (uint64_t)rtc_us_to_ntp(since),
            .rtp_ts = s->cfg.first_ts +
                      (uint32_t)rtc_us_to_ticks(since, s->cfg.params.codecs[0].clock_rate),
            .packets = l->count,
            .octets = l->octets };
        if (l->count > 0) {
            rtc_rtcp_write_sr(w, &sr, NULL, 0);
            rtc_rtcp_write_sdes(w, sr.ssrc, s->cfg.params.cname, NULL);
        }
    }
}

const struct peer_source_stats *peer_source_stats(const struct peer_source *s) {
    return &s->stats;
}

/* --- life --- */

enum err peer_source_create(const struct peer_source_config *cfg, struct peer_source **ret) {
    struct peer_source *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for a source");
    }
    s->cfg = *cfg;
    s->mask = UINT32_MAX;
    s->level = 20;
    s->frame_at_us = cfg->now_us - cfg->frame_us;
    for (unsigned i = 0; i < cfg->params.n_encodings; i++) {
        struct layer *l = &s->layers[i];
        l->seq = cfg->first_seq;
        l->want_key = true;
        l->sent = UINT16_MAX;
        l->kept = mem_zalloc(PEER_SOURCE_KEPT * sizeof(*l->kept));
        if (l->kept == NULL) {
            peer_source_destroy(s);
            return err_set(ERR_NOMEM, "no memory for a source");
        }
    }
    *ret = s;
    return OK;
}

void peer_source_adopt(struct peer_source *s, const struct peer_source *before) {
    for (unsigned i = 0; i < RTC_ENCODINGS_MAX; i++) {
        s->layers[i].sender = before->layers[i].sender;
        s->layers[i].rtx_sender = before->layers[i].rtx_sender;
        s->layers[i].rtx_seq = before->layers[i].rtx_seq;
    }
}

void peer_source_destroy(struct peer_source *s) {
    if (s == NULL) {
        return;
    }
    for (unsigned i = 0; i < RTC_ENCODINGS_MAX; i++) {
        mem_free(s->layers[i].kept);
    }
    mem_free(s);
}
