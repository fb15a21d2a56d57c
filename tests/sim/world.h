/*
 * A room of the SFU and its clients in virtual time: one worker that nobody's thread runs, a fake
 * network, clients with tracks and subscriptions. Signalling is a function call.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "connection.h"
#include "net.h"
#include "rtc/receiver.h"
#include "rtc/twcc.h"
#include "sfu/engine.h"
#include "sink.h"
#include "source.h"

#define WORLD_CLIENTS 32
#define WORLD_TRACKS  4  /* of a client */
#define WORLD_SINKS   64 /* of a client */

#define WORLD_EXT_TIME 5 /* the id of abs-send-time */
#define WORLD_EXT_WIDE 4 /* and of the transport-wide number */

struct world_track {
    struct peer_source *source;
    sfu_id id;
    struct rtc_rtp_params params;
    struct peer_source_config source_cfg;
    bool by_rid; /* its SSRCs were not described */
};

struct world_sink {
    struct peer_sink sink;
    struct rtc_receiver books; /* what came the first time: for reports */
    sfu_id id;                 /* 0 = none */
    struct world_client *of;
};

/* A receiver's estimate as browsers make it (draft-ietf-rmcat-gcc-02, 5.5): it falls below what
 * comes when packets wait, else it grows, to half as much again as what comes. */
struct world_estimate {
    unsigned growth_percent; /* a second; 0 = there is none */
    uint64_t bytes;          /* that came since the last report */
    int64_t reported_us;
    int64_t base_us,
        least_us; /* the least age of packets: ever, and since the last report; 0 = none */
};

struct world_client {
    struct world *world;
    struct peer_connection *peer;
    struct rtc_ice_path path;
    struct rtc_ice_cred ours;
    struct rtc_ice_cred servers;
    sfu_id participant, transport;
    struct world_track tracks[WORLD_TRACKS];
    struct world_sink sinks[WORLD_SINKS];
    int64_t report_us;
    enum sfu_transport_state state;
    enum sfu_end end;
    bool here, connected, dead; /* dead: says nothing any more */
    bool second;                /* another peer connection of somebody's */
    bool mute_reports;          /* sends no sender reports */
    bool deaf;                  /* sends no feedback: asks for nothing again */
    unsigned ended_subscriptions, started_subscriptions, refused_subscriptions;
    unsigned paused_subscriptions, resumed_subscriptions;
    bool wide; /* reports on transport-wide numbers; set it before it subscribes */
    struct rtc_twcc_rx arrivals;
    uint64_t remb_bps;              /* what it says that it can receive; 0 = says nothing of it */
    struct world_estimate estimate; /* or what it finds by itself */
    unsigned unknown;               /* packets of SSRCs that it has no track for */
    unsigned times_right, times_wrong; /* abs-send-time of packets */
    const char *profile;               /* of SRTP, as the SFU told */
    /* Takes its packets (and sees its RTCP) instead of tracks and sinks; NULL = nobody. */
    void (*raw)(void *arg, bool rtcp, const uint8_t *bytes, size_t len);
    void *raw_arg;
    /* Takes what comes by DTLS instead of the data channels; NULL = nobody. */
    void (*app)(void *arg, const uint8_t *data, size_t len);
    void *app_arg;
    /* Data messages: what came, and the channels to send on. */
    void (*got)(struct world_client *c, bool reliable, const uint8_t *bytes, size_t len);
    void *got_arg;
    struct rtc_channel *reliable, *lossy;
    bool opens_channels; /* once it is connected */
};

/* What was sent lately, to see that no number carries two different packets: with SRTP that would
 * use a key stream twice. */
#define WORLD_SENT 8192
struct world_sent {
    struct rtc_ice_path to;
    uint32_t ssrc;
    uint16_t seq;
    uint64_t sum;
};

struct world {
    struct net net;
    int64_t now_us;
    struct sfu *sfu;
    struct media_worker *media;
    struct rtc_dtls_ctx *dtls;     /* the clients' */
    struct rtc_dtls_ctx *promised; /* whose fingerprint is signalled instead; NULL = the same */
    bool passive;                  /* who joins leaves the handshake to us to begin */
    struct rtc_seal *seal;
    struct rtc_sctp_door *sctp; /* the clients' */
    uint32_t sequence;          /* that the SFU told last */
    sfu_id room;
    struct world_client clients[WORLD_CLIENTS];
    unsigned layers_told, live_told;
    uint32_t next_ssrc;
    struct world_sent sent[WORLD_SENT];
    uint64_t out, out_bytes; /* datagrams of the server */
    sfu_told_fn *also;       /* is told too; NULL = nobody */
    void *also_arg;
    uint64_t fail_nth; /* of each turn of the worker, this allocation fails; 0 = none */
    unsigned reused;   /* numbers that carried two different packets */
};

struct world *world_create(uint64_t seed);
/** Checks that every object and every byte is gone. */
void world_destroy(struct world *w);

/** A client comes; `i` is its place. Its connection opens when the world runs. */
struct world_client *world_join(struct world *w, unsigned i);
/** With one SRTP profile only (RTC_DTLS_GCM_128 …). */
struct world_client *world_join_with(struct world *w, unsigned i, uint16_t only_profile);
/** A second peer connection of `first`'s participant, as clients of the classic mode have it. */
struct world_client *world_join_beside(struct world *w, unsigned i, struct world_client *first);
void world_leave(struct world_client *c);

/* What a track is like. */
struct world_kind {
    bool video;
    enum { WORLD_USUAL, WORLD_H264, WORLD_RED } codec; /* usual: Opus and VP8 */
    unsigned layers;                                   /* 1 to 3; by RID when more than one */
    bool by_ssrc;                                      /* all layers, by their SSRCs */
    bool screen, muted, encrypted;
    uint16_t first_seq;
    uint32_t first_ts;
    bool no_rtx;
    bool no_temporal;
    uint16_t payload; /* bytes of a packet of video; 0 = 300. 30 pictures of 1, 2 and 4 packets */
};
struct world_track *world_publish(
    struct world_client *c, unsigned slot, const struct world_kind *kind);
void world_unpublish(struct world_client *c, unsigned slot);
struct peer_sink *world_subscribe(
    struct world_client *c, const struct world_track *track, const struct sfu_wanted *wanted);
/* A listener who is not like the publisher. */
struct world_listener {
    uint8_t pt, rtx_pt; /* 0 = the publisher's */
    bool no_rtx;
    bool only_opus; /* knows no RED */
    struct sfu_wanted wanted;
};
struct peer_sink *world_subscribe_as(
    struct world_client *c, const struct world_track *track, const struct world_listener *listener);
/** Parameters for sfu_track_update: the track's, as it was described. */
struct rtc_rtp_params world_described(const struct world_track *track);
/** The client's address changes, as behind a NAT that forgot it. */
void world_move(struct world_client *c);
/** Its source begins anew, under the same SSRCs. */
void world_resource(struct world_track *track, uint16_t first_seq, uint32_t first_ts);
/** ICE restart. */
void world_restart(struct world_client *c);
void world_unsubscribe(struct world_client *c, struct peer_sink *sink);
void world_want(struct world_client *c, struct peer_sink *sink, const struct sfu_wanted *wanted);

/** What a client's sources send: a peer_emit_fn. */
void world_emit(void *client, struct rtc_srtp_sender *sender, const uint8_t *packet,
    size_t head_len, size_t len);

/** Takes part in messages under this name, which is its sid too, with "PA_" before it; `ours`: the
 * SFU opens the channels, else the client. */
void world_data(struct world_client *c, const char *name, bool ours, bool down);

/* --- arrivals.c, for world.c --- */
void world_note_arrival(struct world_client *c, const uint8_t *packet, size_t len, int64_t now_us);
void world_report_arrivals(struct world_client *c);
/** Once a report: sets what it says. */
void world_estimate(struct world_client *c);

/** Lets time pass. */
void world_run(struct world *w, int64_t for_us);

#endif
