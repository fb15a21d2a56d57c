/*
 * What main may ask of the SFU: every message that goes to a worker, as a function.
 *
 * Nothing here waits and nothing answers: a call copies its arguments into a message and returns;
 * what came of it is told by sfu/events.h. Messages about one room are carried out in the order of
 * the calls. An id whose object has ended is no error: a message to it does nothing, since the
 * worker may have ended it a moment ago.
 *
 * A room lives on one worker for all its life, and with it all that belongs to it:
 *
 *   room > participant > transport (ICE + DTLS + SRTP of one peer connection)
 *                          > track (what it publishes: a layer an SSRC)
 *                          > subscription (what it receives of another's track)
 *                      > data track, data subscription (packets of no media, over any transport)
 *
 * Closing an object closes what lies below it; closing a track ends its subscriptions. SDP and
 * signalling are nobody's here: rtc/params.h is the whole vocabulary.
 *
 * Errors: ERR_NOMEM (nothing was sent). Thread: main.
 * See: sfu.md "One core, two doors"; layout.md "Threads are visible".
 */
#ifndef SFU_CONTROL_H
#define SFU_CONTROL_H

#include "core/err.h"
#include "rtc/candidate.h"
#include "rtc/icelite.h"
#include "rtc/params.h"
#include "sfu/events.h"

#include <uv.h>

struct sfu;

/** What is set once (settings rtc.*; decision 5). */
struct sfu_config {
    unsigned workers;  /* 0 = as many as the machine has cores */
    uint16_t udp_port; /* worker n listens on udp_port + n; 0 = the system's choice */
    uint16_t tcp_port; /* ICE-TCP, the same way; 0 = the system's choice */
    bool no_tcp;
    const struct sfu_address *addresses; /* at least one; borrowed for the call */
    size_t n_addresses;
    int64_t gather_us;    /* a busy worker may hold packets back so long to send runs of them */
    size_t packets_bytes; /* the most memory for packets, a worker */
    const char *seal;     /* "auto", or the implementation of rtc/srtp to use; borrowed */
};

/** One address to listen on, and what clients are told instead (NAT 1:1); both numeric. Several
 * with the same `local` are one socket that is announced several times. */
struct sfu_address {
    const char *local;
    const char *announced; /* NULL = local */
};

/** Binds every socket, then starts the threads. `told` gets the workers' news on `loop`, never
 * before sfu_start has returned. ERR_IO names the address and port that could not be had. */
MUST_CHECK enum err sfu_start(
    const struct sfu_config *cfg, uv_loop_t *loop, sfu_told_fn *told, void *arg, struct sfu **ret);
/** Ends all rooms and threads; waits for them. `told` is not called any more. Takes NULL. */
void sfu_stop(struct sfu *s);

unsigned sfu_workers(const struct sfu *s);
/** Which worker an object lives on: 0 … */
unsigned sfu_worker_of(sfu_id id);

/** How much worker i had to do in its last second; what waits in its pool of packets is kept for
 * resends. Of the last seconds: it may have changed meanwhile. */
struct sfu_load {
    unsigned rooms, busy_percent;
    size_t transports;
    size_t packets, packets_bytes; /* kept now; memory taken for packets */
};
void sfu_worker_load(const struct sfu *s, unsigned i, struct sfu_load *ret);

/** The certificate's, for every transport; role = server (decision 16). */
const struct rtc_dtls_params *sfu_dtls(const struct sfu *s);
/** Where transports of this room are reached, best first. Gives how many there are; at most `cap`
 * are written. */
size_t sfu_candidates(const struct sfu *s, sfu_id room, struct rtc_candidate *ret, size_t cap);

/* --- rooms and participants --- */

MUST_CHECK enum err sfu_room_open(struct sfu *s, sfu_id *ret);
void sfu_room_close(struct sfu *s, sfu_id room);
MUST_CHECK enum err sfu_participant_open(struct sfu *s, sfu_id room, sfu_id *ret);
void sfu_participant_close(struct sfu *s, sfu_id participant);

/* --- transports --- */

/** `local`: our credentials, which the caller has made (rtc/icelite) to tell the client at once.
 * The transport answers checks from now on. */
MUST_CHECK enum err sfu_transport_open(
    struct sfu *s, sfu_id participant, const struct rtc_ice_cred *local, sfu_id *ret);
/** The client's side, from its description; before that the handshake waits. Said again with other
 * fingerprints it ends the transport; with the same it does nothing. */
void sfu_transport_connect(struct sfu *s, sfu_id transport, const struct rtc_ice_params *remote,
    const struct rtc_dtls_params *dtls);
/** An ICE restart (RFC 8445, 9): new credentials of both sides; the old pair serves until the first
 * check with the new ones. Keys, SSRCs and roll-over counters stay. `remote` NULL: the client's
 * come later, with sfu_transport_connect. */
void sfu_transport_restart(struct sfu *s, sfu_id transport, const struct rtc_ice_cred *local,
    const struct rtc_ice_params *remote);
void sfu_transport_close(struct sfu *s, sfu_id transport);

/* --- data messages (livekit-protocol.md, 3.9) --- */

#define SFU_IDENTITY_MAX 256 /* bytes; a Matrix user and device have 80 */
#define SFU_SID_MAX      31

/** Who a participant is in messages, and what it may. */
struct sfu_data_config {
    char identity[SFU_IDENTITY_MAX + 1];
    char sid[SFU_SID_MAX + 1];
    bool may_publish, may_subscribe;
    bool hidden; /* its messages do not say who sent them */
    bool agent;  /* may send transcriptions */
};
/** Messages to and from it pass from now on; again after a change of permissions. */
void sfu_participant_data(struct sfu *s, sfu_id participant, const struct sfu_data_config *cfg);

/** The transport carries data channels, as its description says. `ours`: we open LiveKit's three
 * (the subscriber's transport of classic clients), else the client does. `down`: messages to the
 * participant go over this one; those from it come over any. */
void sfu_transport_data(struct sfu *s, sfu_id transport, bool ours, bool down);

#define SFU_DATA_MOST 65535 /* bytes of a message: what clients are told they may send */
/** A message of the server's own, as a client would get it, to all in the room who it is for.
 * Borrows the bytes for the call. ERR_TOO_LARGE over SFU_DATA_MOST; ERR_NOMEM. */
MUST_CHECK enum err sfu_room_send(
    struct sfu *s, sfu_id room, bool reliable, const uint8_t *bytes, size_t len);

/** Whoever a participant names like this is the server: no other participant gets the message. */
#define SFU_SERVER_PREFIX "RPC_"
/** So many more messages of the participant's for the server are told (SFU_EVENT_ANSWER); what
 * nobody awaits is not. */
void sfu_participant_await(struct sfu *s, sfu_id participant, unsigned answers);

/** Asks for the last reliable message that came from it: SFU_EVENT_SEQUENCE. */
void sfu_participant_ask_sequence(struct sfu *s, sfu_id participant);

/* --- data tracks (livekit-protocol.md, 3.11) --- */

/** Packets of the participant's that bear this handle, which no other data track of it has, are the
 * track's: from now on they go to who has subscribed to it. It must be one that may send messages.
 */
MUST_CHECK enum err sfu_data_track_open(
    struct sfu *s, sfu_id participant, uint16_t handle, sfu_id *ret);
void sfu_data_track_close(struct sfu *s, sfu_id track);
/** The participant, of the same room, gets the track's packets with this handle in them; no other
 * subscription of it has that. */
MUST_CHECK enum err sfu_data_subscription_open(
    struct sfu *s, sfu_id participant, sfu_id track, uint16_t handle, sfu_id *ret);
void sfu_data_subscription_close(struct sfu *s, sfu_id subscription);

/* --- tracks --- */

struct sfu_layer {
    uint16_t width, height; /* 0 = not said */
    uint32_t bps;           /* what the publisher means to send; 0 = not said */
};

struct sfu_track_config {
    /* As agreed upon: codecs (the wanted one first), extensions, encodings by SSRC or RID, lowest
     * layer first. */
    struct rtc_rtp_params params;
    struct sfu_layer layers[RTC_ENCODINGS_MAX];
    bool screen; /* a screen share */
    bool muted;
    bool encrypted; /* end to end: then nothing of ours is put into it */
};

MUST_CHECK enum err sfu_track_open(
    struct sfu *s, sfu_id transport, const struct sfu_track_config *cfg, sfu_id *ret);
/** After a renegotiation: parameters that may have changed (never the media kind). */
void sfu_track_update(struct sfu *s, sfu_id track, const struct rtc_rtp_params *params);
void sfu_track_mute(struct sfu *s, sfu_id track, bool muted);
void sfu_track_close(struct sfu *s, sfu_id track);

/* --- subscriptions --- */

/** What a subscriber wants of a track: UpdateTrackSettings, or a consumer's preferred layers. */
struct sfu_wanted {
    bool disabled;          /* send nothing */
    uint16_t width, height; /* pixels it is shown at; 0 = go by `spatial` */
    uint8_t spatial;        /* highest layer, 0 … 2 */
    uint8_t fps;            /* 0 = all */
    uint8_t priority;       /* 1 = first, 0 = as its kind */
    bool may_pause;         /* where there is no room, rather nothing than too much; video only */
};

struct sfu_subscription_config {
    sfu_id track;
    /* What the subscriber takes, as agreed upon: its payload types and extension ids;
     * encodings[0] has our SSRC and RTX SSRC, which no other subscription of the transport has. */
    struct rtc_rtp_params params;
    struct sfu_wanted wanted;
};

/** `transport` is of the same room as the track. Packets flow as soon as it is connected. */
MUST_CHECK enum err sfu_subscription_open(
    struct sfu *s, sfu_id transport, const struct sfu_subscription_config *cfg, sfu_id *ret);
void sfu_subscription_want(struct sfu *s, sfu_id subscription, const struct sfu_wanted *wanted);
void sfu_subscription_close(struct sfu *s, sfu_id subscription);

#endif
