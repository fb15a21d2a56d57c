/* Resends: what goes in comes out. */
#include "test.h"

#include "rtc/rtx.h"

#include <string.h>

TEST(rtc_rtx, unwraps_what_was_wrapped) {
    static const struct {
        const char *name;
        uint16_t original;
        size_t len;
        uint8_t pad;
        bool want;
    } rows[] = {
        { "a payload", 7, 100, 0, true },
        { "the highest number", 65535, 1, 0, true },
        { "an original that was empty", 0, 0, 0, true },
        { "padding behind", 9, 5, 3, true },
    };
    FOR_ROWS (rows, r) {
        uint8_t p[400], payload[100];
        struct rtc_rtp rtp, again;
        struct wr w = wr_make(p, sizeof(p));
        ROW(r->name);
        memset(payload, 0xAB, sizeof(payload));
        rtc_rtp_write(&w, &(struct rtc_rtp_head){ 1234, 77, 500, 97, true });
        rtc_rtx_write_osn(&w, r->original);
        wr_bytes(&w, payload, r->len);
        if (r->pad > 0) {
            rtc_rtp_write_padding(&w, r->pad);
        }
        CHECK(rtc_rtp_parse(cur_make(p, wr_len(&w)), &rtp));
        CHECK(rtc_rtx_unwrap(p, &rtp, 96, 55));
        CHECK(rtc_rtp_parse(cur_make(p + RTC_RTX_OSN_LEN, wr_len(&w) - RTC_RTX_OSN_LEN), &again));
        CHECK_INT(r->original, again.seq);
        CHECK(again.pt == 96 && again.ssrc == 55 && again.ts == 1234 && again.marker);
        CHECK_INT(r->len, again.payload_len);
        CHECK_INT(r->pad, again.pad_len);
        CHECK(memcmp(p + RTC_RTX_OSN_LEN + again.payload_off, payload, r->len) == 0);
        CHECK(memcmp(&again, &rtp, sizeof(rtp)) == 0);
    }
}

TEST(rtc_rtx, probes_carry_no_original) {
    uint8_t p[40];
    struct rtc_rtp rtp;
    struct wr w = wr_make(p, sizeof(p));
    rtc_rtp_write(&w, &(struct rtc_rtp_head){ .pt = 97, .seq = 3 });
    rtc_rtp_write_padding(&w, 20);
    CHECK(rtc_rtp_parse(cur_make(p, wr_len(&w)), &rtp));
    CHECK(!rtc_rtx_unwrap(p, &rtp, 96, 55));
    CHECK_INT(3, be16_get(p + 2));
    w = wr_make(p, sizeof(p));
    rtc_rtp_write(&w, &(struct rtc_rtp_head){ .pt = 97 });
    wr_u8(&w, 1); /* half a number */
    CHECK(rtc_rtp_parse(cur_make(p, wr_len(&w)), &rtp));
    CHECK(!rtc_rtx_unwrap(p, &rtp, 96, 55));
}
