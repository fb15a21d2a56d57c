/* RTP headers: where things lie, what is refused, what is written. */
#include "test.h"

#include "rtc/rtp.h"

#include <string.h>

TEST(rtc_rtp, finds_header_and_payload) {
    static const struct {
        const char *name;
        uint8_t bytes[40];
        size_t len;
        uint16_t profile, ext_off, ext_len, payload_off, payload_len;
        uint8_t pad_len, n_csrc;
    } rows[] = {
        { "bare", { 0x80, 0 }, 12, 0, 0, 0, 12, 0, 0, 0 },
        { "payload", { 0x80, 0 }, 20, 0, 0, 0, 12, 8, 0, 0 },
        { "two CSRCs", { 0x82, 0 }, 24, 0, 0, 0, 20, 4, 0, 2 },
        { "extension", { 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0, 1 }, 22, 0xBEDE, 16,
            4, 20, 2, 0, 0 },
        { "empty extension", { 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x03, 0, 0 }, 17,
            0x1003, 16, 0, 16, 1, 0, 0 },
        { "padding", { 0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 2 }, 16, 0, 0, 0, 12, 2, 2,
            0 },
        { "padding alone", { 0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4 }, 16, 0, 0, 0, 12,
            0, 4, 0 },
        { "all at once",
            { 0xB1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0xBE, 0xDE, 0, 1, 0, 0, 0, 0, 7,
                1 },
            26, 0xBEDE, 20, 4, 24, 1, 1, 1 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_rtp v;
        ROW(r->name);
        CHECK(rtc_rtp_parse(cur_make(r->bytes, r->len), &v));
        CHECK_INT(r->profile, v.ext_profile);
        CHECK_INT(r->ext_off, v.ext_off);
        CHECK_INT(r->ext_len, v.ext_len);
        CHECK_INT(r->payload_off, v.payload_off);
        CHECK_INT(r->payload_len, v.payload_len);
        CHECK_INT(r->pad_len, v.pad_len);
        CHECK_INT(r->n_csrc, v.n_csrc);
    }
}

TEST(rtc_rtp, refuses) {
    static const struct {
        const char *name;
        uint8_t bytes[20];
        size_t len;
    } rows[] = {
        { "nothing", { 0 }, 0 },
        { "cut in the header", { 0x80 }, 11 },
        { "version 1", { 0x40 }, 12 },
        { "version 3", { 0xC0 }, 12 },
        { "CSRCs cut", { 0x82 }, 19 },
        { "no extension where one is said", { 0x90 }, 12 },
        { "extension head cut", { 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0 }, 15 },
        { "extension cut", { 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0, 1 }, 19 },
        { "extension of 64 KiB", { 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0x40, 0 },
            20 },
        { "no padding where some is said", { 0xA0 }, 12 },
        { "padding of nothing", { 0xA0 }, 16 },
        { "padding longer than the payload", { 0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 }, 13 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_rtp v = { .pt = 99 };
        ROW(r->name);
        CHECK(!rtc_rtp_parse(cur_make(r->bytes, r->len), &v));
        CHECK_INT(99, v.pt);
    }
    static uint8_t huge[RTC_RTP_MAX] = { 0x80 };
    struct rtc_rtp v;
    CHECK(!rtc_rtp_parse(cur_make(huge, sizeof(huge)), &v));
    CHECK(rtc_rtp_parse(cur_make(huge, sizeof(huge) - 1), &v));
}

TEST(rtc_rtp, reads_what_it_writes) {
    static const struct rtc_rtp_head rows[] = {
        { 0, 0, 0, 0, false },
        { UINT32_MAX, UINT32_MAX, UINT16_MAX, 127, true },
        { 0x01020304, 0x05060708, 0x090A, 111, true },
    };
    FOR_ROWS (rows, r) {
        uint8_t out[12];
        struct rtc_rtp v;
        struct wr w = wr_make(out, sizeof(out));
        rtc_rtp_write(&w, r);
        CHECK(rtc_rtp_parse(cur_make(out, wr_len(&w)), &v));
        CHECK(v.ts == r->ts && v.ssrc == r->ssrc && v.seq == r->seq);
        CHECK(v.pt == r->pt && v.marker == r->marker);
    }
}

TEST(rtc_rtp, pads) {
    static const uint8_t rows[] = { 1, 2, 255 };
    FOR_ROWS (rows, r) {
        uint8_t out[12 + 255];
        struct rtc_rtp v;
        struct wr w = wr_make(out, sizeof(out));
        rtc_rtp_write(&w, &(struct rtc_rtp_head){ .pt = 96 });
        rtc_rtp_write_padding(&w, *r);
        CHECK_INT(12 + *r, wr_len(&w));
        CHECK(rtc_rtp_parse(cur_make(out, wr_len(&w)), &v));
        CHECK_INT(*r, v.pad_len);
        CHECK_INT(0, v.payload_len);
    }
    uint8_t small[13];
    struct wr w = wr_make(small, sizeof(small));
    rtc_rtp_write(&w, &(struct rtc_rtp_head){ .pt = 96 });
    rtc_rtp_write_padding(&w, 2);
    CHECK(w.bad && small[0] == 0x80);
}

TEST(rtc_rtp, changes_fields_where_they_lie) {
    uint8_t p[12] = { 0x80, 0xE0 };
    struct rtc_rtp v;
    rtc_rtp_set_seq(p, 65535);
    rtc_rtp_set_ts(p, 0xDEADBEEF);
    rtc_rtp_set_ssrc(p, 0xCAFEF00D);
    rtc_rtp_set_pt(p, 45);
    CHECK(rtc_rtp_parse(cur_make(p, sizeof(p)), &v));
    CHECK(v.seq == 65535 && v.ts == 0xDEADBEEF && v.ssrc == 0xCAFEF00D);
    CHECK(v.pt == 45 && v.marker);
}
