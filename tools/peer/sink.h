/*
 * Who receives a synthetic track (tools/peer/source) and checks all that a listener may rely on:
 * numbers without gaps, timestamps and picture ids that never go back, a key frame first and at
 * each change of layer, contents as they were sent. Asks for what is missing.  Thread: one owner.
 */
#ifndef TOOLS_PEER_SINK_H
#define TOOLS_PEER_SINK_H

#include "core/cur.h"
#include "rtc/nack.h"
#include "rtc/params.h"

#define PEER_SINK_SEEN 4096 /* numbers remembered, a bit each */

struct peer_content;
/* A packet with contents came, the first time; `key`: of video, a key frame begins with it. */
typedef void peer_took_fn(void *arg, const struct peer_content *c, bool key, int64_t now_us);

struct peer_sink_config {
    uint32_t ssrc, rtx_ssrc;
    uint8_t pt, rtx_pt;
    enum rtc_codec_type codec;
    uint32_t own_ssrc;  /* whom feedback comes from */
    peer_took_fn *took; /* is told too; NULL = nobody */
    void *took_arg;
};

struct peer_sink_stats {
    uint64_t packets, bytes;
    uint64_t padding;   /* packets without a payload, or of made-up silence */
    uint64_t recovered; /* came by RTX */
    uint64_t duplicates;
    uint64_t wrong;     /* contents are not what was sent */
    uint64_t strangers; /* another payload type, or no codec's head */
    uint64_t back;      /* the timestamp of a newer packet lies before an older one's */
    uint64_t picture_back, picture_jumps; /* VP8 picture ids that went back, or left some out */
    uint64_t not_key;                     /* a layer that did not begin with a key frame */
    uint64_t frames, keys, switches;
    uint64_t reports;            /* sender reports */
    int64_t first_us, latest_us; /* of the first and the newest packet with contents */
    uint32_t sent_us;            /* what that newest packet says (struct peer_content) */
    int layer;                   /* of the newest frame; -1 = none yet */
    uint8_t highest_tid;
    uint16_t track;
};

struct peer_sink {
    struct peer_sink_config cfg;
    struct peer_sink_stats stats;
    struct rtc_nack nack;
    uint64_t seen[PEER_SINK_SEEN / 64];
    int64_t base, highest; /* extended numbers */
    uint64_t unique;
    uint32_t ts;
    uint16_t picture_id;
    uint32_t sr_mid; /* the middle of the latest sender report's NTP time, and when it came */
    int64_t sr_us;
    uint32_t told_expected, told_lost; /* by the latest report block */
    bool any, any_frame;
    bool gap; /* since the newest frame began */
};

void peer_sink_init(struct peer_sink *s, const struct peer_sink_config *cfg);
/** A packet of its SSRC or RTX SSRC; changed in place where it is RTX. */
void peer_sink_take(struct peer_sink *s, uint8_t *packet, size_t len, int64_t now_us);
/** The same for one that was not opened: its head lies open, so numbers and timestamps are checked,
 * and nothing else. Not for RTX. */
void peer_sink_skim(struct peer_sink *s, const uint8_t *packet, size_t len, int64_t now_us);
void peer_sink_rtcp(struct peer_sink *s, struct cur datagram, int64_t now_us);
/** Writes what is due: NACK, and a PLI when it waits for a key frame. */
void peer_sink_feedback(struct peer_sink *s, struct wr *w, int64_t now_us);
struct rtc_rtcp_block;
/** What a receiver report says of it. False before anything came. */
bool peer_sink_block(struct peer_sink *s, int64_t now_us, struct rtc_rtcp_block *ret);
/** Numbers that never came, of all up to the newest. */
uint64_t peer_sink_missing(const struct peer_sink *s);
/** Everything that must be 0 whatever the network does: wrong, strangers, back, picture_back and
 * not_key. (A resend and its late original make a duplicate.) */
uint64_t peer_sink_faults(const struct peer_sink *s);

#endif
