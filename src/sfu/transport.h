/*
 * A participant's peer connection: which SSRC is whose, and the RTCP that goes both ways.
 *
 * A publisher's SSRC belongs to a layer of a track: named by its description, or learned from the
 * MID and RID that its first packets carry. A listener's SSRC is a subscription of ours.
 *
 * Thread: the room's worker.  See: livekit-protocol.md, 4.10, 5.3 to 5.6.
 */
#ifndef SFU_TRANSPORT_H
#define SFU_TRANSPORT_H

#include "media/transport.h"
#include "rtc/rtp.h"
#include "rtc/rtt.h"
#include "rtc/twcc.h"
#include "sfu/budget.h"
#include "sfu/object.h"
#include "sfu/share.h"

struct sfu_channels;
struct sfu_participant;
struct sfu_subscription;
struct sfu_track;
struct sfu_worker;

#define SFU_SSRCS_MAX         64  /* that one peer connection sends: ten videos of three layers */
#define SFU_TRACKS_MAX        32  /* of one transport */
#define SFU_SUBSCRIPTIONS_MAX 512 /* of one transport */

/* Whose packets an SSRC carries. */
struct sfu_binding {
    struct sfu_track *track;
    uint32_t ssrc;
    uint8_t layer;
    bool rtx;
};

/** 424 bytes; 16 for each SSRC that comes. Beside it: media/transport, SRTP (rtc/srtp.h), and SCTP
 * once it is used (sfu/channels). */
struct sfu_transport {
    struct sfu_object object;
    struct sfu_worker *worker;
    struct sfu_participant *participant;
    struct sfu_transport *prev, *next; /* of the participant */
    struct sfu_transport *next_ended;
    struct media_transport *media;
    struct sfu_track *tracks;
    struct sfu_subscription *subscriptions;
    struct sfu_subscription *by_ssrc; /* a map */
    struct sfu_binding *bindings;     /* n_ssrcs of them; only who publishes has any */
    struct sfu_channels *channels;    /* NULL: carries no data */
    struct sfu_budget budget;         /* of video, to the peer */
    struct sfu_share share;
    struct rtc_twcc_rx *twcc; /* once a track of it has agreed on transport-wide feedback */
    struct wheel_timer timer; /* reports and feedback */
    int64_t report_us;        /* when the next receiver report is due */
    int64_t rrtr_us;          /* when the peer's last RRTR came; 0 = none */
    uint32_t rrtr, rrtr_ssrc; /* the middle of its time, and whose it was */
    struct rtc_rtt rtt;       /* of our RRTRs: who only publishes gets no sender reports */
    uint32_t ssrc;            /* whom our feedback comes from */
    uint16_t n_ssrcs, ssrcs_cap, n_tracks, n_subscriptions;
    uint8_t ext[RTC_EXT_COUNT]; /* the ids agreed upon with the peer, of the whole bundle */
    bool lost;                  /* nothing comes at all; it may come back */
    bool ended;
};

MUST_CHECK enum err sfu_transport_create(struct sfu_worker *w, sfu_id id,
    struct sfu_participant *participant, const struct rtc_ice_cred *local);
/** With its tracks and subscriptions; the worker has flushed. */
void sfu_transport_destroy(struct sfu_transport *t);

/** The hooks of media/worker; `owner` is an sfu_transport. */
void sfu_transport_rtp(void *owner, struct pkt *pkt, const struct rtc_srtp_got *got);
void sfu_transport_rtcp(void *owner, const uint8_t *data, size_t len, int64_t now_us);
void sfu_transport_state(void *owner, enum media_state state, enum media_end end);

/** It ends for this reason: main is told at once, and at the end of the turn it goes. */
void sfu_transport_end(struct sfu_transport *t, enum sfu_end why);

/** Reports begin or go on: there is something to report about. */
void sfu_transport_wake(struct sfu_transport *t);

/* --- sfu/binding: whose SSRC --- */

/** Names the SSRCs of a track, as far as its parameters have them, and its extensions. ERR_LIMIT,
 * ERR_NOMEM, ERR_CONFLICT (an SSRC is another track's; nothing has changed). */
MUST_CHECK enum err sfu_transport_bind(struct sfu_transport *t, struct sfu_track *track);
void sfu_transport_unbind(struct sfu_transport *t, const struct sfu_track *track);
/** NULL: nobody's. A packet with MID or RID may name its SSRC for the first time. */
const struct sfu_binding *sfu_transport_whose(
    struct sfu_transport *t, const uint8_t *packet, const struct rtc_rtp *rtp);

/* --- sfu/reports: what we say by RTCP --- */

/** Everything that is due; gives when to call again, INT64_MAX = when woken. */
int64_t sfu_transport_report(struct sfu_transport *t, int64_t now_us);

#endif
