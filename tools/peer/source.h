/*
 * A synthetic track: packets that look like Opus (also in RED), VP8 or H264 and carry content that
 * a receiver can check (tools/peer/sink), in up to three simulcast layers with temporal layers, key
 * frames on request, resends by RTX, and sender reports. Time comes in as an argument.  Thread: one
 * owner.
 */
#ifndef TOOLS_PEER_SOURCE_H
#define TOOLS_PEER_SOURCE_H

#include "core/cur.h"
#include "core/err.h"
#include "rtc/params.h"
#include "rtc/srtp.h"

#define PEER_SOURCE_KEPT 512 /* packets of a layer that can be sent again */
#define PEER_FRAME_MAX   64  /* packets of one frame */

/*
 * What every payload begins with, behind the codec's own head; the rest is made of these numbers.
 *
 *     | magic 0xA7 | layer | track (16) | frame (32) | packet (16) | packets of the frame (16) |
 *     | when it was sent first: the lower half of the sender's microseconds (32)              |
 */
#define PEER_CONTENT_HEAD 16
#define PEER_H264_KEY     8  /* bytes in front of the content of a key frame */
#define PEER_RED_OLD      20 /* bytes of the older Opus packet in each of RED */
struct peer_content {
    uint8_t layer;
    uint16_t track;
    uint32_t frame;
    uint16_t packet, packets;
    uint32_t sent_us;
};
void peer_content_write(const struct peer_content *c, uint8_t *ret, size_t len);
/** False when it is not exactly what peer_content_write wrote. */
bool peer_content_read(const uint8_t *data, size_t len, struct peer_content *ret);

struct peer_source;
typedef void peer_emit_fn(
    void *arg, struct rtc_srtp_sender *sender, const uint8_t *packet, size_t head_len, size_t len);

struct peer_source_config {
    struct rtc_rtp_params params; /* codecs[0] is sent; encodings: layers, by SSRC (and RID) */
    uint16_t track;               /* told in the content */
    uint16_t first_seq;           /* of every layer, to be near a wrap-around */
    uint32_t first_ts;
    int64_t frame_us;                    /* between frames (video), or packets (audio) */
    uint16_t payload;                    /* bytes of a packet's payload */
    uint16_t packets[RTC_ENCODINGS_MAX]; /* of a frame, a layer each */
    bool pace;                           /* spread a frame's packets over its time */
    bool temporal;                       /* three temporal layers: 0 2 1 2 */
    peer_emit_fn *emit;
    void *arg;
    int64_t now_us;
};

MUST_CHECK enum err peer_source_create(
    const struct peer_source_config *cfg, struct peer_source **ret);
void peer_source_destroy(struct peer_source *s);
/** The source follows another under the same SSRCs: SRTP's books go on, which begin once for an
 * SSRC and session. */
void peer_source_adopt(struct peer_source *s, const struct peer_source *before);
void peer_source_tick(struct peer_source *s, int64_t now_us);
int64_t peer_source_next_us(const struct peer_source *s);
/** Stops and goes on; a layer by its bit, all when muted. */
void peer_source_set_layers(struct peer_source *s, unsigned mask);
/** How loud an audio source says it is, -dBov: 20 at first, 127 = silent. */
void peer_source_set_level(struct peer_source *s, uint8_t level);

/** An RTCP packet from the receiver: NACK, PLI and FIR about our SSRCs. */
void peer_source_rtcp(struct peer_source *s, struct cur datagram);
/** Writes sender reports, with SDES, of each layer that has sent something. */
void peer_source_report(struct peer_source *s, struct wr *w, int64_t now_us);

struct peer_source_stats {
    uint64_t packets, resent, frames;
    uint32_t keys_asked;
};
const struct peer_source_stats *peer_source_stats(const struct peer_source *s);

#endif
