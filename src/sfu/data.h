/*
 * Data messages: who sends what to whom in a room (livekit-protocol.md, 3.9).
 *
 *     a channel of one's transport -> may it? seen before? -> named anew (sfu/datapacket)
 *         -> kept for latecomers (sfu/data_cache) -> the channel of each who is meant
 *
 * Reliable messages are never dropped. Where a receiver's buffer is full they wait here, and
 * everybody who goes on sending into the room is not read from until that receiver has caught up:
 * SCTP's window then holds the sender itself up. A receiver that does not catch up within
 * SFU_DATA_STALL_US loses its transport (SFU_END_STALLED), so that one cannot hold up a room for
 * longer; but one of whom nothing at all is heard may be without network for a moment, so it is
 * waited for until ICE gives it up, without holding up anybody, within SFU_DATA_WAITING_MOST. Lossy
 * ones are dropped instead. A sender whose messages cost more than it may, counted in bytes that
 * leave us, is not read from until it may again.
 *
 * Thread: the room's worker.
 */
#ifndef SFU_DATA_H
#define SFU_DATA_H

#include "core/err.h"
#include "core/mem.h"
#include "core/wheel.h"
#include "sfu/control.h"
#include "sfu/data_cache.h"

struct sfu_channels;
struct sfu_participant;
struct sfu_room;

#define SFU_DATA_LOSSY_MOST                                                                        \
    (8 * KIB) /* waiting for a receiver; above that lossy ones are dropped */
#define SFU_DATA_PACKETS_MOST                                                                      \
    (64 * KIB) /* the same of data tracks: a frame comes as several packets of 16 kB at once */
#define SFU_DATA_STALL_US      (5 * SEC_US)
#define SFU_DATA_AWAY_US       (3 * SEC_US) /* of silence: no network */
#define SFU_DATA_WAITING_MOST  (2 * MIB)    /* of one receiver: what all senders had under way */
#define SFU_DATA_AWAITED_MOST  1000         /* messages of one participant for the server */
#define SFU_DATA_RATE          (16 * MIB)   /* bytes a second that a sender may cost us */
#define SFU_DATA_BURST         (4 * MIB)
#define SFU_DATA_MESSAGE_BYTES 300 /* what the smallest message costs beside its bytes */

/* A reliable message that waits for a receiver's buffer. */
struct sfu_data_waiting {
    struct sfu_data_waiting *next;
    size_t len;
    uint8_t bytes[];
};

/* Of a participant, from the first sfu_participant_data on. */
struct sfu_data {
    struct sfu_participant *participant;
    struct sfu_channels *down; /* where messages to it go; NULL: none yet */
    struct sfu_data_waiting *first, *last;
    struct wheel_timer timer; /* the earlier of what follows */
    size_t waiting;           /* bytes */
    int64_t stalled_us;       /* since when something has waited */
    int64_t since_us;         /* it was there from then on */
    int64_t credit_us;        /* up to when `credit` was counted */
    int64_t credit;           /* bytes it may cost; below 0 it is not read from */
    uint32_t awaited;         /* messages of it for the server, which main is told */
    uint32_t sequence;        /* of the last reliable message from it */
    bool away;                /* without network, as it seems: nobody is held up for it */
    bool held;                /* is not read from: a receiver is behind */
    struct sfu_data_config config;
};

enum err sfu_data_set(struct sfu_participant *p, const struct sfu_data_config *cfg);
/** The participant leaves. Takes NULL. */
void sfu_data_destroy(struct sfu_data *d);

/** A message of the participant's, borrowed for the call. */
void sfu_data_take(struct sfu_data *d, bool reliable, const uint8_t *bytes, size_t len);
/** A message that is nobody's, as it is to be received; borrowed for the call. What is no message
 * is counted and dropped. */
void sfu_data_say(struct sfu_room *r, bool reliable, const uint8_t *bytes, size_t len);
/** Its channels can be sent on now: what it has missed follows. */
void sfu_data_connected(struct sfu_data *d);
/** There is room in its buffer again. */
void sfu_data_writable(struct sfu_data *d);
/** Its transport for messages goes. */
void sfu_data_disconnected(struct sfu_data *d);
/** A packet of a data track to it, as it is to be received; dropped where there is no room. */
void sfu_data_send_packet(struct sfu_data *d, const uint8_t *bytes, size_t len);
/** So many bytes left us for what it sent. */
void sfu_data_pay(struct sfu_data *d, size_t bytes);
/** Is it read from? */
bool sfu_data_is_read(const struct sfu_data *d);

#endif
