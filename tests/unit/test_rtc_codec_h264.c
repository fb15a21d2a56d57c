/* H.264 packets: which units begin in them. */
#include "test.h"

#include "rtc/codec/h264.h"

#include <string.h>

TEST(rtc_codec_h264, reads_packets) {
    static const struct {
        const char *name;
        uint8_t bytes[48];
        size_t len;
        struct rtc_h264 want;
    } rows[] = {
        { "a slice", { 0x41, 0x9A }, 2, { .slice = true } },
        { "an IDR slice alone", { 0x65, 0x88 }, 2, { .slice = true, .idr = true } },
        { "an SPS", { 0x67, 0x42 }, 2, { .sps = true, .key_frame = true } },
        { "a PPS", { 0x68, 0xCE }, 2, { .pps = true } },
        { "SEI", { 0x06, 0x05 }, 2, { .sps = false } },
        { "STAP-A of SPS and PPS", { 0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xCE }, 9,
            { .sps = true, .pps = true, .key_frame = true } },
        { "the key frame of livekit-protocol.md, 5.12",
            { 0x78, 0, 24, 0x67, 0x42, 0xc0, 0x1f, 0x0f, 0xd9, 0x1f, 0x88, 0x88, 0x84, 0, 0, 3, 0,
                4, 0, 0, 3, 0, 0xc8, 0x3c, 0x60, 0xc9, 0x20, 0, 6, 0x68, 0x87, 0xcb, 0x83, 0xcb,
                0x20, 0, 4, 0x65, 0x88, 0x84, 0x0a },
            41, { .sps = true, .pps = true, .idr = true, .slice = true, .key_frame = true } },
        { "FU-A begins an IDR slice", { 0x7C, 0x85, 0x88 }, 3, { .slice = true, .idr = true } },
        { "FU-A within one", { 0x7C, 0x05, 0x88 }, 3, { .sps = false } },
        { "FU-A ends one", { 0x7C, 0x45, 0x88 }, 3, { .sps = false } },
        { "FU-A begins a slice", { 0x5C, 0x81, 0x9A }, 3, { .slice = true } },
        { "FU-A begins an SPS", { 0x7C, 0x87, 0x42 }, 3, { .sps = true, .key_frame = true } },
    };
    FOR_ROWS (rows, r) {
        struct rtc_h264 h;
        ROW(r->name);
        CHECK(rtc_h264_parse(cur_make(r->bytes, r->len), &h));
        CHECK(memcmp(&h, &r->want, sizeof(h)) == 0);
    }
}

TEST(rtc_codec_h264, refuses) {
    static const struct {
        const char *name;
        uint8_t bytes[8];
        size_t len;
    } rows[] = {
        { "nothing", { 0 }, 0 },
        { "type 0", { 0x60, 1 }, 2 },
        { "the forbidden bit", { 0xE5, 1 }, 2 },
        { "STAP-B", { 0x79, 0, 0 }, 3 },
        { "MTAP", { 0x7A, 0, 0 }, 3 },
        { "FU-B", { 0x7D, 0x85, 1 }, 3 },
        { "STAP-A of nothing", { 0x78 }, 1 },
        { "STAP-A, length cut", { 0x78, 0 }, 2 },
        { "STAP-A, unit cut", { 0x78, 0, 3, 0x67, 0x42 }, 5 },
        { "STAP-A, empty unit", { 0x78, 0, 0 }, 3 },
        { "STAP-A within itself", { 0x78, 0, 1, 0x78 }, 4 },
        { "FU-A cut", { 0x7C }, 1 },
        { "FU-A of nothing", { 0x7C, 0x85 }, 2 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_h264 h;
        ROW(r->name);
        CHECK(!rtc_h264_parse(cur_make(r->bytes, r->len), &h));
    }
}
