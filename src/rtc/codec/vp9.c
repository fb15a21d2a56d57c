/* VP9 payload descriptors: RFC 9628, 4.2 and 4.2.1. */
#include "rtc/codec/vp9.h"

#define HAS_PICTURE   0x80 /* first byte */
#define INTER_PICTURE 0x40
#define HAS_LAYERS    0x20
#define FLEXIBLE      0x10
#define START         0x08
#define END           0x04
#define HAS_STRUCTURE 0x02
#define NOT_REFERRED  0x01
#define WIDE          0x80
#define REFERENCES    3

static void read_picture_id(struct cur *c, struct rtc_vp9 *v) {
    v->has_picture_id = true;
    v->picture_id = cur_u8(c);
    v->wide = (v->picture_id & WIDE) != 0;
    if (v->wide) {
        v->picture_id = (uint16_t)((v->picture_id & ~WIDE) << 8 | cur_u8(c));
    }
}

static void read_layers(struct cur *c, struct rtc_vp9 *v) {
    uint8_t b = cur_u8(c);
    v->has_layers = true;
    v->tid = b >> 5;
    v->switching_up = b >> 4 & 1;
    v->sid = b >> 1 & 7;
    v->inter_layer = b & 1;
    if (!v->flexible) {
        v->has_tl0 = true;
        v->tl0 = cur_u8(c);
    }
}

/* P_DIFF: the low bit says that another follows, three at most. */
static void skip_references(struct cur *c) {
    int n = 0;
    while (cur_u8(c) & 1) {
        if (++n == REFERENCES) {
            c->bad = true;
        }
    }
}

static void read_sizes(struct cur *c, struct rtc_vp9 *v) {
    for (unsigned i = 0; i < v->n_spatial; i++) {
        v->width[i] = cur_u16(c);
        v->height[i] = cur_u16(c);
    }
}

/* The pictures of a group: a byte each, which counts the references behind it. */
static void skip_group(struct cur *c) {
    uint8_t n = cur_u8(c);
    for (unsigned i = 0; i < n && !c->bad; i++) {
        cur_skip(c, cur_u8(c) >> 2 & 3);
    }
}

static void read_structure(struct cur *c, struct rtc_vp9 *v) {
    uint8_t b = cur_u8(c);
    v->n_spatial = (uint8_t)((b >> 5) + 1);
    if (b & 0x10) {
        read_sizes(c, v);
    }
    if (b & 0x08) {
        skip_group(c);
    }
}

bool rtc_vp9_parse(struct cur payload, struct rtc_vp9 *ret) {
    struct rtc_vp9 v = { 0 };
    struct cur c = payload;
    uint8_t first = cur_u8(&c);
    v.inter_picture = (first & INTER_PICTURE) != 0;
    v.flexible = (first & FLEXIBLE) != 0;
    v.start = (first & START) != 0;
    v.end = (first & END) != 0;
    v.not_referred = (first & NOT_REFERRED) != 0;
    if (first & HAS_PICTURE) {
        read_picture_id(&c, &v);
    }
    if (first & HAS_LAYERS) {
        read_layers(&c, &v);
    }
    if (v.flexible && v.inter_picture) {
        skip_references(&c);
    }
    if (first & HAS_STRUCTURE) {
        read_structure(&c, &v);
    }
    if (c.bad || cur_left(&c) == 0) {
        return false;
    }
    v.len = (uint16_t)(cur_left(&payload) - cur_left(&c));
    v.key_frame = v.start && !v.inter_picture && v.sid == 0 && !v.inter_layer;
    *ret = v;
    return true;
}

void rtc_vp9_rewrite(
    uint8_t *descriptor, const struct rtc_vp9 *vp9, uint16_t picture_id, uint8_t tl0) {
    uint8_t *p = descriptor + 1;
    if (vp9->has_picture_id && vp9->wide) {
        be16_put(p, (uint16_t)(WIDE << 8 | (picture_id & 0x7FFF)));
        p += 2;
    } else if (vp9->has_picture_id) {
        *p++ = picture_id & 0x7F;
    }
    if (vp9->has_tl0) {
        p[1] = tl0;
    }
}
