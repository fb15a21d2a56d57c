/* H.264 units: RFC 6184, 5.2 (types), 5.6 (single), 5.7.1 (STAP-A), 5.8 (FU-A). */
#include "rtc/codec/h264.h"

#define FORBIDDEN 0x80
#define TYPE      0x1F
#define FU_START  0x80

enum {
    SLICE_FIRST = 1,
    SLICE_IDR = 5,
    UNIT_SPS = 7,
    UNIT_PPS = 8,
    UNIT_LAST = 23,
    STAP_A = 24,
    FU_A = 28
};

static void note_unit(uint8_t type, struct rtc_h264 *h) {
    h->sps |= type == UNIT_SPS;
    h->pps |= type == UNIT_PPS;
    h->idr |= type == SLICE_IDR;
    h->slice |= type >= SLICE_FIRST && type <= SLICE_IDR;
}

/* Units one behind the other, a length of 16 bits in front of each. */
static bool read_aggregate(struct cur *c, struct rtc_h264 *h) {
    bool any = false;
    while (cur_left(c) > 0) {
        struct cur unit = cur_sub(c, cur_u16(c));
        uint8_t head = cur_u8(&unit);
        if (unit.bad || (head & TYPE) == 0 || (head & TYPE) > UNIT_LAST) {
            return false;
        }
        note_unit(head & TYPE, h);
        any = true;
    }
    return any;
}

static bool read_fragment(struct cur *c, struct rtc_h264 *h) {
    uint8_t head = cur_u8(c);
    if (c->bad || cur_left(c) == 0) {
        return false;
    }
    if (head & FU_START) {
        note_unit(head & TYPE, h);
    }
    return true;
}

bool rtc_h264_parse(struct cur payload, struct rtc_h264 *ret) {
    struct rtc_h264 h = { 0 };
    uint8_t head = cur_u8(&payload);
    uint8_t type = head & TYPE;
    bool fine = !payload.bad && !(head & FORBIDDEN) && type != 0;
    if (fine && type <= UNIT_LAST) {
        note_unit(type, &h);
    } else if (fine && type == STAP_A) {
        fine = read_aggregate(&payload, &h);
    } else {
        fine = fine && type == FU_A && read_fragment(&payload, &h);
    }
    if (fine) {
        h.key_frame = h.sps;
        *ret = h;
    }
    return fine;
}
