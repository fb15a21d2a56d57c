/* One row a codec: what the SFU learns of a packet's frame. */
#include "test.h"

#include "rtc/codec/frame.h"

TEST(rtc_codec_frame, knows_every_codec) {
    static const struct {
        const char *name;
        enum rtc_codec_type codec;
        uint8_t bytes[8];
        size_t len;
        bool fine;
        struct rtc_frame want;
    } rows[] = {
        { "Opus", RTC_OPUS, { 0x78, 1, 2 }, 3, true, { .start = true, .key_frame = true } },
        { "Opus, empty", RTC_OPUS, { 0 }, 0, false, { 0 } },
        { "RED is not looked into", RTC_RED, { 0xFF }, 1, true,
            { .start = true, .key_frame = true } },
        { "PCMU", RTC_PCMU, { 0xFF }, 1, true, { .start = true, .key_frame = true } },
        { "PCMA, empty", RTC_PCMA, { 0 }, 0, false, { 0 } },
        { "VP8 key frame", RTC_VP8, { 0x10, 0x10, 2, 0 }, 4, true,
            { .start = true, .key_frame = true } },
        { "VP8 delta frame of a layer", RTC_VP8, { 0x90, 0x20, 0xA0, 0x01 }, 4, true,
            { .temporal = 2, .start = true, .layer_sync = true } },
        { "VP8, cut", RTC_VP8, { 0x90 }, 1, false, { 0 } },
        { "H264 key frame", RTC_H264, { 0x67, 0x42 }, 2, true,
            { .start = true, .key_frame = true } },
        { "H264 slice", RTC_H264, { 0x41, 0x9A }, 2, true, { .start = true } },
        { "H264, unknown", RTC_H264, { 0x7F }, 1, false, { 0 } },
        { "VP9 layer", RTC_VP9, { 0x68, 0x52, 0x01, 0xAA }, 4, true,
            { .spatial = 1, .temporal = 2, .start = true, .rises = true } },
        { "VP9, cut", RTC_VP9, { 0x80, 0x80 }, 2, false, { 0 } },
        { "AV1 sequence", RTC_AV1, { 0x18, 0x0A, 1 }, 3, true,
            { .start = true, .key_frame = true } },
        { "AV1, goes on", RTC_AV1, { 0x90, 0x30 }, 2, true, { .start = false } },
        { "AV1, nothing behind the head", RTC_AV1, { 0x18 }, 1, false, { 0 } },
    };
    FOR_ROWS (rows, r) {
        struct rtc_frame f = { 0 };
        ROW(r->name);
        CHECK_INT(r->fine, rtc_frame_read(r->codec, cur_make(r->bytes, r->len), &f));
        CHECK_INT(r->want.spatial, f.spatial);
        CHECK_INT(r->want.temporal, f.temporal);
        CHECK_INT(r->want.start, f.start);
        CHECK_INT(r->want.key_frame, f.key_frame);
        CHECK_INT(r->want.layer_sync, f.layer_sync);
        CHECK_INT(r->want.rises, f.rises);
        CHECK_INT(r->want.end, f.end);
    }
}
