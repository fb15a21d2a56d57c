/*
 * What a participant publishes: layers of packets that come in, and the list of who gets them. That
 * list is the only place that knows who listens.
 *
 * Thread: the room's worker. A packet costs no allocation.
 * See: livekit-protocol.md, 5.1 to 5.5; sfu.md.
 */
#ifndef SFU_TRACK_H
#define SFU_TRACK_H

#include "core/wheel.h"
#include "rtc/history.h"
#include "rtc/nack.h"
#include "rtc/receiver.h"
#include "sfu/control.h"
#include "sfu/keyframes.h"
#include "sfu/object.h"
#include "sfu/packet.h"
#include "sfu/rates.h"
#include "sfu/seen.h"
#include "sfu/speaker.h"
#include "sfu/svc.h"
#include "sfu/tally.h"

struct rtc_rtcp_sr;
struct sfu_subscription;
struct sfu_transport;
struct sfu_worker;

#define SFU_WATCH_US      250000  /* how often that is looked at, where there are several */
#define SFU_EXPIRE_US     1000000 /* how often old packets are let go */
#define SFU_LISTENERS_MAX 4096    /* of one track */

/* One SSRC of it, and what is kept of it. */
struct sfu_track_layer {
    struct rtc_receiver receiver;
    struct rtc_nack *nack;       /* where it was agreed upon */
    struct rtc_history *history; /* from its first packet */
    struct sfu_keyframes keyframes;
    struct sfu_seen seen;
    int64_t latest_us;       /* when the newest packet came; 0 = none yet */
    int64_t key_seq, key_us; /* of video, where the newest key frame begins; 0 = none */
    uint32_t key_ts;
    uint32_t ssrc, rtx_ssrc;
};

struct sfu_track {
    struct sfu_object object;
    /* What each packet touches, in a row, with its layer: sfu_track_expect. */
    struct sfu_worker *worker;
    struct sfu_transport *transport;
    const struct rtc_codec *codec; /* of the latest packet; the first one before that */
    struct sfu_subscription **listeners;
    uint32_t n_listeners, listeners_cap;
    uint32_t n_replays;       /* listeners who have not caught up */
    uint8_t n_layers, live;   /* live: a bit a layer */
    bool heard;               /* a packet has come */
    struct wheel_timer timer; /* NACKs, key frames, replays, which layers live */
    struct sfu_tally tally;
    /* And what it does not, or not all of it. */
    struct sfu_track *prev, *next; /* of the transport */
    struct sfu_track_config config;
    struct sfu_speaker speaker; /* of audio */
    struct sfu_rates rates;     /* of video */
    struct sfu_svc *svc;        /* from its first packet of VP9 or AV1 in a single stream */
    struct sfu_track_layer layers[RTC_ENCODINGS_MAX];
};

MUST_CHECK enum err sfu_track_create(struct sfu_worker *w, sfu_id id,
    struct sfu_transport *transport, const struct sfu_track_config *cfg);
/** With its subscriptions, which main is told of; the worker has flushed. */
void sfu_track_destroy(struct sfu_track *t);

/** ERR_INVALID (another kind, or number of layers), ERR_CONFLICT, ERR_LIMIT, ERR_NOMEM: then
 * nothing has changed. */
MUST_CHECK enum err sfu_track_change(struct sfu_track *t, const struct rtc_rtp_params *params);
void sfu_track_set_muted(struct sfu_track *t, bool muted);

#define SFU_TRACK_HOT 128 /* bytes from `worker` on that a packet touches */
/** Soon it takes a packet of this layer: so many tracks do that it is in no cache any more. */
static inline void sfu_track_expect(const struct sfu_track *t, unsigned layer) {
    const char *track = (const char *)&t->worker, *of = (const char *)&t->layers[layer];
    for (size_t i = 0; i < SFU_TRACK_HOT; i += 64) {
        __builtin_prefetch(track + i, 1);
    }
    for (size_t i = 0; i < sizeof(t->layers[layer]); i += 64) {
        __builtin_prefetch(of + i, 1);
    }
}

/** A packet of a layer: booked, kept, and handed to the listeners. `pkt` is borrowed.
 * @recovered  it came by RTX and is unwrapped already */
void sfu_track_take(struct sfu_track *t, unsigned layer, struct pkt *pkt, const struct rtc_rtp *rtp,
    bool recovered);
/** The SSRC of a layer became known. */
void sfu_track_bound(struct sfu_track *t, unsigned layer, uint32_t ssrc, bool rtx);
void sfu_track_reported(
    struct sfu_track *t, unsigned layer, const struct rtc_rtcp_sr *sr, int64_t now_us);

/** ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err sfu_track_listen(struct sfu_track *t, struct sfu_subscription *s);
void sfu_track_unlisten(struct sfu_track *t, struct sfu_subscription *s);
/** There is something to do for its timer. */
void sfu_track_wake(struct sfu_track *t);
/** A listener needs a key frame of this layer. */
void sfu_track_want_key(struct sfu_track *t, unsigned layer);

/* --- sfu/packet --- */

/** Reads everything but its number; false (and counted) when it is none of the track's. Borrows
 * `pkt`. */
bool sfu_track_read(
    struct sfu_track *t, struct pkt *pkt, const struct rtc_rtp *rtp, struct sfu_packet *ret);

/** The packet of this number, read as it would be now; false when it is not kept any more. */
bool sfu_track_recall(
    struct sfu_track *t, unsigned layer, int64_t seq, int64_t now_us, struct sfu_packet *ret);
/** Was this number let go, or never came while it could have? */
bool sfu_track_forgot(const struct sfu_track *t, unsigned layer, int64_t seq);

/** How many layers there are to choose from: streams, or those within the only one. */
static inline unsigned sfu_track_tiers(const struct sfu_track *t) {
    unsigned n = t->svc == NULL ? 0 : t->svc->n_spatial;
    return n <= t->n_layers ? t->n_layers : n < SFU_TIERS_MAX ? n : SFU_TIERS_MAX;
}

/** Reads the layers within a packet's stream into it, where there are any. `newest`: it has just
 * come. True when there are more or fewer of them now. */
bool sfu_track_layered(struct sfu_track *t, struct sfu_packet *p, bool newest);
/** What it sends, for the shares of its listeners. */
void sfu_track_supply(const struct sfu_track *t, struct sfu_supply *ret);

static inline bool sfu_track_is_video(const struct sfu_track *t) {
    return t->config.params.media == RTC_VIDEO;
}

#endif
