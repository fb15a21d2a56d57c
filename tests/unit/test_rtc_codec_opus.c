/* Opus packets and RED around them. */
#include "test.h"

#include "rtc/codec/opus.h"

TEST(rtc_codec_opus, reads_the_table_of_contents) {
    static const struct {
        const char *name;
        uint8_t bytes[4];
        size_t len;
        uint32_t ticks;
        bool stereo, dtx;
    } rows[] = {
        { "SILK, 10 ms", { 0x00, 1, 1 }, 3, 480, false, false },
        { "SILK, 60 ms", { 0x18, 1, 1 }, 3, 2880, false, false },
        { "SILK, 20 ms, wide band, stereo", { 0x4C, 1, 1 }, 3, 960, true, false },
        { "hybrid, 10 ms", { 0x60, 1, 1 }, 3, 480, false, false },
        { "hybrid, 20 ms", { 0x78, 1, 1 }, 3, 960, false, false },
        { "CELT, 2.5 ms", { 0x80, 1, 1 }, 3, 120, false, false },
        { "CELT, 20 ms, full band", { 0xF8, 1, 1 }, 3, 960, false, false },
        { "two frames of one size", { 0xF9, 1, 1 }, 3, 1920, false, false },
        { "two frames of two sizes", { 0xFA, 1, 1 }, 3, 1920, false, false },
        { "three frames", { 0xFB, 3, 1 }, 3, 2880, false, false },
        { "120 ms", { 0xFB, 6, 1 }, 3, 5760, false, false },
        { "the silence of livekit-protocol.md, 5.12", { 0xF8, 0xFF, 0xFE, 0 }, 4, 960, false,
            false },
        { "DTX of one byte", { 0x78 }, 1, 960, false, true },
        { "DTX of two", { 0x78, 0 }, 2, 960, false, true },
        { "any number of frames, which are not there", { 0xFB }, 1, 0, false, true },
    };
    FOR_ROWS (rows, r) {
        struct rtc_opus o;
        ROW(r->name);
        CHECK(rtc_opus_parse(cur_make(r->bytes, r->len), &o));
        CHECK_INT(r->ticks, o.ticks);
        CHECK_INT(r->stereo, o.stereo);
        CHECK_INT(r->dtx, o.dtx);
    }
    static const uint8_t long_one[] = { 0xFB, 7, 1 };
    struct rtc_opus o;
    CHECK(!rtc_opus_parse(cur_make(NULL, 0), &o));
    CHECK(!rtc_opus_parse(cur_make(long_one, sizeof(long_one)), &o));
}

TEST(rtc_codec_opus, finds_the_primary_block_of_red) {
    static const struct {
        const char *name;
        uint8_t bytes[48];
        size_t len;
        bool want;
        size_t off, block_len;
    } rows[] = {
        { "no redundancy", { 111, 0x78, 1, 2 }, 4, true, 1, 3 },
        { "one block", { 0x80 | 111, 0, 0, 2, 111, 9, 9, 0x78, 1 }, 9, true, 7, 2 },
        { "two blocks", { 0x80 | 111, 0, 0, 1, 0x80 | 111, 0, 0, 2, 111, 9, 8, 8, 0x78 }, 13, true,
            12, 1 },
        { "an empty primary", { 0x80 | 111, 0, 0, 1, 111, 9 }, 6, true, 6, 0 },
        { "time bits do not count", { 0x80 | 111, 0xFF, 0xFC, 1, 111, 9, 0x78 }, 7, true, 6, 1 },
        { "nothing", { 0 }, 0, false, 0, 0 },
        { "head cut", { 0x80 | 111, 0, 0 }, 3, false, 0, 0 },
        { "no primary head", { 0x80 | 111, 0, 0, 1 }, 4, false, 0, 0 },
        { "block cut", { 0x80 | 111, 0, 0, 2, 111, 9 }, 6, false, 0, 0 },
    };
    FOR_ROWS (rows, r) {
        struct cur block;
        uint8_t pt = 0;
        ROW(r->name);
        CHECK_INT(r->want, rtc_red_primary(cur_make(r->bytes, r->len), &block, &pt));
        if (r->want) {
            CHECK_INT(111, pt);
            CHECK_INT(r->block_len, cur_left(&block));
            CHECK_INT(r->off, block.p - r->bytes);
        }
    }
    uint8_t many[4 * (RTC_RED_BLOCKS_MAX + 1) + 1] = { 0 };
    struct cur block;
    uint8_t pt;
    for (size_t i = 0; i <= RTC_RED_BLOCKS_MAX; i++) {
        many[4 * i] = 0x80;
    }
    CHECK(!rtc_red_primary(cur_make(many, sizeof(many)), &block, &pt));
    CHECK(rtc_red_primary(cur_make(many + 4, sizeof(many) - 4), &block, &pt));
}
