/*
 * A compound that is taken can be walked over to its end, everything that is read lies inside it,
 * and what is written from it reads back the same.
 */
#include "fuzz.h"

#include "rtc/rtcpfb.h"

#include <assert.h>
#include <string.h>

static const uint8_t *first, *end;

static void check_reports(struct rtc_rtcp_part part) {
    static uint8_t out[1500];
    struct rtc_rtcp_block blocks[RTC_RTCP_BLOCKS_MAX], b;
    struct rtc_rtcp_sr sr = { 0 };
    size_t n = 0;
    bool is_sr = part.type == RTC_RTCP_SR;
    if (is_sr ? !rtc_rtcp_sr(&part, &sr) : !rtc_rtcp_rr(&part, &sr.ssrc)) {
        return;
    }
    while (rtc_rtcp_block_next(&part, &b)) {
        assert(n < RTC_RTCP_BLOCKS_MAX);
        blocks[n++] = b;
    }
    struct wr w = wr_make(out, sizeof(out));
    if (is_sr) {
        rtc_rtcp_write_sr(&w, &sr, blocks, n);
    } else {
        rtc_rtcp_write_rr(&w, sr.ssrc, blocks, n);
    }
    struct cur c = cur_make(out, wr_len(&w));
    assert(rtc_rtcp_check(c) && rtc_rtcp_next(&c, &part) && part.count == n);
    assert(is_sr ? rtc_rtcp_sr(&part, &sr) : rtc_rtcp_rr(&part, &sr.ssrc));
    for (size_t i = 0; i < n; i++) {
        assert(rtc_rtcp_block_next(&part, &b) && memcmp(&b, &blocks[i], sizeof(b)) == 0);
    }
}

static void check_words(struct rtc_rtcp_part part) {
    struct rtc_rtcp_sdes item;
    struct rtc_rtcp_sdes_iter items = { 0 };
    struct rtc_rtcp_xr xr;
    struct rtc_rtcp_xr_iter blocks = { 0 };
    uint32_t ssrc;
    int n = 0;
    if (part.type == RTC_RTCP_SDES) {
        while (rtc_rtcp_sdes_next(&part, &items, &item)) {
            assert(item.type != 0 && item.text >= first && item.text + item.len <= end);
        }
    } else if (part.type == RTC_RTCP_XR) {
        while (rtc_rtcp_xr_next(&part, &blocks, &xr)) {
            assert(xr.kind == RTC_XR_RRTR || xr.kind == RTC_XR_DLRR);
        }
    } else if (part.type == RTC_RTCP_BYE) {
        while (rtc_rtcp_bye_next(&part, &ssrc)) {
            assert(++n <= RTC_RTCP_BLOCKS_MAX);
        }
    }
}

/* Pairs may be written differently, but they ask for the same numbers. */
static void check_nack(struct rtc_rtcpfb *fb) {
    static uint8_t out[64 * 1024];
    static uint16_t seqs[8192], again[8192];
    struct rtc_rtcp_part part;
    size_t n = rtc_rtcpfb_nack(fb, seqs, 8192);
    if (n == 0) {
        return;
    }
    struct wr w = wr_make(out, sizeof(out));
    assert(rtc_rtcpfb_write_nack(&w, fb->sender, fb->media, seqs, n) == n);
    struct cur c = cur_make(out, wr_len(&w));
    assert(rtc_rtcp_check(c) && rtc_rtcp_next(&c, &part) && rtc_rtcpfb_read(&part, fb));
    bool seen[65536] = { false };
    size_t m = rtc_rtcpfb_nack(fb, again, 8192);
    for (size_t i = 0; i < m; i++) {
        seen[again[i]] = true;
    }
    for (size_t i = 0; i < n; i++) {
        assert(seen[seqs[i]]);
    }
}

static void check_feedback(const struct rtc_rtcp_part *part) {
    struct rtc_rtcpfb fb;
    uint32_t ssrc;
    uint8_t number;
    uint64_t bps;
    if (!rtc_rtcpfb_read(part, &fb)) {
        return;
    }
    if (fb.kind == RTC_RTCPFB_NACK) {
        check_nack(&fb);
    } else if (fb.kind == RTC_RTCPFB_FIR) {
        while (rtc_rtcpfb_fir_next(&fb, &ssrc, &number)) {
            assert(fb.fci.p <= end);
        }
    } else if (fb.kind == RTC_RTCPFB_REMB) {
        (void)rtc_rtcpfb_remb(&fb, &bps);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct cur c = cur_make(data, len);
    struct rtc_rtcp_part part;
    int n = 0;
    if (!rtc_rtcp_check(c)) {
        return 0;
    }
    first = data;
    end = data + len;
    while (rtc_rtcp_next(&c, &part)) {
        assert(part.body.p >= first && part.body.end <= end && part.count <= RTC_RTCP_BLOCKS_MAX);
        if (part.type == RTC_RTCP_SR || part.type == RTC_RTCP_RR) {
            check_reports(part);
        }
        check_words(part);
        check_feedback(&part);
        assert(++n <= RTC_RTCP_PARTS_MAX);
    }
    assert(n > 0 && cur_left(&c) == 0);
    return 0;
}
