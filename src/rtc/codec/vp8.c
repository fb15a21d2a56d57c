/* VP8 payload descriptors: RFC 7741, 4.2, 4.3 and 4.5.1. */
#include "rtc/codec/vp8.h"

#define EXTENDED   0x80 /* first byte */
#define DISPOSABLE 0x20
#define START      0x10
#define PARTITION  0x07
#define PICTURE_ID 0x80 /* extension byte */
#define TL0        0x40
#define TID        0x20
#define KEYIDX     0x10
#define WIDE       0x80 /* first byte of the picture id */
#define SYNC       0x20 /* the byte of TID, Y and KEYIDX */
#define KEYIDX_SET 0x1F
#define DELTA      0x01 /* first byte of a frame: P, inverse of key frame */

static void read_extension(struct cur *c, struct rtc_vp8 *v) {
    uint8_t has = cur_u8(c);
    if (has & PICTURE_ID) {
        v->has_picture_id = true;
        v->picture_id = cur_u8(c);
        v->wide = (v->picture_id & WIDE) != 0;
        if (v->wide) {
            v->picture_id = (uint16_t)((v->picture_id & ~WIDE) << 8 | cur_u8(c));
        }
    }
    if (has & TL0) {
        v->has_tl0 = true;
        v->tl0 = cur_u8(c);
    }
    if (has & (TID | KEYIDX)) {
        uint8_t both = cur_u8(c);
        v->has_tid = (has & TID) != 0;
        v->has_keyidx = (has & KEYIDX) != 0;
        v->tid = v->has_tid ? both >> 6 : 0;
        v->layer_sync = v->has_tid && (both & SYNC);
        v->keyidx = v->has_keyidx ? both & KEYIDX_SET : 0;
    }
}

/* The frame's header (RFC 6386, 9.1): 3 bytes; of key frames also a start code and the size. */
static void read_frame(struct cur c, struct rtc_vp8 *v) {
    v->key_frame = !(cur_u8(&c) & DELTA);
    cur_skip(&c, 2);
    uint32_t code = cur_u24(&c);
    const uint8_t *size = cur_take(&c, 4);
    if (v->key_frame && size != NULL && code == 0x9D012A) {
        v->width = (uint16_t)((size[1] << 8 | size[0]) & 0x3FFF); /* little-endian, with a scale */
        v->height = (uint16_t)((size[3] << 8 | size[2]) & 0x3FFF);
    }
}

bool rtc_vp8_parse(struct cur payload, struct rtc_vp8 *ret) {
    struct rtc_vp8 v = { 0 };
    struct cur c = payload;
    uint8_t first = cur_u8(&c);
    v.disposable = (first & DISPOSABLE) != 0;
    if (first & EXTENDED) {
        read_extension(&c, &v);
    }
    if (c.bad || cur_left(&c) == 0) {
        return false;
    }
    v.len = (uint16_t)(cur_left(&payload) - cur_left(&c));
    v.start = (first & START) && (first & PARTITION) == 0;
    if (v.start) {
        read_frame(c, &v);
    }
    *ret = v;
    return true;
}

void rtc_vp8_rewrite(
    uint8_t *descriptor, const struct rtc_vp8 *vp8, const struct rtc_vp8_ids *ids) {
    uint8_t *p = descriptor + 2; /* fields are there only behind the extension byte */
    if (vp8->has_picture_id && vp8->wide) {
        be16_put(p, (uint16_t)(WIDE << 8 | (ids->picture_id & 0x7FFF)));
        p += 2;
    } else if (vp8->has_picture_id) {
        *p++ = ids->picture_id & 0x7F;
    }
    if (vp8->has_tl0) {
        *p++ = ids->tl0;
    }
    if (vp8->has_keyidx) {
        *p = (uint8_t)((*p & ~KEYIDX_SET) | (ids->keyidx & KEYIDX_SET));
    }
}
