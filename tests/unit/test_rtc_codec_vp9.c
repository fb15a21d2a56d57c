/* VP9 descriptors, in flexible and non-flexible mode. */
#include "test.h"

#include "rtc/codec/vp9.h"

#include <string.h>

TEST(rtc_codec_vp9, reads_descriptors) {
    static const struct {
        const char *name;
        uint8_t bytes[24];
        size_t len;
        struct rtc_vp9 want;
    } rows[] = {
        { "the least", { 0x40, 0xAA }, 2, { .len = 1, .inter_picture = true } },
        { "a key picture", { 0x8C, 0x05, 0xAA }, 3,
            { .len = 2,
                .has_picture_id = true,
                .picture_id = 5,
                .start = true,
                .end = true,
                .key_frame = true } },
        { "15 bits", { 0xC0, 0xFF, 0xFF, 0xAA }, 4,
            { .len = 3,
                .has_picture_id = true,
                .wide = true,
                .picture_id = 0x7FFF,
                .inter_picture = true } },
        { "not flexible", { 0xE8, 0x81, 0x02, 0x75, 0x99, 0xAA }, 6,
            { .len = 5,
                .has_picture_id = true,
                .wide = true,
                .picture_id = 0x102,
                .inter_picture = true,
                .has_layers = true,
                .tid = 3,
                .switching_up = true,
                .sid = 2,
                .inter_layer = true,
                .has_tl0 = true,
                .tl0 = 0x99,
                .start = true } },
        { "upper layer of a key picture", { 0xA8, 0x05, 0x03, 0x07, 0xAA }, 5,
            { .len = 4,
                .has_picture_id = true,
                .picture_id = 5,
                .has_layers = true,
                .sid = 1,
                .inter_layer = true,
                .has_tl0 = true,
                .tl0 = 7,
                .start = true } },
        { "flexible, three references", { 0x74, 0x20, 0x03, 0x05, 0x06, 0xAA }, 6,
            { .len = 5,
                .flexible = true,
                .inter_picture = true,
                .has_layers = true,
                .tid = 1,
                .end = true } },
        { "flexible, a key picture has none", { 0xB9, 0x05, 0x00, 0xAA }, 4,
            { .len = 3,
                .flexible = true,
                .has_picture_id = true,
                .picture_id = 5,
                .has_layers = true,
                .start = true,
                .not_referred = true,
                .key_frame = true } },
        { "a structure with sizes",
            { 0x0A, 0x30, 0x01, 0x40, 0x00, 0xB4, 0x02, 0x80, 0x01, 0x68, 0xAA }, 11,
            { .len = 10,
                .start = true,
                .key_frame = true,
                .n_spatial = 2,
                .width = { 320, 640 },
                .height = { 180, 360 } } },
        { "a structure with a group", { 0x0A, 0x08, 0x02, 0x04, 0x01, 0x10, 0xAA }, 7,
            { .len = 6, .start = true, .key_frame = true, .n_spatial = 1 } },
    };
    FOR_ROWS (rows, r) {
        struct rtc_vp9 v;
        ROW(r->name);
        bool fine = rtc_vp9_parse(cur_make(r->bytes, r->len), &v);
        CHECK(fine);
        if (fine && memcmp(&v, &r->want, sizeof(v)) != 0) {
            CHECK_INT(r->want.len, v.len);
            CHECK_INT(r->want.picture_id, v.picture_id);
            CHECK_INT(r->want.tid, v.tid);
            CHECK_INT(r->want.sid, v.sid);
            CHECK_INT(r->want.key_frame, v.key_frame);
            CHECK(!"other fields differ");
        }
    }
}

TEST(rtc_codec_vp9, refuses_what_is_cut_or_says_too_much) {
    static const struct {
        const char *name;
        uint8_t bytes[24];
        size_t len;
    } rows[] = {
        { "everything there is, with sizes and a group",
            { 0xEA, 0x81, 0x02, 0x20, 0x99, 0x18, 0x01, 0x40, 0x00, 0xB4, 0x01, 0x04, 0x01, 0xAA },
            14 },
        { "flexible, references, sizes of two layers",
            { 0xF2, 0x81, 0x02, 0x20, 0x03, 0x04, 0x30, 0, 1, 0, 2, 0, 3, 0, 4, 0xAA }, 16 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_vp9 v;
        ROW(r->name);
        CHECK(rtc_vp9_parse(cur_make(r->bytes, r->len), &v));
        for (size_t n = 0; n < r->len; n++) {
            CHECK(!rtc_vp9_parse(cur_make(r->bytes, n), &v));
        }
    }
    static const uint8_t four[] = { 0x50, 0x03, 0x03, 0x03, 0x02, 0xAA };
    struct rtc_vp9 v;
    CHECK(!rtc_vp9_parse(cur_make(four, sizeof(four)), &v));
}

TEST(rtc_codec_vp9, rewrites_ids_and_nothing_else) {
    static const struct {
        const char *name;
        uint8_t in[6], out[6];
        size_t len;
    } rows[] = {
        { "nothing there", { 0x40, 0xAA }, { 0x40, 0xAA }, 2 },
        { "7 bits", { 0xC0, 0x01, 0xAA }, { 0xC0, 0x55, 0xAA }, 3 },
        { "15 bits", { 0xC0, 0x81, 0x02, 0xAA }, { 0xC0, 0xD5, 0x55, 0xAA }, 4 },
        { "layers", { 0xE0, 0x81, 0x02, 0x20, 0x99, 0xAA }, { 0xE0, 0xD5, 0x55, 0x20, 0xEE, 0xAA },
            6 },
        { "layers, flexible", { 0xB0, 0x01, 0x20, 0xAA }, { 0xB0, 0x55, 0x20, 0xAA }, 4 },
    };
    FOR_ROWS (rows, r) {
        uint8_t p[6];
        struct rtc_vp9 v;
        ROW(r->name);
        memcpy(p, r->in, sizeof(p));
        CHECK(rtc_vp9_parse(cur_make(p, r->len), &v));
        rtc_vp9_rewrite(p, &v, 0xD555, 0xEE);
        CHECK(memcmp(p, r->out, sizeof(p)) == 0);
    }
}
