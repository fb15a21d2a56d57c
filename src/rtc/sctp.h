/*
 * SCTP over DTLS (RFC 8261, RFC 8831): the association that carries a peer connection's data
 * channels. Packets come in as bytes, packets go out by a hook, whole messages come out by another.
 * usrsctp is this room's alone.
 *
 * usrsctp is one machine for the whole process, and this is how it lives with several threads:
 *
 * - Each thread has a door (rtc_sctp_door) and owns the associations it made. usrsctp locks inside,
 *   an association at a time, so doors do not wait for each other except for moments.
 * - Its timers are one list with one count of milliseconds, and two threads that drove it at once
 *   would break it. So whichever door finds that RTC_SCTP_TICK_US have passed takes an atomic flag
 *   and drives the timers of all; who finds it taken goes on. No thread is special, none waits.
 * - What a timer sends for another thread's association is copied to that door's mailbox, by
 *   number and never by address, so an association may be destroyed at any time. The door is
 *   woken. What an association sends on its own thread, which is nearly everything, goes out
 *   straight from usrsctp's buffer.
 * - Nobody ticks while nothing has come or gone for RTC_SCTP_BUSY_US anywhere: then no timer runs
 *   that could matter, since heartbeats and path MTU discovery are off (ICE says who is alive).
 *
 * So `now_us` drives all timers; only the measured round trip and the life of a handshake's cookie
 * (60 s) are taken from usrsctp's own clock. One thread of usrsctp's exists beside ours, and
 * sleeps.
 *
 * Streams: an association is made for `streams` each way, since usrsctp allocates all of those at
 * once (10 kB at 16, 115 kB at 1,024). Sending on a higher one asks the peer for more (RFC 6525);
 * for receiving the number is fixed when the association is made, usrsctp can do no other.
 *
 * Thread: as said; rtc_sctp_door_create and _destroy while no door's thread runs.
 * See: decision 7; livekit-protocol.md, 3.9, 4.9.
 */
#ifndef RTC_SCTP_H
#define RTC_SCTP_H

#include "core/clock.h"
#include "core/err.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "rtc/dtls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_SCTP_PORT         5000        /* both sides': a=sctp-port of every browser */
#define RTC_SCTP_STREAMS      16          /* of an association, each way, at first */
#define RTC_SCTP_STREAMS_MOST 1024        /* decision 7 */
#define RTC_SCTP_MESSAGE_MOST 65535       /* bytes, both ways: a=max-message-size */
#define RTC_SCTP_PACKET_MOST  1160        /* bytes to the `packet` hook: fits RTC_DTLS_APP_MOST */
#define RTC_SCTP_SEND_MOST    (192 * KIB) /* waiting or unacknowledged; usrsctp allows 227 KiB */
#define RTC_SCTP_CHUNKS_MOST                                                                       \
    4096 /* the same, in chunks and messages: small ones cost 400 bytes                            \
          */
#define RTC_SCTP_RECV_MOST  (192 * KIB) /* of messages that are not whole: the window we offer */
#define RTC_SCTP_DOORS_MOST 128         /* threads; the SFU has at most 64 workers */

/* usrsctp's shortest timer here is 200 ms, and a tick looks at those of all associations. */
#define RTC_SCTP_TICK_US   ((int64_t)50000)
#define RTC_SCTP_RTO_FIRST 500          /* ms, of a repetition; as Chrome's SCTP has them */
#define RTC_SCTP_RTO_LEAST 300          /* ms */
#define RTC_SCTP_RTO_MOST  2000         /* ms: soon again after ten seconds without network */
#define RTC_SCTP_TRIES     24           /* without an answer, then it is closed: over 40 s */
#define RTC_SCTP_BUSY_US   (4 * SEC_US) /* the longest a timer can wait is one RTO */

/* --- once a thread --- */

struct rtc_sctp_door;

/** `wake`, which may be NULL, is called by other threads when the door is to be ticked. Starts the
 * machine with the first. ERR_LIMIT: RTC_SCTP_DOORS_MOST. Gives *ret. */
MUST_CHECK enum err rtc_sctp_door_create(
    mailbox_wake_fn *wake, void *arg, struct rtc_sctp_door **ret);
/** All its associations are gone. Takes NULL. The last one stops the machine. */
void rtc_sctp_door_destroy(struct rtc_sctp_door *door);

/** Drives timers, sends what other threads' ticks have left here, tells what came of it. */
void rtc_sctp_tick(struct rtc_sctp_door *door, int64_t now_us);
/** When to tick next, unless woken; INT64_MAX = when something has been sent or fed. */
int64_t rtc_sctp_next_us(const struct rtc_sctp_door *door);

/* --- one association --- */

struct rtc_sctp;

enum rtc_sctp_state {
    RTC_SCTP_CONNECTING,
    RTC_SCTP_OPEN,
    RTC_SCTP_CLOSED, /* for good: by the peer, after RTC_SCTP_TRIES, or for a message too large */
};

struct rtc_sctp_message {
    const uint8_t *data; /* borrowed */
    size_t len;          /* 0 only where the protocol above has a sign for it: SCTP has none */
    uint32_t ppid;
    uint16_t stream;
    bool unordered;
    /* Sending only: */
    bool limited; /* send it at most `resends` times again (RFC 7496), else until it is there */
    uint16_t resends;
};

/* None may destroy an association. */
struct rtc_sctp_hooks {
    /** A packet of at most RTC_SCTP_PACKET_MOST bytes, borrowed for the call. Called in the middle
     * of usrsctp, with its locks held: must not call this room. */
    void (*packet)(void *arg, const uint8_t *data, size_t len);
    /** A whole message, borrowed for the call; sending is allowed. */
    void (*message)(void *arg, const struct rtc_sctp_message *m);
    /** OPEN, then CLOSED, or CLOSED alone. */
    void (*state)(void *arg, enum rtc_sctp_state state);
    /** Sending goes on: half of the buffer is free again, or there are more streams. Only after a
     * RTC_SCTP_FULL. */
    void (*writable)(void *arg);
    /** The peer has closed a stream: nothing more comes on it until it is opened again. */
    void (*reset)(void *arg, uint16_t stream);
};

struct rtc_sctp_config {
    uint16_t streams;                   /* 0 = RTC_SCTP_STREAMS */
    const struct rtc_sctp_hooks *hooks; /* borrowed as long as it lives */
    void *arg;
};

/** Begins at once, as both sides do (RFC 8831, 6.2 asks for no roles): the hook gets the first
 * packet within the call. ERR_NOMEM. Gives *ret. */
MUST_CHECK enum err rtc_sctp_create(struct rtc_sctp_door *door, const struct rtc_sctp_config *cfg,
    int64_t now_us, struct rtc_sctp **ret);
/** Says so to the peer (ABORT) unless it has closed. Takes NULL. */
void rtc_sctp_destroy(struct rtc_sctp *s);

/** Takes a packet, borrowed for the call. Garbage changes nothing. */
void rtc_sctp_feed(struct rtc_sctp *s, const uint8_t *data, size_t len, int64_t now_us);

enum rtc_sctp_sent {
    RTC_SCTP_SENT,    /* it will arrive, or as often tried as it was limited to */
    RTC_SCTP_FULL,    /* the buffer is, or streams are being added; `writable` will be told */
    RTC_SCTP_REFUSED, /* not open, empty or too large, a stream that the peer refused: never */
};
enum rtc_sctp_sent rtc_sctp_send(
    struct rtc_sctp *s, const struct rtc_sctp_message *m, int64_t now_us);

/** Closes our side of a stream (RFC 6525); the peer answers by closing its own: `reset`. */
void rtc_sctp_reset(struct rtc_sctp *s, uint16_t stream, int64_t now_us);

/** Stops reading, and goes on: meanwhile what the peer sends fills our window, and then waits
 * there. Thread: its own; also from a hook. */
void rtc_sctp_pause(struct rtc_sctp *s, bool paused);

enum rtc_sctp_state rtc_sctp_state(const struct rtc_sctp *s);
/** Bytes that are waiting or were not acknowledged yet. */
size_t rtc_sctp_buffered(const struct rtc_sctp *s);
/** The time that was told last, on its thread: what it is in a hook. */
int64_t rtc_sctp_now_us(const struct rtc_sctp *s);
/** Streams that can be sent on now. */
uint16_t rtc_sctp_streams(const struct rtc_sctp *s);

#endif
