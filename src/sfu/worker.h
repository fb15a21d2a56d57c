/*
 * The SFU's half of a worker: its objects, what main asked for, and what it tells main.
 *
 *     messages -> objects are made, changed, ended
 *     a packet -> sfu/transport: whose layer? -> sfu/track: booked, kept -> each sfu/subscription
 *
 * Thread: the worker's; only sfu_worker_create and _destroy are called while it does not run.
 */
#ifndef SFU_WORKER_H
#define SFU_WORKER_H

#include "core/mailbox.h"
#include "media/worker.h"
#include "rtc/sctp.h"
#include "sfu/allocator.h"
#include "sfu/counters.h"
#include "sfu/load.h"
#include "sfu/message.h"
#include "sfu/object.h"

struct sfu_room;
struct sfu_transport;

/* Why packets of a known peer were dropped; each is a counter. */
enum sfu_drop {
    SFU_DROP_MALFORMED,      /* no RTP, or not what its codec's payload looks like */
    SFU_DROP_STRANGER,       /* an SSRC that belongs to no track */
    SFU_DROP_PAYLOAD_TYPE,   /* none that was agreed upon */
    SFU_DROP_STRAY,          /* a lone jump of its numbers */
    SFU_DROP_REPEATED,       /* it came before: by RTX, or late behind its resend */
    SFU_DROP_RTCP,           /* malformed RTCP */
    SFU_DROP_DATA_MALFORMED, /* no data message or packet, or too large with its sender's name */
    SFU_DROP_DATA_FORBIDDEN, /* one that this participant may not send */
    SFU_DROP_DATA_REPEATED,  /* one that came before */
    SFU_DROP_DATA_STRAY,     /* a packet of no data track of its sender's */
    SFU_DROPS
};
/** As a label: "stranger", … */
const char *sfu_drop_name(enum sfu_drop why);

struct sfu_worker_stats {
    uint64_t drops[SFU_DROPS];
    uint64_t packets_in, forwarded;             /* RTP, of tracks and to listeners */
    uint64_t resent, unknown_resends;           /* what listeners asked for again */
    uint64_t padded;                            /* packets of nothing, to find room */
    uint64_t asked_again;                       /* packets, of publishers, that did not come */
    uint64_t keyframes_asked, keyframes_wanted; /* of publishers; by listeners */
    uint64_t estimates, estimates_cut; /* reports of listeners; after which their room shrank */
    uint64_t data_sent, data_lost;     /* messages to participants; lossy ones without room */
    uint64_t messages_failed;          /* without memory, or about what is not possible */
};

struct sfu_worker {
    struct media_worker *media;
    struct mailbox inbox;
    struct mailbox *outbox; /* main's */
    struct sfu_registry registry;
    struct sfu_room *rooms;
    struct sfu_transport *ended; /* to be destroyed at the end of the turn */
    struct sfu_worker_stats stats;
    struct rtc_sctp_door *sctp;
    struct wheel_timer sctp_timer; /* the door's */
    struct sfu_claim *claims;      /* room for one transport's (sfu/share) */
    size_t claims_cap;
    size_t n_channels;                        /* transports that carry data */
    uint8_t data_room[RTC_SCTP_MESSAGE_MOST]; /* the message that is being forwarded */
    struct sfu_counters counters;
    struct sfu_load_told load;
    uint32_t random; /* state of sfu_worker_random */
};

/** Makes the objects' side; the caller creates `media` with sfu_worker_hooks() and the worker as
 * their argument, and sets it. `outbox` gets the events. */
MUST_CHECK enum err sfu_worker_create(struct mailbox *outbox, struct sfu_worker **ret);
/** Closes every room that is left, then frees messages that nobody read; `media` is the caller's to
 * destroy, afterwards. Takes NULL. */
void sfu_worker_destroy(struct sfu_worker *w);
extern const struct media_hooks sfu_worker_hooks;

/** A new event of this type about `id`, to be filled in and told; NULL without memory (then main
 * misses it: it is counted). */
struct sfu_event *sfu_worker_event(struct sfu_worker *w, enum sfu_event_type type, sfu_id id);
/** Takes the event. */
void sfu_worker_tell(struct sfu_worker *w, struct sfu_event *event);

/** Numbers that nobody needs to be surprised by: first sequence numbers, SSRCs of reports. */
uint32_t sfu_worker_random(struct sfu_worker *w);

#endif
