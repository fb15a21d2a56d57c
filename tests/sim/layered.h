/*
 * A stream with its layers within (VP9, AV1) and who watches it: every frame says which others it
 * needs, so that the watcher knows whether a decoder could go on.
 */
#ifndef TESTS_SIM_LAYERED_H
#define TESTS_SIM_LAYERED_H

#include "rtc/codec/av1.h"
#include "world.h"

#define LAYERED_SPATIAL  3
#define LAYERED_PICTURES 64 /* that are remembered */

struct layered_kind {
    enum rtc_codec_type codec; /* RTC_VP9, RTC_AV1 */
    unsigned spatial;          /* layers; three temporal ones each, 0 2 1 2 */
    bool apart;                /* upper layers need lower ones at key frames only: L3T3_KEY */
    bool descriptor;           /* dependency descriptors; AV1 needs them */
};

#define LAYERED_KEPT 512 /* packets that can be sent again, or wait for those before them */
struct layered_packet {
    int64_t came_us; /* 0 = none */
    uint16_t seq, head_len, len;
    uint8_t bytes[1400];
};

/* The publisher. */
struct layered_source {
    struct layered_kind kind;
    struct world_client *c;
    struct rtc_srtp_sender sender, rtx_sender;
    struct layered_packet *kept; /* NULL = nothing is sent again */
    sfu_id id;
    uint32_t rtx_ssrc;
    uint16_t rtx_seq;
    uint32_t ssrc, ts, picture;        /* from 1 */
    uint32_t last[LAYERED_SPATIAL][2]; /* of each layer: the latest pictures of temporal 0 and 1 */
    uint16_t seq, frame;
    bool key_wanted;
    unsigned keys;
    unsigned sent_spatial; /* layers that are sent now */
};

/* The subscriber. */
struct layered_sink {
    struct world_client *c;
    sfu_id id;
    uint32_t ssrc, rtx_ssrc;
    struct layered_packet *waiting; /* NULL = nothing is lost */
    struct rtc_nack nack;
    uint8_t pt;
    unsigned lost; /* given up */
    bool broken;   /* something was since the last key frame */
    uint32_t pictures[LAYERED_SPATIAL][LAYERED_PICTURES]; /* that came whole, by number */
    uint32_t ts;
    uint16_t seq;
    bool any, open; /* open: the picture of `ts` has not ended */
    int spatial;    /* of the newest packet's picture: the highest layer */
    unsigned ended; /* pictures */
    unsigned gaps, undecodable, unended, strange;
    unsigned by_temporal[3], told; /* told: descriptors that say which targets there are */
    uint64_t bytes;
    struct rtc_av1_structure structure;
};

void layered_publish(
    struct layered_source *s, struct world_client *c, const struct layered_kind *k);
void layered_subscribe(
    struct layered_sink *sink, struct world_client *c, const struct layered_source *s);
/** From now on it sends again what is asked for; the sink asks, and takes packets in their order.
 * Until layered_give_up. */
void layered_mend(struct layered_source *s, struct layered_sink *sinks[], size_t n);
void layered_give_up(struct layered_source *s, struct layered_sink *sinks[], size_t n);
/** Sends pictures for so long, 30 a second, and lets the world run. */
void layered_run(struct world *w, struct layered_source *s, int64_t for_us);
/** The subscriber says how much it can receive. */
void layered_remb(struct layered_sink *sink, uint64_t bps);

#endif
