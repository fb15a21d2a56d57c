/* RTP headers, read and written: RFC 3550, 5.1 and 5.3.1. */
#include "rtc/rtp.h"

#include <assert.h>

#define VERSION     0x80
#define VERSION_SET 0xC0
#define PADDING     0x20
#define EXTENSION   0x10

/* The last byte counts the padding, itself included. */
static bool cut_padding(const struct cur *rest, struct rtc_rtp *rtp) {
    size_t left = cur_left(rest);
    if (left == 0) {
        return false;
    }
    rtp->pad_len = rest->end[-1];
    return rtp->pad_len > 0 && rtp->pad_len <= left;
}

bool rtc_rtp_parse(struct cur c, struct rtc_rtp *ret) {
    const uint8_t *start = c.p;
    struct rtc_rtp rtp = { 0 };
    if (cur_left(&c) >= RTC_RTP_MAX) {
        return false;
    }
    uint8_t first = cur_u8(&c);
    uint8_t second = cur_u8(&c);
    rtp.seq = cur_u16(&c);
    rtp.ts = cur_u32(&c);
    rtp.ssrc = cur_u32(&c);
    rtp.n_csrc = first & 0x0F;
    cur_skip(&c, 4 * (size_t)rtp.n_csrc);
    if (first & EXTENSION) {
        rtp.ext_profile = cur_u16(&c);
        size_t n = 4 * (size_t)cur_u16(&c);
        rtp.ext_off = (uint16_t)(c.p - start);
        rtp.ext_len = (uint16_t)n; /* where that cuts, the skip goes wrong */
        cur_skip(&c, n);
    }
    if (c.bad || (first & VERSION_SET) != VERSION ||
        ((first & PADDING) && !cut_padding(&c, &rtp))) {
        return false;
    }
    rtp.payload_off = (uint16_t)(c.p - start);
    rtp.payload_len = (uint16_t)(cur_left(&c) - rtp.pad_len);
    rtp.marker = second >> 7;
    rtp.pt = second & 0x7F;
    *ret = rtp;
    return true;
}

void rtc_rtp_write(struct wr *w, const struct rtc_rtp_head *head) {
    uint8_t *p = wr_take(w, RTC_RTP_HEADER_LEN);
    if (p != NULL) {
        p[0] = VERSION;
        p[1] = (uint8_t)(head->marker << 7 | (head->pt & 0x7F));
        be16_put(p + 2, head->seq);
        be32_put(p + 4, head->ts);
        be32_put(p + 8, head->ssrc);
    }
}

void rtc_rtp_write_padding(struct wr *w, uint8_t n) {
    assert(n > 0);
    uint8_t *p = wr_take(w, n);
    if (p != NULL) {
        memset(p, 0, n);
        p[n - 1] = n;
        w->start[0] |= PADDING;
    }
}
