/* Renumbering, and one offset for timestamps. */
#include "sfu/rewriter.h"

#include "core/mem.h"
#include "rtc/ntp.h"
#include "rtc/seq.h"

/* Half of what two timestamps can lie apart: more, and their order is a guess. */
#define TICKS_SURE (INT64_C(1) << 30)
/* A publisher's clock that says something else than ours by more than this was set in between. */
#define TRUST_US 2000000

enum err sfu_rewriter_init(struct sfu_rewriter *r, uint32_t clock_rate, bool vp8, uint16_t first) {
    *r = (struct sfu_rewriter){ .clock_rate = clock_rate };
    if (vp8) {
        r->vp8 = mem_alloc(sizeof(*r->vp8));
        if (r->vp8 == NULL) {
            return err_set(ERR_NOMEM, "no memory for a listener's picture ids");
        }
        rtc_vp8_map_init(r->vp8);
    }
    rtc_renumber_init(&r->seq, first);
    return OK;
}

void sfu_rewriter_finish(struct sfu_rewriter *r) {
    mem_free(STEAL(r->vp8));
}

/* Has this packet a descriptor whose ids are mapped? */
static bool is_vp8(const struct sfu_rewriter *r, const struct sfu_packet *p) {
    return r->vp8 != NULL && p->codec->type == RTC_VP8 && p->rtp.payload_len > 0;
}

void sfu_rewriter_follow(struct sfu_rewriter *r, uint16_t seq, uint32_t ts, int64_t now_us) {
    rtc_renumber_init(&r->seq, seq + 1);
    r->last_out = ts;
    r->last_us = now_us;
}

static struct sfu_source source_of(const struct rtc_receiver *r) {
    return (struct sfu_source){ .receiver = r, .base = r->base, .ssrc = r->ssrc };
}

/* Is it still the stream that it was? Another SSRC, or a jump of its numbers, begins a new one. */
static bool is_same(const struct sfu_source *a, const struct rtc_receiver *r) {
    return a->receiver == r && a->base == r->base && a->ssrc == r->ssrc;
}

/* Ticks between the newest packet that went out and this one, which begins a layer: by the stream's
 * own timestamps where it is the same stream, by the publisher's clock where both layers have told
 * it, else (and after a pause so long that timestamps may have wrapped) by ours. */
static int64_t ticks_between(
    const struct sfu_rewriter *r, const struct sfu_packet *p, const struct rtc_receiver *to) {
    const struct rtc_receiver *from = r->last_of.receiver;
    uint64_t before, after;
    int64_t elapsed = rtc_us_to_ticks(p->now_us - r->last_us, r->clock_rate);
    bool known = from != NULL && is_same(&r->last_of, from) && elapsed < TICKS_SURE;
    if (known && from == to) {
        int64_t ticks = rtc_ts_diff(p->rtp.ts, r->last_in);
        return ticks > 0 ? ticks : elapsed;
    }
    if (known && rtc_receiver_ntp_of(from, r->last_in, &before) &&
        rtc_receiver_ntp_of(to, p->rtp.ts, &after)) {
        int64_t us = rtc_ntp_to_us((int64_t)(after - before));
        int64_t off_us = us - (p->now_us - r->last_us);
        if (off_us < TRUST_US && off_us > -TRUST_US) {
            return rtc_us_to_ticks(us, r->clock_rate);
        }
    }
    return elapsed;
}

void sfu_rewriter_squeeze(struct sfu_rewriter *r, uint32_t to) {
    r->squeeze = SFU_SQUEEZE_NEXT;
    r->squeeze_to = to;
}

/* The same for a packet and its resend. */
static uint32_t squeezed(uint32_t to, uint32_t ts) {
    int64_t before = rtc_ts_diff(to, ts);
    return before > 0 ? to - (uint32_t)before / SFU_SQUEEZE_BY : ts;
}

static uint32_t timestamp_of(struct sfu_rewriter *r, const struct sfu_packet *p) {
    uint32_t ts = p->rtp.ts;
    if (r->squeeze == SFU_SQUEEZE) {
        /* Once that is long ago, wrapped timestamps must not be taken for old ones. */
        r->squeeze = rtc_ts_diff(r->squeeze_to, ts) < -TICKS_SURE ? SFU_SQUEEZE_NOT : SFU_SQUEEZE;
        ts = squeezed(r->squeeze_to, ts);
    }
    return ts + r->ts_offset;
}

bool sfu_rewriter_switch(
    struct sfu_rewriter *r, const struct sfu_packet *p, const struct rtc_receiver *to) {
    uint32_t offset = r->ts_offset;
    if (r->last_us != 0) {
        int64_t ticks = ticks_between(r, p, to);
        if (ticks < -rtc_us_to_ticks(SFU_BEHIND_MAX_US, r->clock_rate)) {
            return false;
        }
        uint32_t out = r->last_out + (ticks > 0 ? (uint32_t)ticks : 1);
        r->ts_offset = out - p->rtp.ts;
    }
    r->past.ts_offset = offset;
    r->past.squeeze_to = r->squeeze_to;
    r->past.squeeze = r->squeeze == SFU_SQUEEZE;
    r->squeeze = r->squeeze == SFU_SQUEEZE_NEXT ? SFU_SQUEEZE : SFU_SQUEEZE_NOT;
    r->source = source_of(to);
    rtc_renumber_switch(&r->seq, p->seq);
    if (is_vp8(r, p)) {
        rtc_vp8_map_switch(r->vp8, &p->vp8);
    }
    return true;
}

bool sfu_rewriter_drop(
    struct sfu_rewriter *r, const struct sfu_packet *p, uint16_t *ret_seq, uint32_t *ret_ts) {
    bool out = rtc_renumber_drop(&r->seq, p->seq);
    if (is_vp8(r, p)) {
        rtc_vp8_map_drop(r->vp8, &p->vp8);
    }
    int64_t seq;
    if (out || !rtc_renumber_map(&r->seq, p->seq, &seq)) {
        return true;
    }
    *ret_seq = (uint16_t)seq;
    *ret_ts = timestamp_of(r, p);
    return false;
}

bool sfu_rewriter_map(
    struct sfu_rewriter *r, const struct sfu_packet *p, struct sfu_rewritten *ret) {
    int64_t out;
    ret->vp8 = (struct rtc_vp8_ids){ p->vp8.picture_id, p->vp8.tl0, p->vp8.keyidx };
    if (!rtc_renumber_map(&r->seq, p->seq, &out) ||
        (is_vp8(r, p) && !rtc_vp8_map_ids(r->vp8, &p->vp8, &ret->vp8))) {
        return false;
    }
    ret->seq = (uint16_t)out;
    ret->ts = timestamp_of(r, p);
    if (r->last_us == 0 || r->last_of.receiver == NULL || rtc_ts_newer(ret->ts, r->last_out)) {
        r->last_of = r->source;
        r->last_in = p->rtp.ts;
        r->last_out = ret->ts;
        r->last_us = p->now_us;
    }
    return true;
}

bool sfu_rewriter_map_past(
    const struct sfu_rewriter *r, const struct sfu_packet *p, struct sfu_rewritten *ret) {
    int64_t out;
    ret->vp8 = (struct rtc_vp8_ids){ p->vp8.picture_id, p->vp8.tl0, p->vp8.keyidx };
    if (!rtc_renumber_map_past(&r->seq, p->seq, &out) ||
        (is_vp8(r, p) && !rtc_vp8_map_ids_past(r->vp8, &p->vp8, &ret->vp8))) {
        return false;
    }
    ret->seq = (uint16_t)out;
    ret->ts =
        r->past.ts_offset + (r->past.squeeze ? squeezed(r->past.squeeze_to, p->rtp.ts) : p->rtp.ts);
    return true;
}

bool sfu_rewriter_back(
    const struct sfu_rewriter *r, uint16_t out, int64_t *ret_in, bool *ret_past) {
    return rtc_renumber_back(&r->seq, rtc_seq_extend(r->seq.out, out), ret_in, ret_past);
}
