/*
 * Layers within one stream (VP9, AV1): what a track's packets say of them, and what a listener
 * needs who gets only some.
 *
 * Where packets carry a dependency descriptor it decides: the layers that a listener gets are a
 * decode target, and every frame says what it is to each target. So modes like L3T3_KEY, in which a
 * picture of the upper layer goes without those below, need no knowledge here. Without a descriptor
 * VP9's own head decides: all layers up to the chosen one are sent.
 *
 * Thread: the room's worker; pure, nothing allocates.
 * See: AV1 RTP, A; RFC 9628, 4.2; livekit-protocol.md, 5.1, 5.2.
 */
#ifndef SFU_SVC_H
#define SFU_SVC_H

#include "rtc/codec/av1.h"
#include "sfu/allocator.h"
#include "sfu/packet.h"

#define SFU_SPATIAL_ALL 7

/* The layers of one stream that somebody gets. */
struct sfu_cut {
    uint8_t spatial, temporal; /* the highest; SFU_SPATIAL_ALL, SFU_TEMPORAL_ALL */
};

/** 936 bytes a track. Zero it to begin. */
struct sfu_svc {
    struct rtc_av1_structure structure;
    uint32_t targets[RTC_AV1_SPATIAL_MAX][RTC_AV1_TEMPORAL_MAX]; /* of each cut, a bit each … */
    int8_t best[RTC_AV1_SPATIAL_MAX]
               [RTC_AV1_TEMPORAL_MAX]; /* … and the one that is sent; -1: none */
    int64_t since;                     /* the packet that the structure came with, and that said */
    int64_t active_at;                 /* which targets are sent */
    uint8_t n_spatial;                 /* layers; 0 = nothing is known yet */
    bool apart;                        /* some upper layer goes without a lower one's frames */
    uint16_t width[SFU_TIERS_MAX], height[SFU_TIERS_MAX]; /* 0 = not said */
};

/** Reads the layers of a packet of VP9 or AV1 into its frame. `newest`: a packet that is not a
 * resend of ours; what it says of the stream is noted. */
void sfu_svc_read(struct sfu_svc *s, struct sfu_packet *p, bool newest);

/** Does who gets these layers get this packet? */
bool sfu_svc_has(const struct sfu_svc *s, const struct sfu_packet *p, struct sfu_cut cut);
/** May who gets `from` go over to `to` behind this packet, which they get, since the frames to come
 * need nothing that they did not get? For more temporal layers of the same spatial one. */
bool sfu_svc_may_rise(
    const struct sfu_svc *s, const struct sfu_packet *p, struct sfu_cut from, struct sfu_cut to);
/** Does a picture end with this packet for them? */
bool sfu_svc_ends(const struct sfu_packet *p, struct sfu_cut cut);

/** The packet's descriptor as it is for them, who are told which decode targets they get. Gives the
 * bytes written, at most RTC_AV1_LEN_MAX; 0 = as it came. */
size_t sfu_svc_descriptor(const struct sfu_svc *s, const struct sfu_packet *p, struct sfu_cut cut,
    uint8_t ret[RTC_AV1_LEN_MAX]);

#endif
