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
    SFU_EVENT_SUBSCRIPTION, /* its first packet was sent, or it cannot be */
    SFU_EVENT_TYPES
};

enum sfu_transport_state {
    SFU_TRANSPORT_CONNECTED, /* keys are there: media flows */
    SFU_TRANSPORT_LOST,      /* nothing came for 10 s (decision 17); it may come back: CONNECTED */
    SFU_TRANSPORT_ENDED,     /* for good; the transport is gone */
};

enum sfu_end {
    SFU_END_NONE,
    SFU_END_SILENCE,     /* 5 s after LOST, or never connected in time */
    SFU_END_FINGERPRINT, /* the certificate is not the one that was promised */
    SFU_END_HANDSHAKE,   /* DTLS failed, or offered no profile of ours */
    SFU_END_CLOSED,      /* the peer said so (close_notify) */
};

enum sfu_subscription_state {
    SFU_SUBSCRIPTION_STARTED, /* its first packet left */
    SFU_SUBSCRIPTION_CODEC,   /* the subscriber takes no codec of the track */
    SFU_SUBSCRIPTION_ENDED,   /* its track ended; the subscription is gone */
};

#define SFU_REMOTE_MAX 60 /* "[ipv6]:port/tcp" */

struct sfu_event {
    struct mail mail;
    enum sfu_event_type type;
    sfu_id id; /* the transport, track or subscription */
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
    };
};

/** Borrows the event for the call. */
typedef void sfu_told_fn(void *arg, const struct sfu_event *event);

#endif
