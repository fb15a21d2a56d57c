/*
 * The payload descriptor of VP9 (RFC 9628, 4.2), in flexible and non-flexible mode.
 *
 *     |I|P|L|F|B|E|V|Z|     I picture id, P refers to others, L layers, F flexible, B/E begin and
 * end |M| PICTURE ID  |     of a layer frame, V scalability structure, Z not for upper layers | TID
 * |U| SID |D|     L |   TL0PICIDX   |     L, when not F | P_DIFF      |N|     F and P: up to three
 *     |      SS …     |     V
 *
 * The descriptor is in clear with end-to-end encryption too, and nothing behind it is read.
 * Thread: any; pure.
 */
#ifndef RTC_CODEC_VP9_H
#define RTC_CODEC_VP9_H

#include "core/cur.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_VP9_SPATIAL_MAX 8 /* RFC 9628, 4.2.1: three bits */

struct rtc_vp9 {
    uint16_t picture_id;
    uint16_t len; /* bytes of the descriptor */
    uint8_t tid;  /* layers; 0 where not said */
    uint8_t sid;
    uint8_t tl0;
    uint8_t n_spatial; /* of the scalability structure; 0 without */
    bool has_picture_id;
    bool wide; /* the picture id has 15 bits */
    bool has_layers, has_tl0;
    bool flexible;
    bool inter_picture; /* P: refers to other pictures */
    bool inter_layer;   /* D: refers to the layer below in this picture */
    bool switching_up;  /* U: from here on this temporal layer may be taken up */
    bool not_referred;  /* Z: no upper layer refers to it */
    bool start, end;    /* of a layer frame */
    bool key_frame;     /* the key picture begins here, with its lowest layer */
    uint16_t width[RTC_VP9_SPATIAL_MAX], height[RTC_VP9_SPATIAL_MAX]; /* 0 where not said */
};

/** Reads the descriptor at the front of a payload. False when it is cut, nothing follows it, or
 * more than three references are given. */
bool rtc_vp9_parse(struct cur payload, struct rtc_vp9 *ret);

/** Writes picture id and TL0PICIDX, each cut to its width, into a copy of the descriptor; those
 * that it does not hold stay away. */
void rtc_vp9_rewrite(
    uint8_t *descriptor, const struct rtc_vp9 *vp9, uint16_t picture_id, uint8_t tl0);

#endif
