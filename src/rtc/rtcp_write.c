/* Compound RTCP, written: RFC 3550, 6.4 to 6.6; RFC 3611, 4.4 and 4.5. */
#include "rtc/rtcp.h"

#include <assert.h>

#define HEAD_LEN 4
#define VERSION  0x80
#define LOST_MAX 0x7FFFFF /* 24 bits with sign */

size_t rtc_rtcp_part_begin(struct wr *w, uint8_t type, uint8_t count) {
    size_t at = wr_len(w);
    wr_u8(w, (uint8_t)(VERSION | (count & 0x1F)));
    wr_u8(w, type);
    wr_u16(w, 0);
    return at;
}

void rtc_rtcp_part_end(struct wr *w, size_t at) {
    if (w->bad) {
        w->p = w->start + at; /* half a part would spoil those before it */
        return;
    }
    size_t n = wr_len(w) - at;
    assert(n >= HEAD_LEN && n % 4 == 0);
    be16_put(w->start + at + 2, (uint16_t)(n / 4 - 1));
}

static uint32_t clamp_lost(int32_t lost) {
    int32_t kept = lost > LOST_MAX ? LOST_MAX : lost < -LOST_MAX - 1 ? -LOST_MAX - 1 : lost;
    return (uint32_t)kept & 0xFFFFFF;
}

static void write_blocks(struct wr *w, const struct rtc_rtcp_block *blocks, size_t n) {
    for (size_t i = 0; i < n; i++) {
        wr_u32(w, blocks[i].ssrc);
        wr_u8(w, blocks[i].fraction_lost);
        wr_u24(w, clamp_lost(blocks[i].lost));
        wr_u32(w, blocks[i].highest_seq);
        wr_u32(w, blocks[i].jitter);
        wr_u32(w, blocks[i].lsr);
        wr_u32(w, blocks[i].dlsr);
    }
}

void rtc_rtcp_write_sr(
    struct wr *w, const struct rtc_rtcp_sr *sr, const struct rtc_rtcp_block *blocks, size_t n) {
    assert(n <= RTC_RTCP_BLOCKS_MAX);
    size_t at = rtc_rtcp_part_begin(w, RTC_RTCP_SR, (uint8_t)n);
    wr_u32(w, sr->ssrc);
    wr_u64(w, sr->ntp);
    wr_u32(w, sr->rtp_ts);
    wr_u32(w, sr->packets);
    wr_u32(w, sr->octets);
    write_blocks(w, blocks, n);
    rtc_rtcp_part_end(w, at);
}

void rtc_rtcp_write_rr(struct wr *w, uint32_t ssrc, const struct rtc_rtcp_block *blocks, size_t n) {
    assert(n <= RTC_RTCP_BLOCKS_MAX);
    size_t at = rtc_rtcp_part_begin(w, RTC_RTCP_RR, (uint8_t)n);
    wr_u32(w, ssrc);
    write_blocks(w, blocks, n);
    rtc_rtcp_part_end(w, at);
}

static void write_item(struct wr *w, uint8_t type, const char *text) {
    size_t n = strlen(text);
    assert(n <= RTC_RTCP_CNAME_MAX);
    wr_u8(w, type);
    wr_u8(w, (uint8_t)n);
    wr_bytes(w, text, n);
}

void rtc_rtcp_write_sdes(struct wr *w, uint32_t ssrc, const char *cname, const char *mid) {
    size_t at = rtc_rtcp_part_begin(w, RTC_RTCP_SDES, 1);
    wr_u32(w, ssrc);
    write_item(w, RTC_SDES_CNAME, cname);
    if (mid != NULL) {
        write_item(w, RTC_SDES_MID, mid);
    }
    wr_zero(w, 4 - (wr_len(w) - at) % 4); /* one zero at least: the item that ends the chunk */
    rtc_rtcp_part_end(w, at);
}

static void write_xr_block(struct wr *w, uint8_t kind, uint16_t words) {
    wr_u8(w, kind);
    wr_u8(w, 0);
    wr_u16(w, words);
}

void rtc_rtcp_write_rrtr(struct wr *w, uint32_t sender, uint64_t ntp) {
    size_t at = rtc_rtcp_part_begin(w, RTC_RTCP_XR, 0);
    wr_u32(w, sender);
    write_xr_block(w, RTC_XR_RRTR, 2);
    wr_u64(w, ntp);
    rtc_rtcp_part_end(w, at);
}

void rtc_rtcp_write_dlrr(
    struct wr *w, uint32_t sender, uint32_t ssrc, uint32_t lrr, uint32_t dlrr) {
    size_t at = rtc_rtcp_part_begin(w, RTC_RTCP_XR, 0);
    wr_u32(w, sender);
    write_xr_block(w, RTC_XR_DLRR, 3);
    wr_u32(w, ssrc);
    wr_u32(w, lrr);
    wr_u32(w, dlrr);
    rtc_rtcp_part_end(w, at);
}
