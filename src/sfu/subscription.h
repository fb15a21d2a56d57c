/*
 * What one participant receives of one track: chooses, rewrites, and hands to the transport.
 *
 * The listener sees one SSRC (and one for RTX) for the subscription's whole life, whatever layers
 * come and go.  Thread: the room's worker. A packet costs no allocation.
 * See: livekit-protocol.md, 5.1 to 5.7, 5.12.
 */
#ifndef SFU_SUBSCRIPTION_H
#define SFU_SUBSCRIPTION_H

#include "media/transport.h"
#include "rtc/rtcp.h"
#include "rtc/rtt.h"
#include "rtc/srtp.h"
#include "sfu/freezes.h"
#include "sfu/layers.h"
#include "sfu/object.h"
#include "sfu/packet.h"
#include "sfu/replay.h"
#include "sfu/rewriter.h"
#include "sfu/selector.h"
#include "sfu/silence.h"
#include "sfu/tally.h"

struct media_job;
struct rtc_rtp_head;
struct sfu_resends;
struct sfu_track;
struct sfu_transport;
struct sfu_worker;

/** 1,584 bytes, and 832 more where VP8's descriptors are rewritten. */
struct sfu_subscription {
    struct sfu_object object;
    /* What each packet touches, in a row: sfu_subscription_expect. */
    struct sfu_worker *worker;
    struct sfu_track *track;
    struct sfu_transport *transport;
    struct media_transport *media; /* the transport's */
    struct sfu_wanted wanted;
    struct sfu_allowance allowed; /* of what there is room for */
    struct sfu_selector selector;
    int8_t past_layer; /* sent before the last switch: late packets of it still go out; -1 = none */
    uint8_t past_temporal; /* the highest of it */
    struct sfu_replay replay;
    uint32_t ssrc, rtx_ssrc; /* as agreed upon with the listener, and what follows */
    uint8_t pts[RTC_CODEC_COUNT], rtx_pts[RTC_CODEC_COUNT]; /* RTC_NO_PT: not taken */
    struct rtc_rtpext_plan plan;
    uint16_t rtx_seq;
    bool repeats; /* it may ask for a packet again, and there is no RTX for that */
    bool reported;
    bool started;
    bool paused; /* there is no room for any of it */
    bool fresh;  /* there is a limit, and nobody has said yet what of it is this one's */
    uint32_t packets;
    uint64_t octets;
    struct rtc_srtp_sender sender;
    struct sfu_freezes freezes;
    struct sfu_tally tally;
    struct sfu_rewriter rewriter;
    struct sfu_layers layers; /* within the stream, where it has some */
    /* And what it does not. */
    struct sfu_subscription *prev, *next; /* of the transport */
    UT_hash_handle by_ssrc;               /* of the transport */
    uint32_t index;                       /* in the track's list */
    char cname[RTC_CNAME_MAX + 1], mid[RTC_MID_MAX + 1];
    struct sfu_silence silence;
    struct rtc_srtp_sender rtx_sender;
    struct sfu_resends *resends; /* from the first NACK */
    struct rtc_rtt rtt;
    uint32_t reported_seq; /* of the listener's latest report; extended by its own count */
    int32_t reported_lost;
    uint32_t reported_jitter; /* ticks */
    int64_t report_us;        /* when the next sender report is due */
};

/* Bytes from `worker` on that a packet touches. */
#define SFU_SUBSCRIPTION_HOT 448
/** Soon it takes a packet: one of hundreds is in no cache any more, and would be waited for line by
 * line. */
static inline void sfu_subscription_expect(const struct sfu_subscription *s) {
    const char *at = (const char *)&s->worker;
    for (size_t i = 0; i < SFU_SUBSCRIPTION_HOT; i += 64) {
        __builtin_prefetch(at + i, 1);
    }
}
/** The same of what it points to, once it is here itself. */
static inline void sfu_subscription_expect_more(const struct sfu_subscription *s) {
    media_transport_expect(s->media);
    if (s->rewriter.vp8 != NULL) {
        __builtin_prefetch(s->rewriter.vp8, 1);
        __builtin_prefetch((const char *)s->rewriter.vp8 + 64, 1);
    }
}

/** Of a track and a transport of one room. ERR_NOMEM, ERR_CONFLICT (the SSRC is another's),
 * ERR_INVALID (the listener takes no codec of the track). */
MUST_CHECK enum err sfu_subscription_create(struct sfu_worker *w, sfu_id id,
    struct sfu_transport *transport, struct sfu_track *track,
    const struct sfu_subscription_config *cfg);
/** The worker has flushed. */
void sfu_subscription_destroy(struct sfu_subscription *s);

/** A packet of the track. */
void sfu_subscription_pass(struct sfu_subscription *s, const struct sfu_packet *p);
/** The same as it comes: who is catching up gets it in its turn. */
static inline void sfu_subscription_take(struct sfu_subscription *s, const struct sfu_packet *p) {
    if (!sfu_replay_holds(&s->replay, p->layer, p->seq)) {
        sfu_subscription_pass(s, p);
    }
}
/** Chooses the layer anew: layers have changed. */
void sfu_subscription_aim(struct sfu_subscription *s);
/** The layer that the listener would get if all were sent and there were room. */
unsigned sfu_subscription_wish(const struct sfu_subscription *s);
void sfu_subscription_set(struct sfu_subscription *s, const struct sfu_wanted *wanted);
/** The layer that he gets; -1 = none. */
int sfu_subscription_layer(const struct sfu_subscription *s);
/** What there is room for (sfu/share); after a pause it begins again, with a key frame. */
void sfu_subscription_allow(struct sfu_subscription *s, struct sfu_allowance allowed);
void sfu_subscription_pause(struct sfu_subscription *s);
/** The transport came or was lost: what follows begins with a key frame. */
void sfu_subscription_restart(struct sfu_subscription *s);
/** A layer's source began anew; when that is what the listener gets, so does he. */
void sfu_subscription_lost(struct sfu_subscription *s, unsigned layer);

/** The listener misses these numbers, or needs a picture. */
void sfu_subscription_resend(
    struct sfu_subscription *s, const uint16_t *seqs, size_t n, int64_t now_us);
void sfu_subscription_want_key(struct sfu_subscription *s);
void sfu_subscription_reported(
    struct sfu_subscription *s, const struct rtc_rtcp_block *block, int64_t now_us);

/** Does a picture end with this packet, for this listener? */
bool sfu_subscription_marker(const struct sfu_subscription *s, const struct sfu_packet *p);
/** Can it be sent again as it was? Of a stream with layers in it heads say what was sent when;
 * where numbers are used again they must say nothing but what the publisher said. */
bool sfu_subscription_is_as_it_was(const struct sfu_subscription *s, const struct sfu_packet *p);

/** Main is told. */
void sfu_subscription_tell(struct sfu_subscription *s, enum sfu_subscription_state state);

/** Writes the head of a packet to the listener; elements of `from` are passed on, NULL = none. */
void sfu_subscription_head(const struct sfu_subscription *s, struct media_job *job,
    const struct rtc_rtp_head *head, const struct sfu_packet *from);

/** A packet without contents, by a number that would else stay a gap. */
void sfu_subscription_fill(struct sfu_subscription *s, uint16_t seq, uint32_t ts);

/** Sends a sender report when it is due. Gives when to call again. */
int64_t sfu_subscription_report(struct sfu_subscription *s, int64_t now_us);

#endif
