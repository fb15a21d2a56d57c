/*
 * One RTP packet of a track, read once for all who get it.  Thread: the room's worker.
 */
#ifndef SFU_PACKET_H
#define SFU_PACKET_H

#include "core/pkt.h"
#include "rtc/codec/av1.h"
#include "rtc/codec/frame.h"
#include "rtc/codec/vp8.h"
#include "rtc/rtp.h"
#include "rtc/rtpext.h"

struct sfu_packet {
    struct pkt *pkt; /* borrowed; begins with the RTP header, RTX is unwrapped */
    int64_t seq;     /* extended, of its layer */
    int64_t now_us;
    struct rtc_rtp rtp;
    struct rtc_rtpext ext;
    struct rtc_frame frame;
    struct rtc_vp8 vp8; /* of VP8 alone */
    struct rtc_av1 dd;  /* of layered frames, where `has_dd` */
    bool has_dd;
    const struct rtc_codec *codec;
    uint8_t layer;
};

#endif
