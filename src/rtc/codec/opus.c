/* Opus: RFC 6716, 3.1 (table of contents) and 3.2 (frames in a packet). RED: RFC 2198, 3. */
#include "rtc/codec/opus.h"

#define DTX_MAX_BYTES 2
#define TICKS_MAX     5760 /* 120 ms: RFC 6716, 3.2.5 */
#define MORE          0x80 /* RED: another head follows */

/* Ticks of one frame by the upper five bits: SILK, hybrid, CELT. */
static uint32_t frame_ticks(uint8_t config) {
    static const uint16_t silk[] = { 480, 960, 1920, 2880 };
    static const uint16_t hybrid[] = { 480, 960 };
    static const uint16_t celt[] = { 120, 240, 480, 960 };
    if (config < 12) {
        return silk[config & 3];
    }
    return config < 16 ? hybrid[config & 1] : celt[config & 3];
}

bool rtc_opus_parse(struct cur payload, struct rtc_opus *ret) {
    size_t len = cur_left(&payload);
    uint8_t toc = cur_u8(&payload);
    uint8_t code = toc & 3;
    uint32_t frames = code == 0 ? 1 : 2;
    if (payload.bad) {
        return false;
    }
    if (code == 3) {
        frames = len > 1 ? cur_u8(&payload) & 0x3F : 0;
    }
    struct rtc_opus o = {
        .ticks = frames * frame_ticks(toc >> 3), .stereo = toc >> 2 & 1, .dtx = len <= DTX_MAX_BYTES
    };
    if (o.ticks > TICKS_MAX) {
        return false;
    }
    *ret = o;
    return true;
}

bool rtc_red_primary(struct cur payload, struct cur *ret_block, uint8_t *ret_pt) {
    size_t redundant = 0;
    uint8_t head = cur_u8(&payload);
    for (int n = 0; head & MORE; n++) {
        redundant += cur_u24(&payload) & 0x3FF; /* 14 bits of time, 10 of length */
        head = cur_u8(&payload);
        if (n == RTC_RED_BLOCKS_MAX || payload.bad) {
            return false;
        }
    }
    cur_skip(&payload, redundant);
    if (payload.bad) {
        return false;
    }
    *ret_block = payload;
    *ret_pt = head;
    return true;
}
