/*
 * A worker without its thread: packets and a time in, packets out.
 *
 *     turn(datagrams, now):  messages -> demux, open, hand up -> timers -> end of turn
 *     flush(now):            seal and send what the turn (or a few of them) has gathered
 *
 * The thread with its sockets is media/loop; the simulator (tests/sim) calls the same two functions
 * with a network and a clock of its own. What is made of opened packets is the business of who
 * lives above (sfu/), registered as hooks.
 *
 * Nothing is destroyed while packets wait for it: hooks that destroy transports, sessions or
 * senders call media_worker_flush first, and do so in `messages` or `end_of_turn` only.
 *
 * Thread: the worker's.  See: sfu.md "What a worker does per turn".
 */
#ifndef MEDIA_WORKER_H
#define MEDIA_WORKER_H

#include "core/err.h"
#include "core/pkt.h"
#include "core/wheel.h"
#include "media/address_table.h"
#include "media/outbox.h"
#include "media/udp.h"
#include "rtc/demux.h"
#include "rtc/dtls.h"
#include "rtc/icelite.h"
#include "rtc/srtp.h"

struct media_transport;

/* Handshakes at a time: each holds 74 kB (decision 7) until it is finished or has failed, at most
 * half a minute. Who comes when there is no room repeats its flight, and waits a second or two. */
#define MEDIA_HANDSHAKES_MAX 512

enum media_state {
    MEDIA_CONNECTED, /* keys are there and a path: media flows */
    MEDIA_LOST,      /* silence; CONNECTED comes again when it ends */
    MEDIA_ENDED,     /* for good; nothing is sent or taken any more */
};

enum media_end {
    MEDIA_END_NONE,
    MEDIA_END_SILENCE,     /* 5 s after LOST, or no check in time */
    MEDIA_END_FINGERPRINT, /* the certificate is not the promised one */
    MEDIA_END_HANDSHAKE,   /* DTLS failed */
    MEDIA_END_CLOSED,      /* the peer said so (close_notify) */
};

/* All are called within a turn; `owner` is what the transport was created with. */
struct media_hooks {
    /** The mailbox, before packets are looked at. */
    void (*messages)(void *arg, int64_t now_us);
    /** An opened RTP packet; it stays the worker's, who keeps it takes a reference. */
    void (*rtp)(void *owner, struct pkt *pkt, const struct rtc_srtp_got *got);
    /** An opened RTCP compound packet; borrowed for the call. */
    void (*rtcp)(void *owner, const uint8_t *data, size_t len, int64_t now_us);
    /** Bytes of the data channel, decrypted; borrowed for the call. */
    void (*data)(void *owner, const uint8_t *data, size_t len, int64_t now_us);
    void (*state)(void *owner, enum media_state state, enum media_end end);
    /** Packets and timers are done. */
    void (*end_of_turn)(void *arg, int64_t now_us);
};

/* Why packets were dropped; each is a counter. */
enum media_drop {
    MEDIA_DROP_KIND,         /* nothing that we speak, or shorter than its head */
    MEDIA_DROP_NO_TRANSPORT, /* from a path, or for a fragment, that nobody has */
    MEDIA_DROP_CHECK,        /* a check that was refused or not understood */
    MEDIA_DROP_EARLY,        /* media before there are keys */
    MEDIA_DROP_DTLS,         /* not DTLS after all */
    MEDIA_DROP_MALFORMED,    /* no RTP or RTCP after all */
    MEDIA_DROP_FORGED,       /* its tag is wrong */
    MEDIA_DROP_REPLAYED,     /* seen before, or too old to tell */
    MEDIA_DROP_NO_PACKET,    /* the pool is exhausted */
    MEDIA_DROP_TOO_LONG,     /* longer than PKT_DATAGRAM: nothing that we speak is */
    MEDIA_DROPS
};
/** As a label: "no_transport", … */
const char *media_drop_name(enum media_drop why);
/** Of a packet that SRTP refused. */
enum media_drop media_drop_of(enum rtc_srtp_verdict verdict);

struct media_worker_stats {
    uint64_t packets, bytes; /* received */
    uint64_t drops[MEDIA_DROPS];
    uint64_t turns;
    uint64_t unsent;  /* datagrams that the sockets did not take */
    uint64_t busy_us; /* in turns; the loop's to count */
};

struct media_worker_config {
    size_t packets_bytes;      /* the most memory for packets */
    struct rtc_seal *seal;     /* takes */
    struct rtc_dtls_ctx *dtls; /* borrowed: the process's certificate */
    media_send_fn *send;       /* the sockets, or the simulator */
    void *send_arg;
    struct media_hooks hooks;
    void *hooks_arg;
    int64_t now_us;
};

/* Open to media/ and sfu/: they share one thread and one turn. */
struct media_worker {
    struct pkt_pool *pool;
    struct rtc_seal *seal;
    struct rtc_dtls_ctx *dtls;
    struct media_outbox *outbox;
    struct media_address_table table;
    struct wheel wheel;
    struct media_hooks hooks;
    void *hooks_arg;
    int64_t now_us; /* of the running turn */
    struct media_worker_stats stats;
    size_t n_transports;
    size_t n_handshakes; /* of DTLS, that are going on */
};

MUST_CHECK enum err media_worker_create(
    const struct media_worker_config *cfg, struct media_worker **ret);
/** All transports are gone already. Takes NULL. */
void media_worker_destroy(struct media_worker *w);

/** Takes the packets (n <= MEDIA_UDP_BATCH). */
void media_worker_turn(
    struct media_worker *w, const struct media_datagram *in, size_t n, int64_t now_us);
void media_worker_flush(struct media_worker *w);
/** When the next turn is due without packets; INT64_MAX = when there are some. */
int64_t media_worker_next_us(const struct media_worker *w);

#endif
