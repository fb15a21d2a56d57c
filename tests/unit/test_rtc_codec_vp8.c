/* VP8 descriptors: every field in both widths, read and rewritten; ids that go on across switches.
 */
#include "test.h"

#include "rtc/codec/vp8.h"

#include <string.h>

TEST(rtc_codec_vp8, reads_descriptors) {
    static const struct {
        const char *name;
        uint8_t bytes[24];
        size_t len;
        struct rtc_vp8 want;
    } rows[] = {
        { "the least", { 0x00, 0x01 }, 2, { .len = 1 } },
        { "a delta frame begins", { 0x10, 0x01, 0, 0 }, 4, { .len = 1, .start = true } },
        { "another partition begins", { 0x11, 0x00 }, 2, { .len = 1 } },
        { "in the middle of a key frame", { 0x00, 0x00 }, 2, { .len = 1 } },
        { "disposable", { 0x30, 0x01 }, 2, { .len = 1, .start = true, .disposable = true } },
        { "7 bits", { 0x90, 0x80, 0x7F, 0x01 }, 4,
            { .len = 3, .start = true, .has_picture_id = true, .picture_id = 127 } },
        { "15 bits", { 0x90, 0x80, 0xFF, 0xFE, 0x01 }, 5,
            { .len = 4,
                .start = true,
                .has_picture_id = true,
                .wide = true,
                .picture_id = 0x7FFE } },
        { "everything", { 0x90, 0xF0, 0x92, 0x34, 0x56, 0xBF, 0x01 }, 7,
            { .len = 6,
                .start = true,
                .has_picture_id = true,
                .wide = true,
                .picture_id = 0x1234,
                .has_tl0 = true,
                .tl0 = 0x56,
                .has_tid = true,
                .tid = 2,
                .layer_sync = true,
                .has_keyidx = true,
                .keyidx = 31 } },
        { "key index without layers", { 0x90, 0x10, 0xE5, 0x01 }, 4,
            { .len = 3, .start = true, .has_keyidx = true, .keyidx = 5 } },
        { "layers without key index", { 0x90, 0x20, 0x5F, 0x01 }, 4,
            { .len = 3, .start = true, .has_tid = true, .tid = 1 } },
        { "the key frame of livekit-protocol.md, 5.12",
            { 0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x08, 0x00, 0x08, 0x00, 0x47 }, 12,
            { .len = 1, .start = true, .key_frame = true, .width = 8, .height = 8 } },
        { "a size with a scale",
            { 0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x41, 0xF0, 0xC0 }, 11,
            { .len = 1, .start = true, .key_frame = true, .width = 0x140, .height = 0xF0 } },
        { "a key frame without its size", { 0x10, 0x10, 0x02, 0x00, 0x9d }, 5,
            { .len = 1, .start = true, .key_frame = true } },
    };
    FOR_ROWS (rows, r) {
        struct rtc_vp8 v;
        ROW(r->name);
        CHECK(rtc_vp8_parse(cur_make(r->bytes, r->len), &v));
        CHECK(memcmp(&v, &r->want, sizeof(v)) == 0);
    }
}

TEST(rtc_codec_vp8, refuses_what_is_cut) {
    static const uint8_t whole[] = { 0x90, 0xF0, 0x92, 0x34, 0x56, 0xBF, 0x01 };
    struct rtc_vp8 v;
    for (size_t n = 0; n < sizeof(whole); n++) {
        CHECK(!rtc_vp8_parse(cur_make(whole, n), &v));
    }
    CHECK(rtc_vp8_parse(cur_make(whole, sizeof(whole)), &v));
}

TEST(rtc_codec_vp8, rewrites_ids_and_nothing_else) {
    static const struct {
        const char *name;
        uint8_t in[7], out[7];
        size_t len;
    } rows[] = {
        { "nothing there", { 0x10, 0xAA }, { 0x10, 0xAA }, 2 },
        { "7 bits", { 0x90, 0x80, 0x01, 0xAA }, { 0x90, 0x80, 0x55, 0xAA }, 4 },
        { "15 bits", { 0x90, 0x80, 0x81, 0x02, 0xAA }, { 0x90, 0x80, 0xD5, 0x55, 0xAA }, 5 },
        { "everything", { 0x90, 0xF0, 0x92, 0x34, 0x56, 0xBF, 0xAA },
            { 0x90, 0xF0, 0xD5, 0x55, 0xEE, 0xA7, 0xAA }, 7 },
        { "layers without key index", { 0x90, 0x60, 0x56, 0x5F, 0xAA },
            { 0x90, 0x60, 0xEE, 0x5F, 0xAA }, 5 },
    };
    static const struct rtc_vp8_ids ids = { .picture_id = 0xD555, .tl0 = 0xEE, .keyidx = 0xE7 };
    FOR_ROWS (rows, r) {
        uint8_t p[7];
        struct rtc_vp8 v;
        ROW(r->name);
        memcpy(p, r->in, sizeof(p));
        CHECK(rtc_vp8_parse(cur_make(p, r->len), &v));
        rtc_vp8_rewrite(p, &v, &ids);
        CHECK(memcmp(p, r->out, sizeof(p)) == 0);
    }
}
