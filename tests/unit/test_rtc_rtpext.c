/* Header extensions in both forms: found, written, mapped from one peer's ids to another's. */
#include "test.h"

#include "rtc/rtpext.h"

#include <stdio.h>
#include <string.h>

/* A packet with this block: profile, whole words. */
static size_t packet_with(uint8_t *p, uint16_t profile, const uint8_t *block, size_t n) {
    struct wr w = wr_make(p, 400);
    rtc_rtp_write(&w, &(struct rtc_rtp_head){ .pt = 96, .ssrc = 7 });
    p[0] |= 0x10;
    wr_u16(&w, profile);
    wr_u16(&w, (uint16_t)(n / 4));
    wr_bytes(&w, block, n);
    wr_bytes(&w, "payload", 7);
    return wr_len(&w);
}

TEST(rtc_rtpext, walks_over_elements) {
    static const struct {
        const char *name;
        uint16_t profile;
        uint8_t block[12];
        size_t len;
        const char *want; /* id:first byte×length … */
    } rows[] = {
        { "one byte", 0xBEDE, { 0x10, 0xAA, 0, 0 }, 4, "1:170x1 " },
        { "the example of RFC 8285, 4.2", 0xBEDE,
            { 0x10, 0xAA, 0x21, 0xBB, 0xBB, 0, 0, 0x33, 0xCC, 0xCC, 0xCC, 0xCC }, 12,
            "1:170x1 2:187x2 3:204x4 " },
        { "padding first", 0xBEDE, { 0, 0, 0x10, 5 }, 4, "1:5x1 " },
        { "id 15 ends it", 0xBEDE, { 0x10, 5, 0xF0, 1, 0x20, 6, 0, 0 }, 8, "1:5x1 " },
        { "id 0 with a length ends it", 0xBEDE, { 0x10, 5, 0x03, 1, 0x20, 6, 0, 0 }, 8, "1:5x1 " },
        { "cut element", 0xBEDE, { 0x10, 5, 0x2F, 1 }, 4, "1:5x1 " },
        { "nothing but padding", 0xBEDE, { 0, 0, 0, 0 }, 4, "" },
        { "two-byte", 0x1000, { 1, 1, 9, 15, 2, 7, 8, 0 }, 8, "1:9x1 15:7x2 " },
        { "two-byte with bits of the application", 0x100A, { 200, 0, 0, 0 }, 4, "200:0x0 " },
        { "two-byte, cut length", 0x1000, { 0, 0, 0, 3 }, 4, "" },
        { "two-byte, cut data", 0x1000, { 3, 3, 1, 1 }, 4, "" },
        { "another profile", 0xABCD, { 0x10, 0xAA, 0, 0 }, 4, "" },
        { "nearly the two-byte form", 0x1010, { 1, 1, 9, 0 }, 4, "" },
    };
    FOR_ROWS (rows, r) {
        uint8_t p[400];
        char got[100] = "";
        struct rtc_rtp rtp;
        struct rtc_rtpext_element e;
        size_t len = packet_with(p, r->profile, r->block, r->len);
        ROW(r->name);
        CHECK(rtc_rtp_parse(cur_make(p, len), &rtp));
        struct rtc_rtpext_iter it = rtc_rtpext_elements(p, &rtp);
        while (rtc_rtpext_next(&it, &e)) {
            size_t n = strlen(got);
            snprintf(got + n, sizeof(got) - n, "%u:%ux%u ", e.id, e.len > 0 ? e.data[0] : 0, e.len);
        }
        CHECK(!rtc_rtpext_next(&it, &e));
        CHECK_STR(r->want, got);
    }
}

TEST(rtc_rtpext, knows_meanings_by_the_agreed_ids) {
    static const uint8_t block[] = { 0x10, 0xAA, 0x21, 0x12, 0x34, 0x32, 1, 2, 3, 0x40, 0x8A, 0x52,
        0x02, 0xA0, 0x0F, 0x61, 'h', 'f', 0x10, 0xBB };
    static const uint8_t ids[RTC_EXT_COUNT] = { [RTC_EXT_TRANSPORT_CC] = 2,
        [RTC_EXT_ABS_SEND_TIME] = 3,
        [RTC_EXT_AUDIO_LEVEL] = 4,
        [RTC_EXT_PLAYOUT_DELAY] = 5,
        [RTC_EXT_RID] = 6,
        [RTC_EXT_MID] = 1 };
    uint8_t p[400], level;
    uint16_t seq;
    uint32_t time;
    bool voice;
    struct rtc_rtp rtp;
    struct rtc_rtpext x;
    size_t len = packet_with(p, 0xBEDE, block, sizeof(block));
    CHECK(rtc_rtp_parse(cur_make(p, len), &rtp));
    rtc_rtpext_read(p, &rtp, ids, &x);
    CHECK(rtc_rtpext_twcc(p, &x, &seq) && seq == 0x1234);
    CHECK(rtc_rtpext_abs_send_time(p, &x, &time) && time == 0x010203);
    CHECK(rtc_rtpext_audio_level(p, &x, &level, &voice) && level == 10 && voice);
    struct cur rid = rtc_rtpext_bytes(p, &x, RTC_EXT_RID);
    CHECK(cur_left(&rid) == 2 && memcmp(rid.p, "hf", 2) == 0);
    struct cur mid = rtc_rtpext_bytes(p, &x, RTC_EXT_MID);
    CHECK(cur_left(&mid) == 1 && mid.p[0] == 0xAA); /* the first of two stands */
    struct cur dd = rtc_rtpext_bytes(p, &x, RTC_EXT_DEPENDENCY);
    CHECK_INT(0, cur_left(&dd));
}

TEST(rtc_rtpext, refuses_values_that_are_cut) {
    static const uint8_t block[] = { 0x10, 1, 0x21, 1, 2, 0x30, 1, 0x41, 1, 2, 0, 0 };
    static const uint8_t ids[RTC_EXT_COUNT] = { [RTC_EXT_TRANSPORT_CC] = 1,
        [RTC_EXT_ABS_SEND_TIME] = 2,
        [RTC_EXT_CAPTURE_TIME] = 3,
        [RTC_EXT_PLAYOUT_DELAY] = 4 };
    uint8_t p[400], level;
    uint16_t seq;
    uint32_t time;
    bool voice;
    struct rtc_rtp rtp;
    struct rtc_rtpext x;
    size_t len = packet_with(p, 0xBEDE, block, sizeof(block));
    CHECK(rtc_rtp_parse(cur_make(p, len), &rtp));
    rtc_rtpext_read(p, &rtp, ids, &x);
    CHECK(!rtc_rtpext_twcc(p, &x, &seq));
    CHECK(!rtc_rtpext_abs_send_time(p, &x, &time));
    CHECK(!rtc_rtpext_audio_level(p, &x, &level, &voice));
}

TEST(rtc_rtpext, puts_what_the_form_can_say) {
    static const struct {
        const char *name;
        bool two_byte;
        uint8_t id;
        size_t len, cap;
        size_t want; /* bytes of the whole block, 0 = refused */
    } rows[] = {
        { "one byte", false, 1, 1, 100, 8 },
        { "a word and its head", false, 14, 4, 100, 12 },
        { "16 bytes", false, 14, 16, 100, 24 },
        { "17 bytes", false, 14, 17, 100, 0 },
        { "no bytes", false, 1, 0, 100, 0 },
        { "id 15", false, 15, 1, 100, 0 },
        { "id 0", false, 0, 1, 100, 0 },
        { "two-byte: id 0", true, 0, 1, 100, 0 },
        { "two-byte: no bytes", true, 1, 0, 100, 8 },
        { "two-byte: id 255, 17 bytes", true, 255, 17, 100, 24 },
        { "two-byte: 255 bytes", true, 1, 255, 400, 264 },
        { "two-byte: 256 bytes", true, 1, 256, 400, 0 },
        { "no room", false, 1, 4, 11, 0 },
    };
    FOR_ROWS (rows, r) {
        uint8_t p[400], block[256];
        struct rtc_rtp rtp;
        struct rtc_rtpext_element e;
        struct wr w = wr_make(p, 12 + r->cap);
        ROW(r->name);
        rtc_rtp_write(&w, &(struct rtc_rtp_head){ .pt = 96 });
        struct rtc_rtpext_wr x = rtc_rtpext_begin(&w, r->two_byte);
        uint8_t *room = rtc_rtpext_put(&x, r->id, r->len);
        CHECK_INT(r->want > 0, room != NULL);
        memset(block, 0x5A, sizeof(block));
        if (room != NULL) {
            memcpy(room, block, r->len);
        }
        rtc_rtpext_end(&x);
        CHECK(!w.bad);
        CHECK_INT(12 + r->want, wr_len(&w));
        CHECK(rtc_rtp_parse(cur_make(p, wr_len(&w)), &rtp));
        CHECK_INT(12 + r->want, rtp.payload_off);
        struct rtc_rtpext_iter it = rtc_rtpext_elements(p, &rtp);
        CHECK_INT(r->want > 0, rtc_rtpext_next(&it, &e));
        if (r->want > 0) {
            CHECK(e.id == r->id && e.len == r->len && memcmp(e.data, block, e.len) == 0);
        }
    }
}

static const uint8_t from_ids[RTC_EXT_COUNT] = {
    [RTC_EXT_DEPENDENCY] = 13, [RTC_EXT_TRANSPORT_CC] = 3, [RTC_EXT_AUDIO_LEVEL] = 1
};

/* Maps a packet with a dependency descriptor of `n` bytes, an audio level and a TWCC number. */
static size_t map_packet(
    const struct rtc_rtpext_plan *plan, size_t n, uint8_t *out, uint8_t **own_twcc) {
    static uint8_t p[400];
    struct rtc_rtp rtp;
    struct rtc_rtpext x;
    uint8_t *own[RTC_EXT_COUNT];
    struct wr w = wr_make(p, sizeof(p));
    rtc_rtp_write(&w, &(struct rtc_rtp_head){ .pt = 96 });
    struct rtc_rtpext_wr in = rtc_rtpext_begin(&w, n > 16);
    memset(rtc_rtpext_put(&in, 13, n), 0xD0, n);
    rtc_rtpext_set_twcc(rtc_rtpext_put(&in, 3, 2), 0x1111);
    rtc_rtpext_set_audio_level(rtc_rtpext_put(&in, 1, 1), 30, true);
    rtc_rtpext_end(&in);
    if (!rtc_rtp_parse(cur_make(p, wr_len(&w)), &rtp)) {
        return 0;
    }
    rtc_rtpext_read(p, &rtp, from_ids, &x);
    struct wr to = wr_make(out, 400);
    rtc_rtp_write(&to, &(struct rtc_rtp_head){ .pt = 100 });
    rtc_rtpext_map(&to, p, &x, plan, own);
    *own_twcc = own[RTC_EXT_TRANSPORT_CC];
    return wr_len(&to);
}

TEST(rtc_rtpext, maps_ids_of_one_peer_to_those_of_another) {
    static const struct {
        const char *name;
        size_t dd_len;
        bool two_byte;
        uint8_t dd_id, twcc_id;
        bool dd, twcc;
        uint16_t profile;
    } rows[] = {
        { "small ids", 9, true, 4, 5, true, true, 0xBEDE },
        { "a long descriptor needs two bytes", 40, true, 4, 5, true, true, 0x1000 },
        { "so does a big id", 9, true, 20, 5, true, true, 0x1000 },
        { "who does not take two bytes goes without", 40, false, 4, 5, false, true, 0xBEDE },
        { "not agreed", 9, true, 0, 5, false, true, 0xBEDE },
        { "nothing agreed", 9, true, 0, 0, false, false, 0 },
    };
    FOR_ROWS (rows, r) {
        uint8_t out[400], *own = NULL;
        struct rtc_rtp rtp;
        struct rtc_rtpext x;
        struct rtc_rtpext_plan plan = { .two_byte = r->two_byte,
            .pass = RTC_EXT_BIT(RTC_EXT_DEPENDENCY) | RTC_EXT_BIT(RTC_EXT_TRANSPORT_CC),
            .own = RTC_EXT_BIT(RTC_EXT_TRANSPORT_CC) };
        plan.ids[RTC_EXT_DEPENDENCY] = r->dd_id;
        plan.ids[RTC_EXT_TRANSPORT_CC] = r->twcc_id;
        plan.ids[RTC_EXT_AUDIO_LEVEL] = 9; /* agreed, but neither passed nor ours */
        plan.own_len[RTC_EXT_TRANSPORT_CC] = RTC_RTPEXT_TWCC_LEN;
        ROW(r->name);
        size_t len = map_packet(&plan, r->dd_len, out, &own);
        CHECK_INT(r->twcc, own != NULL);
        if (own != NULL) {
            rtc_rtpext_set_twcc(own, 0x2222);
        }
        CHECK(rtc_rtp_parse(cur_make(out, len), &rtp));
        CHECK_INT(r->profile, rtp.ext_profile);
        rtc_rtpext_read(out, &rtp, plan.ids, &x);
        struct cur dd = rtc_rtpext_bytes(out, &x, RTC_EXT_DEPENDENCY);
        CHECK_INT(r->dd ? r->dd_len : 0, cur_left(&dd));
        CHECK(!r->dd || dd.p[r->dd_len - 1] == 0xD0);
        uint16_t seq = 0;
        CHECK_INT(r->twcc, rtc_rtpext_twcc(out, &x, &seq));
        CHECK_INT(r->twcc ? 0x2222 : 0, seq);
        CHECK(!rtc_rtpext_has(&x, RTC_EXT_AUDIO_LEVEL));
    }
}

TEST(rtc_rtpext, writes_times) {
    static const struct {
        const char *name;
        int64_t us;
        uint32_t want;
    } rows[] = {
        { "zero", 0, 0 },
        { "half a second", 500000, 1 << 17 },
        { "a second", 1000000, 1 << 18 },
        { "just before the wrap", 63999999, 0xFFFFFF },
        { "the wrap", 64000000, 0 },
        { "long after", INT64_C(64000000) * 1000000 + 1000000, 1 << 18 },
    };
    FOR_ROWS (rows, r) {
        uint8_t e[3];
        ROW(r->name);
        rtc_rtpext_set_abs_send_time(e, r->us);
        CHECK_INT(r->want, be24_get(e));
    }
}
