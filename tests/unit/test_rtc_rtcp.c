/* Compound RTCP: what is refused as a whole, and what is written reads back. */
#include "test.h"

#include "rtc/rtcp.h"

#include <string.h>

TEST(rtc_rtcp, checks_the_whole_datagram) {
    static const struct {
        const char *name;
        uint8_t bytes[32];
        size_t len;
        bool want;
    } rows[] = {
        { "nothing", { 0 }, 0, false },
        { "empty RR", { 0x80, 201, 0, 1, 0, 0, 0, 1 }, 8, true },
        { "head alone", { 0x80, 203, 0, 0 }, 4, true },
        { "head cut", { 0x80, 201, 0 }, 3, false },
        { "longer than the datagram", { 0x80, 201, 0, 2, 0, 0, 0, 1 }, 8, false },
        { "shorter than the datagram", { 0x80, 201, 0, 0, 0, 0, 0, 1 }, 8, false },
        { "version 1", { 0x40, 201, 0, 0 }, 4, false },
        { "a type of RTP", { 0x80, 96, 0, 0 }, 4, false },
        { "below RTCP", { 0x80, 191, 0, 0 }, 4, false },
        { "above RTCP", { 0x80, 224, 0, 0 }, 4, false },
        { "unknown types stand", { 0x80, 192, 0, 0, 0x80, 223, 0, 0 }, 8, true },
        { "feedback in front: RFC 5506", { 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 }, 12, true },
        { "second part of version 0", { 0x80, 201, 0, 0, 0, 201, 0, 0 }, 8, false },
        { "padding on the last", { 0x80, 203, 0, 0, 0xA0, 203, 0, 1, 0, 0, 0, 4 }, 12, true },
        { "padding before the last", { 0xA0, 203, 0, 1, 0, 0, 0, 4, 0x80, 203, 0, 0 }, 12, false },
        { "padding of nothing", { 0xA0, 203, 0, 1, 0, 0, 0, 0 }, 8, false },
        { "padding where nothing is", { 0xA0, 203, 0, 0 }, 4, false },
        { "padding longer than the part", { 0xA0, 203, 0, 1, 0, 0, 0, 8 }, 8, false },
        { "padding to whole words", { 0xA0, 205, 0, 1, 0, 0, 0, 2 }, 8, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, rtc_rtcp_check(cur_make(r->bytes, r->len)));
    }
}

TEST(rtc_rtcp, bounds_the_parts) {
    uint8_t many[4 * (RTC_RTCP_PARTS_MAX + 1)];
    struct wr w = wr_make(many, sizeof(many));
    for (int i = 0; i <= RTC_RTCP_PARTS_MAX; i++) {
        wr_u32(&w, 0x80CB0000);
    }
    CHECK(rtc_rtcp_check(cur_make(many, sizeof(many) - 4)));
    CHECK(!rtc_rtcp_check(cur_make(many, sizeof(many))));
}

static bool open_part(const uint8_t *p, size_t len, uint8_t type, struct rtc_rtcp_part *part) {
    struct cur c = cur_make(p, len);
    return rtc_rtcp_check(c) && rtc_rtcp_next(&c, part) && part->type == type &&
           !rtc_rtcp_next(&c, &(struct rtc_rtcp_part){ 0 });
}

static bool same_block(const struct rtc_rtcp_block *a, const struct rtc_rtcp_block *b) {
    return a->ssrc == b->ssrc && a->fraction_lost == b->fraction_lost && a->lost == b->lost &&
           a->highest_seq == b->highest_seq && a->jitter == b->jitter && a->lsr == b->lsr &&
           a->dlsr == b->dlsr;
}

static const struct rtc_rtcp_block blocks[] = {
    { 1, 0, 0, 0, 0, 0, 0 },
    { UINT32_MAX, 255, 0x7FFFFF, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
    { 3, 128, -0x800000, 65536, 5, 6, 7 },
    { 4, 1, -1, 1, 1, 1, 1 },
};

TEST(rtc_rtcp, reads_the_reports_it_writes) {
    static const struct rtc_rtcp_sr sr = { 9, UINT64_C(0xE0E1E2E3E4E5E6E7), 10, 11, UINT32_MAX };
    for (size_t n = 0; n <= COUNT_OF(blocks); n++) {
        uint8_t out[200];
        struct rtc_rtcp_part part;
        struct rtc_rtcp_sr got;
        struct rtc_rtcp_block b;
        struct wr w = wr_make(out, sizeof(out));
        rtc_rtcp_write_sr(&w, &sr, blocks, n);
        CHECK_INT(28 + 24 * n, wr_len(&w));
        CHECK(open_part(out, wr_len(&w), RTC_RTCP_SR, &part));
        CHECK(rtc_rtcp_sr(&part, &got) && got.ssrc == 9 && got.ntp == sr.ntp);
        CHECK(got.rtp_ts == 10 && got.packets == 11 && got.octets == UINT32_MAX);
        for (size_t i = 0; i < n; i++) {
            CHECK(rtc_rtcp_block_next(&part, &b) && same_block(&blocks[i], &b));
        }
        CHECK(!rtc_rtcp_block_next(&part, &b));
    }
    uint8_t out[200];
    uint32_t ssrc;
    struct rtc_rtcp_part part;
    struct rtc_rtcp_block b;
    struct wr w = wr_make(out, sizeof(out));
    rtc_rtcp_write_rr(&w, 77, blocks, 2);
    CHECK(open_part(out, wr_len(&w), RTC_RTCP_RR, &part));
    CHECK(rtc_rtcp_rr(&part, &ssrc) && ssrc == 77);
    CHECK(rtc_rtcp_block_next(&part, &b) && rtc_rtcp_block_next(&part, &b));
    CHECK(!rtc_rtcp_block_next(&part, &b));
}

TEST(rtc_rtcp, clamps_what_24_bits_cannot_hold) {
    static const struct {
        int32_t lost, want;
    } rows[] = { { INT32_MAX, 0x7FFFFF }, { INT32_MIN, -0x800000 }, { 0x800000, 0x7FFFFF } };
    FOR_ROWS (rows, r) {
        uint8_t out[64];
        uint32_t ssrc;
        struct rtc_rtcp_part part;
        struct rtc_rtcp_block b = { .lost = r->lost };
        struct wr w = wr_make(out, sizeof(out));
        rtc_rtcp_write_rr(&w, 1, &b, 1);
        CHECK(open_part(out, wr_len(&w), RTC_RTCP_RR, &part) && rtc_rtcp_rr(&part, &ssrc));
        CHECK(rtc_rtcp_block_next(&part, &b));
        CHECK_INT(r->want, b.lost);
    }
}

TEST(rtc_rtcp, a_count_beyond_the_part_gives_what_is_there) {
    static const uint8_t rr[] = { 0x9F, 201, 0, 1, 0, 0, 0, 1 };
    static const uint8_t bye[] = { 0x9F, 203, 0, 1, 0, 0, 0, 1 };
    uint32_t ssrc;
    struct rtc_rtcp_part part;
    struct rtc_rtcp_block b;
    CHECK(open_part(rr, sizeof(rr), RTC_RTCP_RR, &part));
    CHECK(rtc_rtcp_rr(&part, &ssrc) && !rtc_rtcp_block_next(&part, &b));
    CHECK(open_part(bye, sizeof(bye), RTC_RTCP_BYE, &part));
    CHECK(rtc_rtcp_bye_next(&part, &ssrc) && ssrc == 1);
    CHECK(!rtc_rtcp_bye_next(&part, &ssrc));
}

TEST(rtc_rtcp, describes_a_source) {
    static const struct {
        const char *name, *cname, *mid;
    } rows[] = {
        { "one letter", "a", NULL },
        { "fills the word but for the end", "ab", NULL },
        { "fills the word", "abcd", NULL },
        { "empty", "", NULL },
        { "stream and track", "PA_0123456789ab|TR_0123456789ab", "12" },
    };
    FOR_ROWS (rows, r) {
        uint8_t out[100];
        struct rtc_rtcp_part part;
        struct rtc_rtcp_sdes item;
        struct rtc_rtcp_sdes_iter it = { 0 };
        struct wr w = wr_make(out, sizeof(out));
        ROW(r->name);
        rtc_rtcp_write_sdes(&w, 42, r->cname, r->mid);
        CHECK_INT(0, wr_len(&w) % 4);
        CHECK_INT(0, out[wr_len(&w) - 1]);
        CHECK(open_part(out, wr_len(&w), RTC_RTCP_SDES, &part));
        CHECK(rtc_rtcp_sdes_next(&part, &it, &item));
        CHECK(item.ssrc == 42 && item.type == RTC_SDES_CNAME && item.len == strlen(r->cname));
        CHECK(memcmp(item.text, r->cname, item.len) == 0);
        if (r->mid != NULL) {
            CHECK(rtc_rtcp_sdes_next(&part, &it, &item));
            CHECK(item.type == RTC_SDES_MID && memcmp(item.text, r->mid, item.len) == 0);
        }
        CHECK(!rtc_rtcp_sdes_next(&part, &it, &item));
    }
}

TEST(rtc_rtcp, reads_chunks_of_several_sources) {
    static const uint8_t sdes[] = { 0x82, 202, 0, 6, 0, 0, 0, 1, 1, 1, 'x', 2, 1, 'y', 0, 0, 0, 0,
        0, 2, 1, 4, 'a', 'b', 'c', 'd', 0, 0 };
    static const struct {
        uint32_t ssrc;
        uint8_t type, len;
    } want[] = { { 1, 1, 1 }, { 1, 2, 1 }, { 2, 1, 4 } };
    struct rtc_rtcp_part part;
    struct rtc_rtcp_sdes item;
    struct rtc_rtcp_sdes_iter it = { 0 };
    CHECK(open_part(sdes, sizeof(sdes), RTC_RTCP_SDES, &part));
    FOR_ROWS (want, r) {
        CHECK(rtc_rtcp_sdes_next(&part, &it, &item));
        CHECK(item.ssrc == r->ssrc && item.type == r->type && item.len == r->len);
    }
    CHECK(!rtc_rtcp_sdes_next(&part, &it, &item));
}

TEST(rtc_rtcp, speaks_of_clocks_of_receivers) {
    uint8_t out[100];
    struct rtc_rtcp_part part;
    struct rtc_rtcp_xr xr;
    struct rtc_rtcp_xr_iter it = { 0 };
    struct wr w = wr_make(out, sizeof(out));
    rtc_rtcp_write_rrtr(&w, 5, UINT64_C(0x0102030405060708));
    CHECK_INT(20, wr_len(&w));
    CHECK(open_part(out, wr_len(&w), RTC_RTCP_XR, &part));
    CHECK(rtc_rtcp_xr_next(&part, &it, &xr) && xr.kind == RTC_XR_RRTR && xr.sender == 5);
    CHECK(xr.ntp == UINT64_C(0x0102030405060708) && !rtc_rtcp_xr_next(&part, &it, &xr));

    it = (struct rtc_rtcp_xr_iter){ 0 };
    w = wr_make(out, sizeof(out));
    rtc_rtcp_write_dlrr(&w, 6, 7, 8, 9);
    CHECK_INT(24, wr_len(&w));
    CHECK(open_part(out, wr_len(&w), RTC_RTCP_XR, &part));
    CHECK(rtc_rtcp_xr_next(&part, &it, &xr) && xr.kind == RTC_XR_DLRR && xr.sender == 6);
    CHECK(xr.ssrc == 7 && xr.lrr == 8 && xr.dlrr == 9 && !rtc_rtcp_xr_next(&part, &it, &xr));
}

TEST(rtc_rtcp, reads_extended_reports_with_strange_blocks_between) {
    static const uint8_t bytes[] = { 0x80, 207, 0, 15, 0, 0, 0, 1, /* sender */
        1, 0, 0, 1, 9, 9, 9, 9,                                    /* loss RLE: skipped */
        5, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4,            /* DLRR of two */
        0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7,                        /* the second */
        4, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 9,                        /* RRTR */
        4, 0, 0, 1, 0, 0, 0, 8 };                                  /* RRTR cut: skipped */
    struct rtc_rtcp_part part;
    struct rtc_rtcp_xr xr;
    struct rtc_rtcp_xr_iter it = { 0 };
    CHECK(open_part(bytes, sizeof(bytes), RTC_RTCP_XR, &part));
    CHECK(rtc_rtcp_xr_next(&part, &it, &xr) && xr.ssrc == 2 && xr.lrr == 3 && xr.dlrr == 4);
    CHECK(rtc_rtcp_xr_next(&part, &it, &xr) && xr.ssrc == 5 && xr.dlrr == 7);
    CHECK(rtc_rtcp_xr_next(&part, &it, &xr) && xr.kind == RTC_XR_RRTR);
    CHECK(xr.ntp == UINT64_C(0x0000000800000009));
    CHECK(!rtc_rtcp_xr_next(&part, &it, &xr));
}

TEST(rtc_rtcp, writes_a_compound_and_keeps_what_fits) {
    uint8_t out[60];
    struct rtc_rtcp_part part;
    struct wr w = wr_make(out, sizeof(out));
    rtc_rtcp_write_rr(&w, 1, NULL, 0);
    rtc_rtcp_write_sdes(&w, 1, "PA_x|TR_y", NULL);
    size_t whole = wr_len(&w);
    CHECK(!w.bad && rtc_rtcp_check(cur_make(out, whole)));
    rtc_rtcp_write_sr(&w, &(struct rtc_rtcp_sr){ 0 }, blocks, 4);
    CHECK(w.bad);
    CHECK_INT(whole, wr_len(&w));
    struct cur c = cur_make(out, wr_len(&w));
    CHECK(rtc_rtcp_check(c));
    CHECK(rtc_rtcp_next(&c, &part) && part.type == RTC_RTCP_RR);
    CHECK(rtc_rtcp_next(&c, &part) && part.type == RTC_RTCP_SDES);
    CHECK(!rtc_rtcp_next(&c, &part));
}
