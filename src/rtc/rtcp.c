/* Compound RTCP, read: RFC 3550, 6 and A.2; RFC 3611, 4.4 and 4.5. */
#include "rtc/rtcp.h"

#define HEAD_LEN     4
#define VERSION      0x80
#define VERSION_SET  0xC0
#define PADDING      0x20
#define TYPE_LEAST   192 /* RFC 5761, 4: what RTCP is when RTP shares the port */
#define TYPE_MOST    223
#define DLRR_SUB_LEN 12

/* --- parts --- */

/* Steps over one part; false where its head or length is wrong. */
static bool take_part(struct cur *c, struct rtc_rtcp_part *ret) {
    uint8_t first = cur_u8(c);
    uint8_t type = cur_u8(c);
    size_t n = 4 * (size_t)cur_u16(c);
    struct cur body = cur_sub(c, n);
    if (c->bad || (first & VERSION_SET) != VERSION || type < TYPE_LEAST || type > TYPE_MOST) {
        return false;
    }
    if (first & PADDING) {
        uint8_t pad = n > 0 ? body.end[-1] : 0;
        /* RFC 3550 wants whole words, but transport-wide feedback is padded to them (its draft,
         * 3.1), by libwebrtc and Pion with one to three bytes that say so. */
        if (cur_left(c) > 0 || pad == 0 || pad > n) {
            return false;
        }
        body.end -= pad;
    }
    *ret = (struct rtc_rtcp_part){ .body = body, .type = type, .count = first & 0x1F };
    return true;
}

bool rtc_rtcp_check(struct cur datagram) {
    struct rtc_rtcp_part part;
    int n = 0;
    while (cur_left(&datagram) > 0 && n < RTC_RTCP_PARTS_MAX) {
        if (!take_part(&datagram, &part)) {
            return false;
        }
        n++;
    }
    return n > 0 && cur_left(&datagram) == 0;
}

bool rtc_rtcp_next(struct cur *datagram, struct rtc_rtcp_part *ret) {
    return cur_left(datagram) > 0 && take_part(datagram, ret);
}

/* --- reports --- */

bool rtc_rtcp_sr(struct rtc_rtcp_part *part, struct rtc_rtcp_sr *ret) {
    struct rtc_rtcp_sr sr;
    sr.ssrc = cur_u32(&part->body);
    sr.ntp = cur_u64(&part->body);
    sr.rtp_ts = cur_u32(&part->body);
    sr.packets = cur_u32(&part->body);
    sr.octets = cur_u32(&part->body);
    if (part->body.bad) {
        return false;
    }
    *ret = sr;
    return true;
}

bool rtc_rtcp_rr(struct rtc_rtcp_part *part, uint32_t *ret_ssrc) {
    uint32_t ssrc = cur_u32(&part->body);
    if (!part->body.bad) {
        *ret_ssrc = ssrc;
    }
    return !part->body.bad;
}

bool rtc_rtcp_block_next(struct rtc_rtcp_part *part, struct rtc_rtcp_block *ret) {
    struct rtc_rtcp_block b;
    if (part->count == 0) {
        return false;
    }
    b.ssrc = cur_u32(&part->body);
    b.fraction_lost = cur_u8(&part->body);
    uint32_t lost = cur_u24(&part->body);
    b.lost = (int32_t)(lost & 0x800000 ? (int64_t)lost - 0x1000000 : (int64_t)lost);
    b.highest_seq = cur_u32(&part->body);
    b.jitter = cur_u32(&part->body);
    b.lsr = cur_u32(&part->body);
    b.dlsr = cur_u32(&part->body);
    if (part->body.bad) {
        return false;
    }
    part->count--;
    *ret = b;
    return true;
}

/* --- descriptions and leaving --- */

/* An item of type 0 ends a chunk; zeros fill the word. A chunk begins at a word of the part, whose
 * length is whole words, so what is left says where the word ends. */
static void end_chunk(struct cur *c) {
    cur_skip(c, cur_left(c) % 4);
}

bool rtc_rtcp_sdes_next(
    struct rtc_rtcp_part *part, struct rtc_rtcp_sdes_iter *it, struct rtc_rtcp_sdes *ret) {
    struct cur *c = &part->body;
    while (cur_left(c) > 0) {
        if (!it->inside) {
            if (it->chunks == part->count) {
                return false;
            }
            it->ssrc = cur_u32(c);
            it->chunks++;
            it->inside = true;
            continue;
        }
        uint8_t type = cur_u8(c);
        if (type == 0) {
            end_chunk(c);
            it->inside = false;
            continue;
        }
        uint8_t len = cur_u8(c);
        const uint8_t *text = cur_take(c, len);
        if (c->bad) {
            return false;
        }
        *ret = (struct rtc_rtcp_sdes){ it->ssrc, type, len, text };
        return true;
    }
    return false;
}

bool rtc_rtcp_bye_next(struct rtc_rtcp_part *part, uint32_t *ret_ssrc) {
    if (part->count == 0) {
        return false;
    }
    uint32_t ssrc = cur_u32(&part->body);
    if (part->body.bad) {
        return false;
    }
    part->count--;
    *ret_ssrc = ssrc;
    return true;
}

/* --- extended reports --- */

static bool read_rrtr(struct cur *block, uint32_t sender, struct rtc_rtcp_xr *ret) {
    uint64_t ntp = cur_u64(block);
    *ret = (struct rtc_rtcp_xr){ .kind = RTC_XR_RRTR, .sender = sender, .ntp = ntp };
    return !block->bad;
}

static bool read_dlrr(struct cur *block, uint32_t sender, struct rtc_rtcp_xr *ret) {
    uint32_t ssrc = cur_u32(block);
    uint32_t lrr = cur_u32(block);
    uint32_t dlrr = cur_u32(block);
    *ret = (struct rtc_rtcp_xr){
        .kind = RTC_XR_DLRR, .sender = sender, .ssrc = ssrc, .lrr = lrr, .dlrr = dlrr
    };
    return !block->bad;
}

bool rtc_rtcp_xr_next(
    struct rtc_rtcp_part *part, struct rtc_rtcp_xr_iter *it, struct rtc_rtcp_xr *ret) {
    struct rtc_rtcp_xr xr;
    if (!it->begun) {
        it->sender = cur_u32(&part->body);
        it->begun = true;
    }
    for (;;) {
        if (cur_left(&it->dlrr) >= DLRR_SUB_LEN && read_dlrr(&it->dlrr, it->sender, &xr)) {
            *ret = xr;
            return true;
        }
        if (cur_left(&part->body) == 0) {
            return false;
        }
        uint8_t type = cur_u8(&part->body);
        cur_skip(&part->body, 1);
        struct cur block = cur_sub(&part->body, 4 * (size_t)cur_u16(&part->body));
        if (part->body.bad) {
            return false;
        }
        if (type == RTC_XR_RRTR && read_rrtr(&block, it->sender, &xr)) {
            *ret = xr;
            return true;
        }
        if (type == RTC_XR_DLRR) {
            it->dlrr = block;
        }
    }
}
