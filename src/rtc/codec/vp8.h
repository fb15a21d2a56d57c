/*
 * The payload descriptor of VP8 (RFC 7741, 4.2), and the few bytes behind it that say "key frame".
 *
 *     |X|R|N|S|R| PID |      X: the extension byte follows; S: a partition begins here
 *     |I|L|T|K| RSV   |      which of these follow:
 *     |M| PictureID   |      I: 7 bits, or 15 with M
 *     |  PictureID    |
 *     |   TL0PICIDX   |      L
 *     |TID|Y| KEYIDX  |      T or K
 *
 * With end-to-end encryption the descriptor is in clear, and so are the frame's first bytes (3 of a
 * delta frame, 10 of a key frame: livekit-protocol.md, 5.13), which are all that is read here.
 * Thread: any; pure.
 */
#ifndef RTC_CODEC_VP8_H
#define RTC_CODEC_VP8_H

#include "core/cur.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_VP8_LEN_MAX 6 /* bytes of a descriptor */

struct rtc_vp8 {
    uint16_t picture_id;
    uint16_t width, height; /* of key frames; 0 otherwise, or where they are not in this packet */
    uint16_t len;           /* bytes of the descriptor */
    uint8_t tl0;
    uint8_t keyidx;
    uint8_t tid;         /* temporal layer; 0 where not said */
    bool has_picture_id; /* what the descriptor holds */
    bool wide;           /* the picture id has 15 bits */
    bool has_tl0, has_tid, has_keyidx;
    bool layer_sync; /* Y: from here on this temporal layer needs only the lowest */
    bool disposable; /* N: no other frame refers to this one */
    bool start;      /* the frame begins here */
    bool key_frame;  /* and it is a key frame */
};
_Static_assert(sizeof(struct rtc_vp8) == 20, "no padding: tests compare it as bytes");

/** Reads the descriptor at the front of a payload. False when it is cut or nothing follows it. */
bool rtc_vp8_parse(struct cur payload, struct rtc_vp8 *ret);

/** What a descriptor should say instead, for a listener whose layers were switched. Each value is
 * cut to the width of its field; fields that the descriptor does not hold stay away. */
struct rtc_vp8_ids {
    uint16_t picture_id;
    uint8_t tl0;
    uint8_t keyidx;
};
/** Writes the ids into a copy of the descriptor that `vp8` was read from; its length stays. */
void rtc_vp8_rewrite(uint8_t *descriptor, const struct rtc_vp8 *vp8, const struct rtc_vp8_ids *ids);

#endif
