/*
 * What a worker wants to send, gathered over a turn (or a few, when it is busy), then sealed and
 * sent peer by peer.
 *
 * A packet waits as a job: the listener's own head, and a reference to the body that all listeners
 * share. A flush walks the peers: a chunk of their packets is sealed by one call, straight into
 * slots that fit the cache, and leaves as runs (media/udp). So a fan-out touches each body once a
 * listener and copies nothing, except where a prefix differs (VP8's picture id after a switch of
 * layers, RTX's sequence number).
 *
 * Sessions, senders and outlets must outlive their jobs: who destroys one flushes first, and drops
 * what waits for a pacer (media/held).
 *
 * Thread: the worker's. Nothing here allocates after creation.  See: sfu.md, "Where the time goes".
 */
#ifndef MEDIA_OUTBOX_H
#define MEDIA_OUTBOX_H

#include "core/err.h"
#include "core/pkt.h"
#include "media/udp.h"
#include "rtc/bwe.h"
#include "rtc/pacer.h"
#include "rtc/srtp.h"

#define MEDIA_OUTBOX_JOBS 4096 /* packets that may wait; one more makes the box flush itself */
#define MEDIA_HEAD_MAX    192 /* bytes: head and extensions; a dependency structure has about 100 */
#define MEDIA_PREFIX_MAX  8   /* bytes: RTX's sequence number and VP8's descriptor */

struct media_job {
    struct rtc_srtp_out *session;
    struct rtc_srtp_sender *sender;
    struct pkt *pkt;             /* a reference, taken */
    uint32_t next;               /* the outlet's next job; the box's own */
    uint16_t body_off, body_len; /* in pkt->mem, behind what `prefix` replaces */
    uint16_t head_len;
    uint16_t sent_time_at; /* where in `head` the abs-send-time is written; 0 = nowhere */
    uint16_t wide_at;      /* the same of the transport-wide number, where the outlet counts */
    uint8_t prefix_len;
    uint8_t prefix[MEDIA_PREFIX_MAX];
    uint8_t head[MEDIA_HEAD_MAX];
};

/** Bytes on the network, without IP and UDP; with GCM's tag (that of AES-CM is 6 shorter). */
static inline size_t media_job_size(const struct media_job *job) {
    return (size_t)job->head_len + job->prefix_len + job->body_len + 16;
}

/* What waits of one peer's packets where they come in bursts; lies in its transport, apart from the
 * outlet, which each packet touches. `pacer` and `outlet` are its owner's. */
struct media_pace {
    struct rtc_pacer pacer; /* what is counted leaves by it: sound, which is not, overtakes it */
    struct media_outlet *outlet;
    struct media_pace *next; /* of those with waiting packets; the rest is the box's */
    uint32_t first, last;    /* waiting packets (media/held), plus one; 0 = none */
    bool holds;              /* it is in the box's list */
};

/* One peer's queue; lies in its transport. `open`, `to`, `bwe` and `pace` are its owner's. */
struct media_outlet {
    bool open; /* is there a path? What is queued for one that is closed is dropped */
    struct rtc_ice_path to;
    struct rtc_bwe *bwe;     /* borrowed: counts what leaves, transport-wide; NULL = nobody does */
    struct media_pace *pace; /* NULL = nothing has to wait, and nothing waits */
    struct media_outlet *next; /* the rest is the box's */
    uint32_t first, last;      /* jobs, plus one; 0 = none */
};

struct media_outbox_stats {
    uint64_t packets, bytes; /* handed to the sender, sealed size, without IP and UDP heads */
    uint64_t no_path;        /* dropped: the outlet was closed */
    uint64_t unsealed;       /* dropped: rtc_srtp_seal refused */
};

/** Runs to send, in order; borrowed for the call. */
typedef void media_send_fn(void *arg, const struct media_run *runs, size_t n);

struct media_outbox;
/** Borrows `seal`. Gives *ret. */
MUST_CHECK enum err media_outbox_create(
    struct rtc_seal *seal, media_send_fn *send, void *arg, struct media_outbox **ret);
/** Takes NULL; what still waits is dropped. */
void media_outbox_destroy(struct media_outbox *box);
const struct media_outbox_stats *media_outbox_stats(const struct media_outbox *box);

/** The next job of this peer, to be filled in whole before anything else is asked of the box
 * (`next` is set already). */
struct media_job *media_outbox_add(
    struct media_outbox *box, struct media_outlet *outlet, int64_t now_us);
/** A packet that is sent as it is: DTLS, sealed RTCP. Takes `pkt`. */
void media_outbox_add_plain(
    struct media_outbox *box, struct media_outlet *outlet, struct pkt *pkt, int64_t now_us);
/** The same to a path that is nobody's outlet: answers to checks. */
void media_outbox_add_loose(
    struct media_outbox *box, const struct rtc_ice_path *to, struct pkt *pkt, int64_t now_us);

/** Does something wait for a flush at this time? */
bool media_outbox_waits(const struct media_outbox *box, int64_t now_us);
/** When the next packet may leave that waits for its pacer; INT64_MAX = none does. */
int64_t media_outbox_next_us(const struct media_outbox *box);
/** What waits for the pacer is dropped: that of a sender, NULL = all of the outlet. Its owner is
 * about to go. */
void media_outbox_drop(
    struct media_outbox *box, struct media_outlet *outlet, const struct rtc_srtp_sender *sender);
/** Seals and sends everything but what must wait for a pacer. `now_us` becomes the packets'
 * abs-send-time. */
void media_outbox_flush(struct media_outbox *box, int64_t now_us);

#endif
