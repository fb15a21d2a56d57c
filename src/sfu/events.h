/*
 * What a worker may tell main: every message that comes back.
 *
 * Told in the order in which it happened, for one worker. An event about an object that main has
 * closed meanwhile may still arrive: who gets it looks the id up and drops what it does not know.
 * None is sent per packet.
 *
 * Thread: main gets them (sfu_told_fn); workers make them.
 */
#ifndef SFU_EVENTS_H
#define SFU_EVENTS_H

#include "core/mailbox.h"
#include "rtc/params.h"

#include <stdint.h>

/** Any object of the SFU: never 0, never used again. The top byte says which worker has it. */
typedef uint64_t sfu_id;

enum sfu_event_type {
    SFU_EVENT_TRANSPORT,    /* it connected, was lost, ended */
    SFU_EVENT_LAYER,        /* the SSRCs of a track's layer became known */
    SFU_EVENT_TRACK_LIVE,   /* the first packet of a track arrived */
    SFU_EVENT_TRACK_FAILED, /* it could not be made: there is none. (A room or participant that
                               could not tells it by its transports, which end.) */
    SFU_EVENT_SUBSCRIPTION, /* its first packet was sent, or it cannot be */
    SFU_EVENT_SPEAKERS,     /* of a room: whose voice has risen, fallen or ceased */
    SFU_EVENT_QUALITY,      /* of a participant: its connection is better or worse than was told */
    SFU_EVENT_STATS,        /* of a track or subscription, every SFU_STATS_US */
    SFU_EVENT_ANSWER,       /* of a participant: a message for the server, as it was awaited */
    SFU_EVENT_SEQUENCE,     /* the last reliable message of a participant, as asked for */
    SFU_EVENT_TYPES
};

enum sfu_transport_state {
    SFU_TRANSPORT_CONNECTED, /* keys are there: media flows */
    SFU_TRANSPORT_LOST,      /* nothing came for RTC_ICE_LOST_US; it may come back: CONNECTED */
    SFU_TRANSPORT_ENDED,     /* for good; the transport is gone */
};

enum sfu_end {
    SFU_END_NONE,
    SFU_END_SILENCE,     /* 5 s after LOST, or never connected in time */
    SFU_END_FINGERPRINT, /* the certificate is not the one that was promised */
    SFU_END_HANDSHAKE,   /* DTLS failed, or offered no profile of ours */
    SFU_END_CLOSED,      /* the peer said so (close_notify) */
    SFU_END_STALLED,     /* it did not take its reliable messages in time */
};

enum sfu_subscription_state {
    SFU_SUBSCRIPTION_STARTED, /* its first packet left */
    SFU_SUBSCRIPTION_PAUSED,  /* there is no room for it: nothing is sent … */
    SFU_SUBSCRIPTION_RESUMED, /* … and now there is again */
    SFU_SUBSCRIPTION_CODEC,   /* the subscriber takes no codec of the track */
    SFU_SUBSCRIPTION_ENDED,   /* its track ended, or was not there: the subscription is gone */
};

/* How well a participant is served; LOST is one that is not heard of at all, POOR at best one of
 * whose two connections that holds. */
enum sfu_quality {
    SFU_QUALITY_POOR,
    SFU_QUALITY_GOOD,
    SFU_QUALITY_EXCELLENT,
    SFU_QUALITY_LOST,
};

#define SFU_SPEAKERS_TOLD 8 /* of one event; where more have changed, another follows */
struct sfu_voice {
    sfu_id participant;
    uint8_t eighths; /* 1 … 8: how loud; 0 = speaks no more */
};

#define SFU_STATS_US 5000000 /* livekit-protocol.md, 5.11 */
/* What became of a stream since the last time. */
struct sfu_stats {
    sfu_id participant; /* whose connection that is */
    bool published;     /* a track of it, as it comes to us; else a subscription, as it goes out */
    bool video;
    int8_t layer;  /* the highest that comes, or the one that goes out; -1 = none */
    uint8_t score; /* 0 … 100, smoothed: livekit-protocol.md, 5.11 */
    float mos;     /* 1 … 4.5: of a voice by the E-model (rtc/emodel), of video by the score */
    uint32_t expected; /* packets */
    uint32_t lost;
    uint32_t bps; /* of payload */
    uint32_t jitter_ms;
    uint32_t rtt_ms;             /* 0 = not known */
    uint32_t freezes, freeze_ms; /* of what goes out: pictures that stood still */
    uint32_t spoken_ms;          /* of sound that comes: how long it was speech … */
    int8_t loudest_dbov;         /* … and its loudest moment: 0 to -127, which is silence */
};

#define SFU_REMOTE_MAX 60 /* "[ipv6]:port/tcp" */

struct sfu_event {
    struct mail mail;
    enum sfu_event_type type;
    sfu_id id; /* the room, participant, transport, track or subscription */
    union {
        struct {
            enum sfu_transport_state state;
            enum sfu_end end;            /* with ENDED */
            const char *profile;         /* with CONNECTED: the SRTP profile's name, static */
            char remote[SFU_REMOTE_MAX]; /* with CONNECTED: whom we talk to */
        } transport;
        struct {
            uint8_t layer;
            struct rtc_encoding encoding;
        } layer;
        enum sfu_subscription_state subscription;
        struct {
            uint8_t n;
            struct sfu_voice voices[SFU_SPEAKERS_TOLD]; /* the loudest first */
        } speakers;
        struct {
            enum sfu_quality quality;
            float mos; /* 1 … 4.5, what clients are told as the score */
        } quality;
        struct sfu_stats stats;
        struct {
            const uint8_t *bytes; /* a DataPacket; they lie behind the event */
            uint32_t len;
        } answer;
        uint32_t sequence; /* 0: none came */
    };
};

/** Borrows the event for the call. */
typedef void sfu_told_fn(void *arg, const struct sfu_event *event);

#endif
