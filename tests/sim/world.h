/*
 * A room of the SFU and its clients in virtual time: one worker that nobody's thread runs, a fake
 * network, clients with tracks and subscriptions. Signalling is a function call.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "connection.h"
#include "net.h"
#include "sfu/engine.h"
#include "sink.h"
#include "source.h"

#define WORLD_CLIENTS 32
#define WORLD_TRACKS  4  /* of a client */
#define WORLD_SINKS   64 /* of a client */

struct world_track {
    struct peer_source *source;
    sfu_id id;
    struct rtc_rtp_params params;
};

struct world_sink {
    struct peer_sink sink;
    sfu_id id; /* 0 = none */
    struct world_client *of;
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
    unsigned ended_subscriptions, started_subscriptions;
};

struct world {
    struct net net;
    int64_t now_us;
    struct sfu *sfu;
    struct media_worker *media;
    struct rtc_dtls_ctx *dtls; /* the clients' */
    struct rtc_seal *seal;
    sfu_id room;
    struct world_client clients[WORLD_CLIENTS];
    unsigned layers_told, live_told;
    uint32_t next_ssrc;
};

void world_init(struct world *w, uint64_t seed);
/** Checks that every object and every byte is gone. */
void world_finish(struct world *w);

/** A client comes; `i` is its place. Its connection opens when the world runs. */
struct world_client *world_join(struct world *w, unsigned i);
void world_leave(struct world_client *c);

/* What a track is like. */
struct world_kind {
    bool video;
    unsigned layers; /* 1 to 3; by RID when more than one */
    uint16_t first_seq;
    uint32_t first_ts;
    bool no_rtx;
    bool no_temporal;
};
struct world_track *world_publish(
    struct world_client *c, unsigned slot, const struct world_kind *kind);
void world_unpublish(struct world_client *c, unsigned slot);
struct peer_sink *world_subscribe(
    struct world_client *c, const struct world_track *track, const struct sfu_wanted *wanted);
void world_unsubscribe(struct world_client *c, struct peer_sink *sink);
void world_want(struct world_client *c, struct peer_sink *sink, const struct sfu_wanted *wanted);

/** Lets time pass. */
void world_run(struct world *w, int64_t for_us);

#endif
