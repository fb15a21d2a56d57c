/*
 * One participant: a WebSocket, a peer connection for what it publishes and one for what it
 * subscribes to, which is everything (livekit-protocol 8.1, and Janus' clients alike). Its media
 * come and go by tools/peer.  Thread: one owner.
 */
#ifndef TOOLS_LOAD_CLIENT_H
#define TOOLS_LOAD_CLIENT_H

#include "connection.h"
#include "describe.h"
#include "figures.h"
#include "janus.h"
#include "net.h"
#include "signal.h"
#include "sink.h"
#include "source.h"

#define LOAD_SINKS_MAX 128 /* tracks that a client listens to */
#define LOAD_SID_SIZE  32
#define LOAD_SSRCS     1024 /* slots of the table of their SSRCs: a power of two, mostly empty */

struct lk_keys;
struct load_door;

/* What all clients of a run share. */
struct load_shared {
    const struct load_door *door;
    const char *room;
    struct lk_keys *keys; /* NULL unless the door is keyed */
    bool silent;          /* nobody publishes anything */
    struct load_net *net;
    struct load_signals *signals;
    struct rtc_dtls_ctx *dtls;
    struct rtc_seal *seal;
    struct load_link **links; /* by their `end` */
    uint32_t n_links;
    uint32_t next_ssrc;
    uint16_t profile;       /* of SRTP */
    uint16_t audio_payload; /* bytes of a packet */
    uint16_t video_payload;
    uint16_t video_packets; /* of a frame */
    int64_t frame_us;
    unsigned sample; /* one of so many packets is opened and compared; 1 = each */
    bool burst;      /* a frame's packets leave at once */
    int64_t now_us;
    /* What has come. */
    uint64_t received, opened, forged, strangers, rtcp;
    struct load_samples late; /* one-way, of those that were opened while `measuring` */
    bool measuring;
    /* For peer connections, where clients have data channels (`sctp`); as tools/peer has them, and
     * `arg` is the struct load_link. */
    void (*data)(void *arg, struct rtc_channel *channel, const uint8_t *bytes, size_t len);
    void (*channel)(void *arg, struct rtc_channel *channel);
};

/* A peer connection and the place where it is reached. */
struct load_link {
    struct load_client *client;
    struct peer_connection *peer;
    struct rtc_ice_cred ours;
    struct rtc_ice_params theirs;
    struct rtc_dtls_params their_dtls;
    struct rtc_addr server; /* port 0 = not told yet */
    uint32_t end;
    bool described;
    bool lite;   /* we are the lite agent */
    bool needed; /* it must open before the client is there */
};

struct load_track {
    struct load_offered offered;
    struct peer_source *source;
    bool published; /* the server has named it */
};

struct load_sink {
    struct peer_sink sink;
    uint64_t seen;
    bool remb; /* the server wants estimates */
};

struct load_slot {
    uint32_t ssrc; /* 0 = free */
    uint32_t sink;
};

enum load_state { LOAD_AWAY, LOAD_JOINING, LOAD_JOINED, LOAD_FAILED };

struct load_client {
    struct load_shared *shared;
    char name[32];
    char why[128]; /* it failed */
    enum load_state state;
    struct load_signal *signal;
    struct load_link pub, sub;
    struct load_track tracks[LOAD_TRACKS_MAX];
    size_t n_tracks;
    struct load_sink *sinks; /* LOAD_SINKS_MAX */
    size_t n_sinks;
    struct load_slot slots[LOAD_SSRCS];
    char sids[LOAD_SINKS_MAX][LOAD_SID_SIZE]; /* tracks that it has asked for */
    size_t n_sids;
    bool met_tracks;            /* there were some to hear when it came */
    int64_t begun_us, first_us; /* first_us: of the first packet with media, 0 = none */
    int64_t ping_us, report_us;
    bool asking; /* something is missing that may be asked for */
    bool muted;
    bool deaf;                  /* listens to nobody */
    struct rtc_sctp_door *sctp; /* NULL: no data channels; borrowed */
    /* Instead of the one that its descriptions tell of: an impostor's. NULL: none; borrowed. */
    struct rtc_dtls_ctx *other_dtls;
    struct load_janus janus;
};

/** `audio`, `video`: what it publishes. It must stay in place. ERR_NOMEM. */
MUST_CHECK enum err load_client_init(
    struct load_client *c, struct load_shared *shared, unsigned number, bool audio, bool video);
void load_client_finish(struct load_client *c);

MUST_CHECK enum err load_client_join(struct load_client *c);
/** It cannot go on, and says why; the first reason stays. */
void load_client_fail(struct load_client *c, const char *why);
/** Its WebSocket is gone, which is as it should be once it has left. `arg` is the client. */
void load_client_lost(void *arg, const char *why);
/** Is everything that it publishes on its way? */
bool load_client_is_publishing(const struct load_client *c);
/** Has it joined, and are the connections open that it needs so far? */
bool load_client_is_open(const struct load_client *c);
/** Of how many tracks has media come? */
size_t load_client_hears(const struct load_client *c);
/** Sends no more media; answers and asks for resends as before. */
void load_client_mute(struct load_client *c);
/** Says good-bye; the messages wait in the socket. */
void load_client_leave(struct load_client *c);

/** Sends the media that are due: often. */
void load_client_send(struct load_client *c);
/** When media are due next; INT64_MAX = nothing is. */
int64_t load_client_next_us(const struct load_client *c);
/** Asks for what is missing: every few milliseconds. */
void load_client_tick(struct load_client *c);
/** Checks, handshakes, reports: as often while connections open, then less. */
void load_client_keep(struct load_client *c);

#endif
