/* One row a codec. */
#include "rtc/codec/frame.h"

#include "rtc/codec/av1.h"
#include "rtc/codec/h264.h"
#include "rtc/codec/opus.h"
#include "rtc/codec/vp8.h"
#include "rtc/codec/vp9.h"

static bool read_vp8(struct cur payload, struct rtc_frame *f) {
    struct rtc_vp8 v;
    if (!rtc_vp8_parse(payload, &v)) {
        return false;
    }
    *f = (struct rtc_frame){
        .temporal = v.tid, .start = v.start, .key_frame = v.key_frame, .layer_sync = v.layer_sync
    };
    return true;
}

static bool read_vp9(struct cur payload, struct rtc_frame *f) {
    struct rtc_vp9 v;
    if (!rtc_vp9_parse(payload, &v)) {
        return false;
    }
    *f = (struct rtc_frame){ .spatial = v.sid,
        .temporal = v.tid,
        .start = v.start,
        .end = v.end,
        .key_frame = v.key_frame,
        .rises = v.switching_up };
    return true;
}

static bool read_h264(struct cur payload, struct rtc_frame *f) {
    struct rtc_h264 h;
    if (!rtc_h264_parse(payload, &h)) {
        return false;
    }
    *f = (struct rtc_frame){ .start = h.sps || h.slice, .key_frame = h.key_frame };
    return true;
}

/* The layers are in the dependency descriptor: rtc/codec/av1. */
static bool read_av1(struct cur payload, struct rtc_frame *f) {
    bool key = rtc_av1_begins_sequence(payload);
    *f = (struct rtc_frame){ .start = key, .key_frame = key };
    return cur_left(&payload) > 1;
}

static bool read_opus(struct cur payload, struct rtc_frame *f) {
    struct rtc_opus o;
    *f = (struct rtc_frame){ .start = true, .key_frame = true };
    return rtc_opus_parse(payload, &o);
}

static bool read_opaque(struct cur payload, struct rtc_frame *f) {
    *f = (struct rtc_frame){ .start = true, .key_frame = true };
    return cur_left(&payload) > 0;
}

bool rtc_frame_read(enum rtc_codec_type codec, struct cur payload, struct rtc_frame *ret) {
    static bool (*const readers[RTC_CODEC_COUNT])(struct cur, struct rtc_frame *) = {
        [RTC_OPUS] = read_opus,
        [RTC_RED] = read_opaque,
        [RTC_PCMU] = read_opaque,
        [RTC_PCMA] = read_opaque,
        [RTC_VP8] = read_vp8,
        [RTC_H264] = read_h264,
        [RTC_VP9] = read_vp9,
        [RTC_AV1] = read_av1,
    };
    struct rtc_frame f;
    if (!readers[codec](payload, &f)) {
        return false;
    }
    *ret = f;
    return true;
}
