/* Renumbering, and one offset for timestamps. */
#include "sfu/rewriter.h"

#include "core/mem.h"
#include "rtc/ntp.h"
#include "rtc/seq.h"

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

void sfu_rewriter_follow(struct sfu_rewriter *r, uint16_t seq, uint32_t ts, int64_t now_us) {
    rtc_renumber_init(&r->seq, seq + 1);
    r->last_out = ts;
    r->last_us = now_us;
}

/* Ticks between the newest packet of the old layer and this one of the new: by the publisher's
 * clock where both layers have told it, else by ours. */
static int64_t ticks_between(const struct sfu_rewriter *r, const struct sfu_packet *p,
    const struct rtc_receiver *from, const struct rtc_receiver *to) {
    uint64_t before, after;
    if (from == to) {
        return rtc_ts_diff(p->rtp.ts, r->last_in);
    }
    if (from != NULL && rtc_receiver_ntp_of(from, r->last_in, &before) &&
        rtc_receiver_ntp_of(to, p->rtp.ts, &after)) {
        return rtc_us_to_ticks(rtc_ntp_to_us((int64_t)(after - before)), r->clock_rate);
    }
    return rtc_us_to_ticks(p->now_us - r->last_us, r->clock_rate);
}

bool sfu_rewriter_switch(struct sfu_rewriter *r, const struct sfu_packet *p,
    const struct rtc_receiver *from, const struct rtc_receiver *to) {
    if (r->last_us != 0) {
        int64_t ticks = ticks_between(r, p, from, to);
        if (ticks < -rtc_us_to_ticks(SFU_BEHIND_MAX_US, r->clock_rate)) {
            return false;
        }
        uint32_t out = r->last_out + (ticks > 0 ? (uint32_t)ticks : 1);
        r->ts_offset = out - p->rtp.ts;
    }
    rtc_renumber_switch(&r->seq, p->seq);
    if (r->vp8 != NULL) {
        rtc_vp8_map_switch(r->vp8, &p->vp8);
    }
    return true;
}

void sfu_rewriter_drop(struct sfu_rewriter *r, const struct sfu_packet *p) {
    rtc_renumber_drop(&r->seq, p->seq);
    if (r->vp8 != NULL && p->rtp.payload_len > 0) {
        rtc_vp8_map_drop(r->vp8, &p->vp8);
    }
}

bool sfu_rewriter_map(
    struct sfu_rewriter *r, const struct sfu_packet *p, struct sfu_rewritten *ret) {
    int64_t out;
    if (!rtc_renumber_map(&r->seq, p->seq, &out) ||
        (r->vp8 != NULL && !rtc_vp8_map_ids(r->vp8, &p->vp8, &ret->vp8))) {
        return false;
    }
    ret->seq = (uint16_t)out;
    ret->ts = p->rtp.ts + r->ts_offset;
    if (r->last_us == 0 || !rtc_ts_newer(r->last_out, ret->ts)) {
        r->last_in = p->rtp.ts;
        r->last_out = ret->ts;
        r->last_us = p->now_us;
    }
    return true;
}

bool sfu_rewriter_back(const struct sfu_rewriter *r, uint16_t out, int64_t *ret_in) {
    return rtc_renumber_back(&r->seq, rtc_seq_extend(r->seq.out, out), ret_in);
}
