/*
 * The data channels of one peer connection (RFC 8831, RFC 8832) over rtc/sctp: channels are opened
 * by either side under a label, carry text and bytes, and are closed by resetting their stream.
 *
 * A channel is a stream of the association: the DTLS client takes even ones, the server odd ones.
 * An OPEN that comes on a stream of ours or on one in use, has too long a label, or is one too
 * many, is answered by resetting that stream; so is a broken one. Channels that were agreed upon
 * outside (negotiated: true) do not exist here.
 *
 * Thread: the association's.  See: livekit-protocol.md, 3.9.
 */
#ifndef RTC_DATACHANNEL_H
#define RTC_DATACHANNEL_H

#include "rtc/params.h"
#include "rtc/sctp.h"

#define RTC_CHANNELS_MOST      16 /* of a peer connection, both sides'; LiveKit's clients have three */
#define RTC_CHANNEL_LABEL_MOST 64 /* bytes; "_reliable" is usual */

/* What a message is said to be (RFC 8831, 8). */
enum rtc_ppid {
    RTC_PPID_DCEP = 50,
    RTC_PPID_TEXT = 51,
    RTC_PPID_BYTES = 53,
    RTC_PPID_TEXT_EMPTY = 56,
    RTC_PPID_BYTES_EMPTY = 57,
};

struct rtc_channels;

/* Read-only outside; lives until `closed` was told. */
struct rtc_channel {
    struct rtc_channels *channels;
    struct rtc_channel *next;
    void *owner; /* whoever holds the channel may put something here */
    uint16_t stream;
    uint16_t resends; /* when limited */
    bool unordered, limited;
    bool ours;    /* we have opened it */
    bool open;    /* may be sent on; ours, too, before the peer's ACK */
    bool acked;   /* the peer knows it; before that all is sent in order (RFC 8832, 6) */
    bool closing; /* by us; waits for the peer */
    bool due;     /* its OPEN or ACK has not been sent yet */
    char label[RTC_CHANNEL_LABEL_MOST + 1];
};

/* None may destroy the rtc_channels. */
struct rtc_channels_hooks {
    /** As rtc/sctp has it: called with locks held, must call nothing of the two rooms. */
    void (*packet)(void *arg, const uint8_t *data, size_t len);
    /** OPEN, then CLOSED, or CLOSED alone; then every channel has been told `closed`. */
    void (*state)(void *arg, enum rtc_sctp_state state);
    /** The peer has opened one, or one of ours that had to wait can be sent on. */
    void (*opened)(void *arg, struct rtc_channel *c);
    /** Borrowed for the call; may be empty. */
    void (*message)(void *arg, struct rtc_channel *c, bool text, const uint8_t *data, size_t len);
    /** By the peer, or at last by us; the channel is gone afterwards. */
    void (*closed)(void *arg, struct rtc_channel *c);
    /** After RTC_SCTP_FULL. */
    void (*writable)(void *arg);
};

struct rtc_channels_config {
    enum rtc_dtls_role role;                /* ours: RTC_DTLS_CLIENT or RTC_DTLS_SERVER */
    uint16_t streams;                       /* as in rtc_sctp_config */
    const struct rtc_channels_hooks *hooks; /* borrowed as long as it lives */
    void *arg;
};

/** Makes the association, which begins at once. ERR_NOMEM. Gives *ret. */
MUST_CHECK enum err rtc_channels_create(struct rtc_sctp_door *door,
    const struct rtc_channels_config *cfg, int64_t now_us, struct rtc_channels **ret);
/** Tells nothing. Takes NULL. */
void rtc_channels_destroy(struct rtc_channels *cs);
/** A packet of the association, borrowed for the call. */
void rtc_channels_feed(struct rtc_channels *cs, const uint8_t *data, size_t len, int64_t now_us);

struct rtc_channel_kind {
    const char *label; /* at most RTC_CHANNEL_LABEL_MOST bytes */
    bool unordered, limited;
    uint16_t resends; /* when limited */
};
/** Opens a channel of ours: now, or, when it is not `open` yet, as soon as can be (`opened`).
 * ERR_LIMIT, ERR_NOMEM, ERR_GONE. Gives *ret, which belongs to `cs`. */
MUST_CHECK enum err rtc_channel_open(struct rtc_channels *cs, const struct rtc_channel_kind *kind,
    int64_t now_us, struct rtc_channel **ret);
/** Nothing more is sent; `closed` comes when the peer agrees. */
void rtc_channel_close(struct rtc_channel *c, int64_t now_us);

/** As rtc_sctp_send; empty messages are allowed. */
enum rtc_sctp_sent rtc_channel_send(
    struct rtc_channel *c, bool text, const uint8_t *data, size_t len, int64_t now_us);

/** The oldest open channel of that label; NULL when there is none. */
struct rtc_channel *rtc_channels_find(const struct rtc_channels *cs, const char *label);
/** As rtc_sctp_pause: of all channels. */
void rtc_channels_pause(struct rtc_channels *cs, bool paused);
/** Bytes of all channels that wait or were not acknowledged. */
size_t rtc_channels_buffered(const struct rtc_channels *cs);
enum rtc_sctp_state rtc_channels_state(const struct rtc_channels *cs);

struct rtc_channels_stats {
    uint32_t strays;  /* messages on streams without a channel, or of a kind that nobody knows */
    uint32_t refused; /* channels that the peer could not open */
};
struct rtc_channels_stats rtc_channels_stats(const struct rtc_channels *cs);

#endif
