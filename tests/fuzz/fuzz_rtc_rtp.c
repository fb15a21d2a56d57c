/*
 * A header that is taken adds up to its packet, every extension element lies inside it, and what is
 * mapped to the same ids holds the same elements again.
 */
#include "fuzz.h"

#include "rtc/rtpext.h"
#include "rtc/rtx.h"

#include <assert.h>
#include <string.h>

static const uint8_t ids[RTC_EXT_COUNT] = { 1, 2, 3, 4, 5, 6, 7, 8, 200 };

static void check_map(const uint8_t *packet, const struct rtc_rtp *rtp) {
    static uint8_t out[80 * 1024];
    struct rtc_rtp again;
    struct rtc_rtpext x, y;
    uint8_t *own[RTC_EXT_COUNT];
    struct rtc_rtpext_plan plan = { .two_byte = true, .pass = UINT32_MAX };
    memcpy(plan.ids, ids, sizeof(ids));
    rtc_rtpext_read(packet, rtp, ids, &x);
    struct wr w = wr_make(out, sizeof(out));
    rtc_rtp_write(&w, &(struct rtc_rtp_head){ rtp->ts, rtp->ssrc, rtp->seq, rtp->pt, rtp->marker });
    rtc_rtpext_map(&w, packet, &x, &plan, own);
    assert(!w.bad && rtc_rtp_parse(cur_make(out, wr_len(&w)), &again));
    assert(again.payload_off == wr_len(&w) && again.seq == rtp->seq && again.ssrc == rtp->ssrc);
    rtc_rtpext_read(out, &again, ids, &y);
    assert(x.present == y.present);
    for (unsigned k = 0; k < RTC_EXT_COUNT; k++) {
        struct cur a = rtc_rtpext_bytes(packet, &x, k), b = rtc_rtpext_bytes(out, &y, k);
        assert(cur_left(&a) == cur_left(&b));
        assert(cur_left(&a) == 0 || memcmp(a.p, b.p, cur_left(&a)) == 0);
    }
}

static void check_rtx(const uint8_t *packet, size_t len, struct rtc_rtp rtp) {
    static uint8_t copy[RTC_RTP_MAX];
    struct rtc_rtp again;
    memcpy(copy, packet, len);
    if (rtc_rtx_unwrap(copy, &rtp, 96, 5)) {
        assert(rtc_rtp_parse(cur_make(copy + RTC_RTX_OSN_LEN, len - RTC_RTX_OSN_LEN), &again));
        assert(memcmp(&again, &rtp, sizeof(rtp)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rtc_rtp rtp;
    struct rtc_rtpext_element e;
    memset(&rtp, 0, sizeof(rtp));
    if (!rtc_rtp_parse(cur_make(data, len), &rtp)) {
        return 0;
    }
    assert((size_t)rtp.payload_off + rtp.payload_len + rtp.pad_len == len);
    assert(rtp.ext_off + rtp.ext_len <= rtp.payload_off);
    struct rtc_rtpext_iter it = rtc_rtpext_elements(data, &rtp);
    while (rtc_rtpext_next(&it, &e)) {
        assert(e.data >= data + rtp.ext_off && e.data + e.len <= data + rtp.payload_off);
        assert(e.id != 0);
    }
    check_map(data, &rtp);
    check_rtx(data, len, rtp);
    return 0;
}
