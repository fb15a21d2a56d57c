/*
 * H.264 packets (RFC 6184, 5): which units begin in one. Only the heads of units are read, which
 * end-to-end encryption leaves in clear (livekit-protocol.md, 5.13).
 *
 * A key frame begins with its parameters (SPS): a listener who starts at a bare IDR slice has
 * parameters of another layer, or none. Browsers send both in front of every IDR picture.
 * Thread: any; pure.
 */
#ifndef RTC_CODEC_H264_H
#define RTC_CODEC_H264_H

#include "core/cur.h"

#include <stdbool.h>

struct rtc_h264 {
    bool sps, pps;  /* parameters lie in it */
    bool idr;       /* a slice of an IDR picture begins in it */
    bool slice;     /* a slice of any picture begins in it */
    bool key_frame; /* the start of what a decoder can begin with: an SPS */
};

/** Reads single units, STAP-A, and FU-A. False when the payload is empty, cut, or of a packet type
 * that packetization modes 0 and 1 do not have. */
bool rtc_h264_parse(struct cur payload, struct rtc_h264 *ret);

#endif
