/* Feedback: what receivers ask for, read and written. */
#include "test.h"

#include "rtc/rtcpfb.h"

#include <string.h>

static bool open_fb(const uint8_t *p, size_t len, struct rtc_rtcpfb *fb) {
    struct cur c = cur_make(p, len);
    struct rtc_rtcp_part part;
    return rtc_rtcp_check(c) && rtc_rtcp_next(&c, &part) && rtc_rtcpfb_read(&part, fb);
}

TEST(rtc_rtcpfb, tells_kinds_apart) {
    static const struct {
        const char *name;
        uint8_t bytes[16];
        size_t len;
        bool fine;
        enum rtc_rtcpfb_kind want;
    } rows[] = {
        { "NACK", { 0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 }, 12, true, RTC_RTCPFB_NACK },
        { "transport-wide", { 0x8F, 205, 0, 2 }, 12, true, RTC_RTCPFB_TWCC },
        { "TMMBR", { 0x83, 205, 0, 2 }, 12, true, RTC_RTCPFB_OTHER },
        { "PLI", { 0x81, 206, 0, 2 }, 12, true, RTC_RTCPFB_PLI },
        { "FIR", { 0x84, 206, 0, 2 }, 12, true, RTC_RTCPFB_FIR },
        { "REMB", { 0x8F, 206, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 'R', 'E', 'M', 'B' }, 16, true,
            RTC_RTCPFB_REMB },
        { "another application", { 0x8F, 206, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 'A', 'B', 'C', 'D' },
            16, true, RTC_RTCPFB_OTHER },
        { "no application", { 0x8F, 206, 0, 2 }, 12, true, RTC_RTCPFB_OTHER },
        { "cut", { 0x81, 206, 0, 1 }, 8, false, RTC_RTCPFB_OTHER },
        { "a report", { 0x81, 201, 0, 2 }, 12, false, RTC_RTCPFB_OTHER },
    };
    FOR_ROWS (rows, r) {
        struct rtc_rtcpfb fb = { .kind = RTC_RTCPFB_OTHER };
        ROW(r->name);
        CHECK_INT(r->fine, open_fb(r->bytes, r->len, &fb));
        CHECK_INT(r->want, fb.kind);
    }
}

TEST(rtc_rtcpfb, asks_for_what_is_missing) {
    static const struct {
        const char *name;
        uint16_t seqs[8];
        size_t n, len; /* bytes of the part */
    } rows[] = {
        { "one", { 5 }, 1, 16 },
        { "two of a pair", { 5, 21 }, 2, 16 },
        { "one too far for the pair", { 5, 22 }, 2, 20 },
        { "over the wrap", { 65530, 65535, 0, 10 }, 4, 16 },
        { "three pairs", { 1, 2, 3, 100, 101, 40000 }, 6, 24 },
    };
    FOR_ROWS (rows, r) {
        uint8_t out[100];
        uint16_t got[8];
        struct rtc_rtcpfb fb;
        struct wr w = wr_make(out, sizeof(out));
        ROW(r->name);
        CHECK_INT(r->n, rtc_rtcpfb_write_nack(&w, 1, 2, r->seqs, r->n));
        CHECK_INT(r->len, wr_len(&w));
        CHECK(open_fb(out, wr_len(&w), &fb));
        CHECK(fb.kind == RTC_RTCPFB_NACK && fb.sender == 1 && fb.media == 2);
        CHECK_INT(r->n, rtc_rtcpfb_nack(&fb, got, 8));
        CHECK(memcmp(got, r->seqs, r->n * sizeof(got[0])) == 0);
    }
}

TEST(rtc_rtcpfb, a_nack_fills_what_room_there_is) {
    static const uint16_t seqs[] = { 1, 100, 200, 300 };
    uint8_t out[20];
    uint16_t got[8];
    struct rtc_rtcpfb fb;
    struct wr w = wr_make(out, sizeof(out));
    CHECK_INT(2, rtc_rtcpfb_write_nack(&w, 1, 2, seqs, 4));
    CHECK(open_fb(out, wr_len(&w), &fb));
    CHECK_INT(2, rtc_rtcpfb_nack(&fb, got, 8));
    w = wr_make(out, 15);
    CHECK_INT(0, rtc_rtcpfb_write_nack(&w, 1, 2, seqs, 4));
    CHECK(w.bad && wr_len(&w) == 0);
    w = wr_make(out, sizeof(out));
    CHECK_INT(0, rtc_rtcpfb_write_nack(&w, 1, 2, seqs, 0));
    CHECK(w.bad);
}

TEST(rtc_rtcpfb, reads_no_more_than_the_caller_has_room_for) {
    static const uint8_t all[] = { 0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xFF,
        0, 50, 0xFF, 0xFF };
    uint16_t got[40];
    struct rtc_rtcpfb fb;
    CHECK(open_fb(all, sizeof(all), &fb));
    CHECK_INT(20, rtc_rtcpfb_nack(&fb, got, 20));
    CHECK(got[0] == 65535 && got[1] == 0 && got[16] == 15 && got[17] == 50);
    CHECK(open_fb(all, sizeof(all), &fb));
    CHECK_INT(34, rtc_rtcpfb_nack(&fb, got, 40));
}

TEST(rtc_rtcpfb, asks_for_pictures) {
    uint8_t out[100], number;
    uint32_t ssrc;
    struct rtc_rtcpfb fb;
    struct wr w = wr_make(out, sizeof(out));
    rtc_rtcpfb_write_pli(&w, 3, 4);
    CHECK_INT(12, wr_len(&w));
    CHECK(open_fb(out, wr_len(&w), &fb));
    CHECK(fb.kind == RTC_RTCPFB_PLI && fb.sender == 3 && fb.media == 4);
    w = wr_make(out, sizeof(out));
    rtc_rtcpfb_write_fir(&w, 3, 4, 200);
    CHECK_INT(20, wr_len(&w));
    CHECK(open_fb(out, wr_len(&w), &fb) && fb.kind == RTC_RTCPFB_FIR && fb.media == 0);
    CHECK(rtc_rtcpfb_fir_next(&fb, &ssrc, &number) && ssrc == 4 && number == 200);
    CHECK(!rtc_rtcpfb_fir_next(&fb, &ssrc, &number));
}

TEST(rtc_rtcpfb, estimates) {
    static const uint32_t ssrcs[] = { 1, 2, 3 };
    static const struct {
        const char *name;
        uint64_t bps, want;
    } rows[] = {
        { "nothing", 0, 0 },
        { "fits the mantissa", 262143, 262143 },
        { "one more than the mantissa", 262144, 262144 },
        { "rounded down", 262145, 262144 },
        { "a few megabits", 2500000, 2500000 },
        { "the most", UINT64_MAX, UINT64_C(0x3FFFF) << 46 },
    };
    FOR_ROWS (rows, r) {
        uint8_t out[100];
        uint64_t bps = 1;
        struct rtc_rtcpfb fb;
        struct wr w = wr_make(out, sizeof(out));
        ROW(r->name);
        rtc_rtcpfb_write_remb(&w, 9, r->bps, ssrcs, 3);
        CHECK_INT(32, wr_len(&w));
        CHECK(open_fb(out, wr_len(&w), &fb) && fb.kind == RTC_RTCPFB_REMB);
        CHECK(rtc_rtcpfb_remb(&fb, &bps) && bps == r->want);
    }
}

TEST(rtc_rtcpfb, refuses_estimates_that_are_cut_and_bounds_those_too_big) {
    static const uint8_t cut[] = { 0x8F, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1,
        0, 0, 1 };
    static const uint8_t big[] = { 0x8F, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0,
        0xFF, 0xFF, 0xFF };
    uint64_t bps = 1;
    struct rtc_rtcpfb fb;
    CHECK(open_fb(cut, sizeof(cut), &fb) && !rtc_rtcpfb_remb(&fb, &bps));
    CHECK_INT(1, bps);
    CHECK(open_fb(big, sizeof(big), &fb) && rtc_rtcpfb_remb(&fb, &bps));
    CHECK(bps == UINT64_MAX);
}
