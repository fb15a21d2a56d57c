/* Layered streams made up and checked. */
#include "layered.h"

#include "core/mem.h"
#include "rtc/codec/bits.h"
#include "rtc/codec/vp9.h"
#include "rtc/rtcpfb.h"
#include "rtc/rtpext.h"
#include "rtc/rtx.h"
#include "rtc/seq.h"
#include "unit/test.h"

enum {
    PT = 98,
    PT_RTX = 99,
    EXT_DD = 7,
    EXT_DD_OUT = 1,
    PICTURE_US = 33333,
    TEMPLATES = 4, /* of a spatial layer: key, and three temporal layers */
    HEAD =
        4 + 4 + 1 + 4, /* bytes of what is checked: layers and packets, picture, flags, reference */
    BODY = 600,
    GIVEN_UP_US = 1500000, /* behind the packet after it */
};

/* --- descriptors: AV1 RTP, A.8.2 --- */

static unsigned dti_of(const struct layered_kind *k, unsigned template, unsigned target) {
    unsigned fs = template / TEMPLATES,
             ft = template % TEMPLATES == 0 ? 0 : template % TEMPLATES - 1;
    unsigned ts = target / 3, tt = target % 3;
    bool key = template % TEMPLATES == 0;
    if (ts < fs || tt < ft) {
        return RTC_AV1_NOT_PRESENT;
    }
    if (key || ts == fs) {
        return !key && ft != 0 && tt == ft ? RTC_AV1_DISCARDABLE : RTC_AV1_SWITCH;
    }
    return k->apart ? RTC_AV1_NOT_PRESENT : RTC_AV1_REQUIRED;
}

static void write_structure(const struct layered_kind *k, struct rtc_bits_wr *w) {
    unsigned n = k->spatial * TEMPLATES, n_targets = k->spatial * 3;
    rtc_bits_put(w, 0, 6);
    rtc_bits_put(w, n_targets - 1, 5);
    for (unsigned i = 0; i < n; i++) { /* next layer: the same, temporal, spatial, none */
        rtc_bits_put(w,
            i + 1 == n                       ? 3
            : i % TEMPLATES == TEMPLATES - 1 ? 2
                                             : i % TEMPLATES != 0,
            2);
    }
    for (unsigned i = 0; i < n; i++) {
        for (unsigned t = 0; t < n_targets; t++) {
            rtc_bits_put(w, dti_of(k, i, t), 2);
        }
    }
    for (unsigned i = 0; i < n; i++) { /* everything but the lowest key frame refers to something */
        if (i > 0) {
            rtc_bits_put(w, 0x10, 5);
        }
        rtc_bits_put(w, 0, 1);
    }
    unsigned width = 0; /* no chains: 0, by ns(n_targets + 1) */
    while ((n_targets + 1) >> width != 0) {
        width++;
    }
    rtc_bits_put(w, 0, width - 1);
    rtc_bits_put(w, 1, 1);
    for (unsigned i = 0; i < k->spatial; i++) {
        rtc_bits_put(w, (320U << i) - 1, 16);
        rtc_bits_put(w, (180U << i) - 1, 16);
    }
}

static size_t write_descriptor(const struct layered_source *s, unsigned spatial, unsigned temporal,
    bool key, bool start, bool end, uint8_t ret[RTC_AV1_LEN_MAX]) {
    struct rtc_bits_wr w = rtc_bits_wr_make(ret, RTC_AV1_LEN_MAX);
    rtc_bits_put(&w, start, 1);
    rtc_bits_put(&w, end, 1);
    rtc_bits_put(&w, spatial * TEMPLATES + (key ? 0 : temporal + 1), 6);
    rtc_bits_put(&w, s->frame, 16);
    if (key && spatial == 0 && start) {
        rtc_bits_put(&w, 0x10, 5);
        write_structure(&s->kind, &w);
    }
    return rtc_bits_finish(&w);
}

/* --- the publisher --- */

static void write_codec(const struct layered_source *s, unsigned spatial, unsigned temporal,
    bool key, bool start, bool end, struct wr *w) {
    if (s->kind.codec == RTC_AV1) {
        wr_u8(w, key && spatial == 0 && start ? 0x18 : 0x10);
        return;
    }
    bool structure = key && spatial == 0 && start, inter = spatial > 0 && (key || !s->kind.apart);
    wr_u8(w, (uint8_t)(0x80 | (key ? 0 : 0x40) | 0x20 | (start ? 8 : 0) | (end ? 4 : 0) |
                       (structure ? 2 : 0)));
    wr_u16(w, (uint16_t)(0x8000 | (s->picture & 0x7fff)));
    wr_u8(w, (uint8_t)(temporal << 5 | 0x10 | spatial << 1 | inter));
    wr_u8(w, (uint8_t)s->picture);
    if (structure) {
        wr_u8(w, (uint8_t)((s->kind.spatial - 1) << 5 | 0x10));
        for (unsigned i = 0; i < s->kind.spatial; i++) {
            wr_u16(w, (uint16_t)(320U << i));
            wr_u16(w, (uint16_t)(180U << i));
        }
    }
}

struct frame {
    unsigned spatial, temporal, packets;
    bool key, inter;
    uint32_t refers;
};

static void send_packet(struct layered_source *s, const struct frame *f, unsigned i, bool last) {
    uint8_t bytes[1400], dd[RTC_AV1_LEN_MAX] = { 0 };
    struct wr w = wr_make(bytes, sizeof(bytes));
    struct rtc_rtp_head head = { s->ts, s->ssrc, s->seq++, PT, last };
    bool start = i == 0, end = i + 1 == f->packets;
    rtc_rtp_write(&w, &head);
    struct rtc_rtpext_wr x = rtc_rtpext_begin(&w, true);
    if (s->kind.descriptor) {
        size_t n = write_descriptor(s, f->spatial, f->temporal, f->key, start, end, dd);
        memcpy(rtc_rtpext_put(&x, EXT_DD, n), dd, n);
    }
    rtc_rtpext_end(&x);
    size_t head_len = wr_len(&w);
    write_codec(s, f->spatial, f->temporal, f->key, start, end, &w);
    wr_u8(&w, (uint8_t)f->spatial);
    wr_u8(&w, (uint8_t)f->temporal);
    wr_u8(&w, (uint8_t)i);
    wr_u8(&w, (uint8_t)f->packets);
    wr_u32(&w, s->picture);
    wr_u8(&w, (uint8_t)(f->key | f->inter << 1));
    wr_u32(&w, f->refers);
    wr_zero(&w, BODY);
    if (s->kept != NULL) {
        struct layered_packet *k = &s->kept[head.seq % LAYERED_KEPT];
        *k = (struct layered_packet){
            .seq = head.seq, .head_len = (uint16_t)head_len, .len = (uint16_t)wr_len(&w)
        };
        memcpy(k->bytes, bytes, k->len);
    }
    world_emit(s->c, &s->sender, bytes, head_len, wr_len(&w));
}

/* By RTX, with its elements as they were. */
static void send_again(struct layered_source *s, uint16_t seq) {
    const struct layered_packet *k = s->kept == NULL ? NULL : &s->kept[seq % LAYERED_KEPT];
    if (k == NULL || k->len == 0 || k->seq != seq) {
        return;
    }
    uint8_t bytes[1402];
    struct wr w = wr_make(bytes, sizeof(bytes));
    wr_bytes(&w, k->bytes, k->head_len);
    rtc_rtx_write_osn(&w, seq);
    wr_bytes(&w, k->bytes + k->head_len, k->len - k->head_len);
    bytes[1] = (uint8_t)((bytes[1] & 0x80) | PT_RTX);
    be16_put(bytes + 2, s->rtx_seq++);
    be32_put(bytes + 8, s->rtx_ssrc);
    world_emit(s->c, &s->rtx_sender, bytes, k->head_len, wr_len(&w));
}

static void send_picture(struct layered_source *s) {
    static const uint8_t order[4] = { 0, 2, 1, 2 };
    bool key = s->key_wanted || s->picture == 0;
    s->key_wanted = false;
    s->keys += key;
    if (key) {
        s->picture = (s->picture + 4) & ~3U; /* the pattern begins again */
    } else {
        s->picture++;
    }
    unsigned temporal = order[s->picture % 4];
    for (unsigned i = 0; i < s->sent_spatial; i++) {
        struct frame f = { i, temporal, 1U << i, key, i > 0 && (key || !s->kind.apart), 0 };
        f.refers = key                                              ? 0
                   : temporal == 2 && s->last[i][1] > s->last[i][0] ? s->last[i][1]
                                                                    : s->last[i][0];
        for (unsigned k = 0; k < f.packets; k++) {
            send_packet(s, &f, k, i + 1 == s->sent_spatial && k + 1 == f.packets);
        }
        if (temporal < 2) {
            s->last[i][temporal] = s->picture;
        }
        s->frame++;
    }
    s->ts += 3000;
}

static void to_source(void *arg, bool rtcp, const uint8_t *bytes, size_t len) {
    struct layered_source *s = arg;
    struct cur c = cur_make(bytes, len);
    struct rtc_rtcp_part part;
    struct rtc_rtcpfb fb;
    while (rtcp && rtc_rtcp_next(&c, &part)) {
        uint16_t seqs[RTC_NACK_MAX];
        if (!rtc_rtcpfb_read(&part, &fb)) {
            continue;
        }
        s->key_wanted |= fb.kind == RTC_RTCPFB_PLI;
        size_t n = fb.kind == RTC_RTCPFB_NACK ? rtc_rtcpfb_nack(&fb, seqs, RTC_NACK_MAX) : 0;
        for (size_t i = 0; i < n; i++) {
            send_again(s, seqs[i]);
        }
    }
}

static struct rtc_rtp_params params_of(struct world *w, const struct layered_kind *k) {
    struct rtc_rtp_params p = { .media = RTC_VIDEO, .n_codecs = 1, .n_encodings = 1 };
    p.codecs[0] = (struct rtc_codec){ .type = (uint8_t)k->codec,
        .pt = PT,
        .rtx_pt = PT_RTX,
        .feedback = RTC_FB_NACK | RTC_FB_PLI,
        .clock_rate = 90000 };
    p.mid[0] = '0';
    memcpy(p.cname, "layered", 8);
    p.encodings[0].ssrc = w->next_ssrc++;
    p.encodings[0].rtx_ssrc = w->next_ssrc++;
    return p;
}

void layered_publish(
    struct layered_source *s, struct world_client *c, const struct layered_kind *k) {
    *s = (struct layered_source){
        .kind = *k, .c = c, .ts = 4000000000U, .seq = 65000, .sent_spatial = k->spatial
    };
    struct sfu_track_config cfg = { .params = params_of(c->world, k) };
    cfg.params.ext[RTC_EXT_DEPENDENCY] = k->descriptor ? EXT_DD : 0;
    s->ssrc = cfg.params.encodings[0].ssrc;
    s->rtx_ssrc = cfg.params.encodings[0].rtx_ssrc;
    c->raw = to_source;
    c->raw_arg = s;
    CHECK_ERR(OK, sfu_track_open(c->world->sfu, c->transport, &cfg, &s->id));
}

void layered_run(struct world *w, struct layered_source *s, int64_t for_us) {
    for (int64_t until = w->now_us + for_us; w->now_us < until;) {
        send_picture(s);
        world_run(w, PICTURE_US);
    }
}

/* --- the subscriber --- */

static bool came(const struct layered_sink *k, unsigned spatial, uint32_t picture) {
    return k->pictures[spatial][picture % LAYERED_PICTURES] == picture;
}

/* Reads over the codec's head, as far as it belongs to none of the checks. */
static void skip_codec(struct cur *c, bool vp9) {
    struct rtc_vp9 v;
    if (!vp9) {
        cur_skip(c, 1);
    } else if (rtc_vp9_parse(*c, &v)) {
        cur_skip(c, v.len);
    } else {
        c->bad = true;
    }
}

static void check_frame(struct layered_sink *k, struct cur c) {
    unsigned spatial = cur_u8(&c), temporal = cur_u8(&c), i = cur_u8(&c), packets = cur_u8(&c);
    uint32_t picture = cur_u32(&c);
    uint8_t flags = cur_u8(&c);
    uint32_t refers = cur_u32(&c);
    if (c.bad || spatial >= LAYERED_SPATIAL || temporal > 2) {
        k->strange++;
        return;
    }
    k->spatial = (int)spatial;
    if (i + 1 < packets) {
        return;
    }
    k->broken &= (flags & 1) == 0 || spatial > 0;
    bool fine = k->broken || (((flags & 2) == 0 || came(k, spatial - 1, picture)) &&
                                 ((flags & 1) != 0 || came(k, spatial, refers)));
    k->undecodable += !fine;
    k->by_temporal[temporal]++;
    k->pictures[spatial][picture % LAYERED_PICTURES] = picture;
}

static void check_order(struct layered_sink *k, const struct rtc_rtp *rtp) {
    bool next_picture = !k->any || rtp->ts != k->ts;
    k->gaps += k->any && rtp->seq != (uint16_t)(k->seq + 1);
    k->unended += k->any && next_picture == k->open; /* behind a marker another one begins */
    k->open = !rtp->marker;
    k->ended += rtp->marker;
    k->any = true;
    k->seq = rtp->seq;
    k->ts = rtp->ts;
}

static void check_descriptor(
    struct layered_sink *k, const uint8_t *packet, const struct rtc_rtp *rtp) {
    static const uint8_t ids[RTC_EXT_COUNT] = { [RTC_EXT_DEPENDENCY] = EXT_DD_OUT };
    struct rtc_rtpext x;
    struct rtc_av1 d;
    rtc_rtpext_read(packet, rtp, ids, &x);
    if (rtc_rtpext_has(&x, RTC_EXT_DEPENDENCY)) {
        k->strange +=
            !rtc_av1_parse(rtc_rtpext_bytes(packet, &x, RTC_EXT_DEPENDENCY), &k->structure, &d);
        k->told += d.has_active;
    }
}

static void take(struct layered_sink *k, const uint8_t *bytes, size_t len) {
    struct rtc_rtp rtp;
    if (!rtc_rtp_parse(cur_make(bytes, len), &rtp)) {
        return;
    }
    if (rtp.payload_len == 0) {
        k->any = k->open = false; /* padding, before there is anything */
        return;
    }
    struct cur c = cur_make(bytes + rtp.payload_off, rtp.payload_len);
    k->bytes += len;
    check_order(k, &rtp);
    check_descriptor(k, bytes, &rtp);
    skip_codec(&c, rtp.pt == PT);
    check_frame(k, c);
}

/* --- order --- */

static void ask(struct layered_sink *k, int64_t now_us) {
    uint8_t bytes[1200];
    struct wr w = wr_make(bytes, sizeof(bytes));
    uint16_t seqs[RTC_NACK_MAX];
    size_t n = rtc_nack_due(&k->nack, now_us, seqs);
    if (n > 0) {
        (void)rtc_rtcpfb_write_nack(&w, 7, k->ssrc, seqs, n);
    }
    if (rtc_nack_take_key_needed(&k->nack)) {
        rtc_rtcpfb_write_pli(&w, 7, k->ssrc);
    }
    if (wr_len(&w) > 0) {
        (void)peer_connection_rtcp(k->c->peer, bytes, wr_len(&w));
    }
}

/* Has something behind it waited too long? */
static bool is_overdue(const struct layered_sink *k, uint16_t seq, int64_t now_us) {
    for (unsigned i = 1; i < RTC_NACK_MAX; i++) {
        uint16_t at = (uint16_t)(seq + i);
        const struct layered_packet *p = &k->waiting[at % LAYERED_KEPT];
        if (p->came_us != 0 && p->seq == at) {
            return now_us - p->came_us >= GIVEN_UP_US;
        }
    }
    return false;
}

/* What comes behind the newest that was taken, in order; what stays away is given up. */
static void take_waiting(struct layered_sink *k, int64_t now_us) {
    for (;;) {
        uint16_t next = (uint16_t)(k->seq + 1);
        struct layered_packet *p = &k->waiting[next % LAYERED_KEPT];
        if (p->came_us != 0 && p->seq == next) {
            p->came_us = 0;
            take(k, p->bytes, p->len);
            k->seq = next; /* of padding too */
            continue;
        }
        if (!is_overdue(k, next, now_us)) {
            return;
        }
        k->lost++;
        k->broken = true;
        k->any = k->open = false; /* whatever picture that was of */
        k->seq = next;
    }
}

static void put(
    struct layered_sink *k, const struct rtc_rtp *rtp, const uint8_t *bytes, size_t len) {
    int64_t now_us = k->c->world->now_us;
    if (rtc_nack_received(&k->nack, rtp->seq, now_us) != RTC_NACK_OLD) {
        struct layered_packet *p = &k->waiting[rtp->seq % LAYERED_KEPT];
        *p = (struct layered_packet){ .came_us = now_us, .seq = rtp->seq, .len = (uint16_t)len };
        memcpy(p->bytes, bytes, len);
    }
    take_waiting(k, now_us);
    ask(k, now_us);
}

static void to_sink(void *arg, bool rtcp, const uint8_t *bytes, size_t len) {
    struct layered_sink *k = arg;
    struct rtc_rtp rtp;
    uint8_t copy[1500];
    if (rtcp || len > sizeof(copy) || !rtc_rtp_parse(cur_make(bytes, len), &rtp)) {
        return;
    }
    if (rtp.ssrc == k->ssrc && k->waiting == NULL) {
        take(k, bytes, len);
    } else if (rtp.ssrc == k->ssrc) {
        put(k, &rtp, bytes, len);
    } else if (rtp.ssrc == k->rtx_ssrc && k->waiting != NULL) {
        memcpy(copy, bytes, len);
        if (rtc_rtx_unwrap(copy, &rtp, k->pt, k->ssrc)) {
            put(k, &rtp, copy + RTC_RTX_OSN_LEN, len - RTC_RTX_OSN_LEN);
        }
    }
}

void layered_mend(struct layered_source *s, struct layered_sink *sinks[], size_t n) {
    s->kept = mem_zalloc(LAYERED_KEPT * sizeof(*s->kept));
    for (size_t i = 0; i < n; i++) {
        sinks[i]->waiting = mem_zalloc(LAYERED_KEPT * sizeof(*sinks[i]->waiting));
        (void)rtc_nack_received(&sinks[i]->nack, sinks[i]->seq, s->c->world->now_us);
    }
}

void layered_give_up(struct layered_source *s, struct layered_sink *sinks[], size_t n) {
    mem_free(STEAL(s->kept));
    for (size_t i = 0; i < n; i++) {
        mem_free(STEAL(sinks[i]->waiting));
    }
}

void layered_subscribe(
    struct layered_sink *k, struct world_client *c, const struct layered_source *s) {
    *k = (struct layered_sink){ .c = c };
    struct sfu_subscription_config cfg = {
        .track = s->id, .params = params_of(c->world, &s->kind), .wanted = { .spatial = 2 }
    };
    cfg.params.codecs[0].pt = s->kind.codec == RTC_VP9 ? PT : PT + 4;
    cfg.params.ext[RTC_EXT_DEPENDENCY] = EXT_DD_OUT;
    k->ssrc = cfg.params.encodings[0].ssrc;
    k->rtx_ssrc = cfg.params.encodings[0].rtx_ssrc;
    k->pt = cfg.params.codecs[0].pt;
    c->raw = to_sink;
    c->raw_arg = k;
    CHECK_ERR(OK, sfu_subscription_open(c->world->sfu, c->transport, &cfg, &k->id));
}

void layered_remb(struct layered_sink *k, uint64_t bps) {
    uint8_t bytes[64];
    struct wr w = wr_make(bytes, sizeof(bytes));
    rtc_rtcpfb_write_remb(&w, 7, bps, &k->ssrc, 1);
    CHECK(peer_connection_rtcp(k->c->peer, bytes, wr_len(&w)));
}
