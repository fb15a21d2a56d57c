/*
 * DTLS 1.2 of one transport (RFC 6347, RFC 5764): proves by the certificate's fingerprint that the
 * peer is the one that signalling named, agrees on SRTP keys, and carries the data channel's bytes.
 * OpenSSL's DTLS is this room's alone.
 *
 * Datagrams and time come in as arguments, datagrams go out by rtc_dtls_out. OpenSSL's own timers,
 * which read a clock, are never due; a flight that was lost is sent again from here, its plain
 * records under new numbers. That is enough for a server (which we are, decision 16) with any
 * client. A client that loses the last flight of a server that is not ours may wait in vain: such a
 * server takes the repeated Finished, which keeps its number, for a replay; ours answers it.
 *
 * Memory: OpenSSL holds 69 kB an association during the handshake and 38.6 kB behind it, whatever
 * is asked of it (its buffers can be freed, its handshake's 21.9 kB cannot). So it is let go as
 * soon as the handshake is finished, and the records after it are rtc/dtls_record's: an idle
 * association is RTC_DTLS_IDLE_BYTES at most. What a peer sent ahead of its Finished is lost with
 * it.
 *
 * Thread: rtc_dtls_ctx may be shared by threads once it is made; an rtc_dtls belongs to one.
 */
#ifndef RTC_DTLS_H
#define RTC_DTLS_H

#include "core/clock.h"
#include "core/err.h"
#include "rtc/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_DTLS_MTU       1200 /* bytes of a datagram of ours; WebRTC's habit */
#define RTC_DTLS_MTU_LEAST 256  /* OpenSSL's least */
#define RTC_DTLS_APP_MOST                                                                          \
    (RTC_DTLS_MTU - 37) /* bytes to rtc_dtls_send: record head, nonce, tag                         \
                         */
#define RTC_DTLS_IDLE_BYTES 448

#define RTC_DTLS_RTO_US       (SEC_US / 4) /* first repetition; WebRTC's peers wait 50 to 1,000 ms */
#define RTC_DTLS_RTO_MOST_US  (4 * SEC_US)  /* it doubles up to here */
#define RTC_DTLS_LIMIT_US     (30 * SEC_US) /* a handshake that takes longer has failed */
#define RTC_DTLS_LINGER_US    (10 * SEC_US) /* a server's last flight is kept that long */
#define RTC_DTLS_REPEAT_US    (SEC_US / 20) /* and repeated no more often than this */
#define RTC_DTLS_BYTES_MOST   65536 /* of a peer's handshake, repetitions and all; 3,000 is usual */
#define RTC_DTLS_PACKETS_MOST 256   /* datagrams of it */
#define RTC_DTLS_EARLY_MOST                                                                        \
    8 /* encrypted ones before their keys: OpenSSL keeps 16 KiB for each                           \
       */
#define RTC_DTLS_RECORD_MOST 2048 /* bytes of a datagram that comes in */

/* --- once a process --- */

struct rtc_dtls_ctx;

/** Makes a new ECDSA P-256 key and its certificate. Errors: ERR_NOMEM. Gives *ret. */
MUST_CHECK enum err rtc_dtls_ctx_create(struct rtc_dtls_ctx **ret);
/** Every rtc_dtls of it must be gone. */
void rtc_dtls_ctx_destroy(struct rtc_dtls_ctx *ctx);

/** The certificate's SHA-256, to be told to peers. Borrowed from ctx. */
const struct rtc_fingerprint *rtc_dtls_ctx_fingerprint(const struct rtc_dtls_ctx *ctx);
/** The same as SDP writes it, "AB:CD:…". Borrowed from ctx. */
const char *rtc_dtls_ctx_text(const struct rtc_dtls_ctx *ctx);

/* --- one transport --- */

struct rtc_dtls;

enum rtc_dtls_state {
    RTC_DTLS_HANDSHAKE,
    RTC_DTLS_UNVERIFIED, /* the handshake is done, the peer's fingerprint not known yet */
    RTC_DTLS_OPEN,       /* the peer is who it should be: keys may be had, data flows */
    RTC_DTLS_CLOSED,     /* by close_notify, of either side */
    RTC_DTLS_FAILED,
};

enum rtc_dtls_why {
    RTC_DTLS_FINE,
    RTC_DTLS_FINGERPRINT, /* the certificate is not the one that was announced */
    RTC_DTLS_NO_SRTP,     /* no profile in common */
    RTC_DTLS_TIMEOUT,     /* RTC_DTLS_LIMIT_US */
    RTC_DTLS_REFUSED,     /* by the peer's alert, or by what it sent */
    RTC_DTLS_MEMORY,
    RTC_DTLS_WHY_COUNT
};

/* SRTP profiles as IANA numbers them, in our order of preference (decision 16), which wins. */
#define RTC_DTLS_GCM_128    0x0007
#define RTC_DTLS_GCM_256    0x0008
#define RTC_DTLS_CM_SHA1_80 0x0001

/** Takes decrypted bytes of the data channel. Must not destroy the rtc_dtls. */
typedef void rtc_dtls_app_fn(void *arg, const uint8_t *data, size_t len);

struct rtc_dtls_config {
    enum rtc_dtls_role role; /* ours: RTC_DTLS_CLIENT or RTC_DTLS_SERVER */
    uint16_t only_profile;   /* offer or accept only this one; 0 = all three */
    uint16_t mtu;            /* 0 = RTC_DTLS_MTU */
    rtc_dtls_app_fn *app;    /* may be NULL */
    void *arg;
};

/** Errors: ERR_NOMEM. Borrows ctx. Gives *ret. Time begins at now_us; a client's first flight is
 * ready at once. */
MUST_CHECK enum err rtc_dtls_create(struct rtc_dtls_ctx *ctx, const struct rtc_dtls_config *cfg,
    int64_t now_us, struct rtc_dtls **ret);
void rtc_dtls_destroy(struct rtc_dtls *d);

/** What the peer's certificate must be: one of these. May come after the handshake, once. */
void rtc_dtls_set_peer(struct rtc_dtls *d, const struct rtc_dtls_params *peer);

/** Takes a datagram, borrowed for the call. True when it proved to be the peer's: something was
 * decrypted, or the handshake has ended well. Garbage is counted and changes nothing. */
bool rtc_dtls_feed(struct rtc_dtls *d, const uint8_t *data, size_t len, int64_t now_us);

/** The next datagram to send, of `*ret_len` bytes; NULL = no more. Call until then after every
 * other call. Borrowed until the next call of any kind. */
const uint8_t *rtc_dtls_out(struct rtc_dtls *d, size_t *ret_len);

/** Repeats a flight, gives up, lets go of memory: whatever is due. */
void rtc_dtls_tick(struct rtc_dtls *d, int64_t now_us);
/** When to tick next; INT64_MAX = never. */
int64_t rtc_dtls_next_us(const struct rtc_dtls *d);

/** Encrypts up to RTC_DTLS_APP_MOST bytes as one datagram. False when it is not open, or memory is
 * gone: then nothing is sent, as if it had been lost. */
bool rtc_dtls_send(struct rtc_dtls *d, const uint8_t *data, size_t len);

/** Says good-bye (close_notify); nothing flows any more. */
void rtc_dtls_close(struct rtc_dtls *d);

enum rtc_dtls_state rtc_dtls_state(const struct rtc_dtls *d);
enum rtc_dtls_why rtc_dtls_why(const struct rtc_dtls *d);

#define RTC_DTLS_MATERIAL_MAX 92 /* bytes: twice the longest key and salt */
struct rtc_dtls_keys {
    uint16_t profile; /* RTC_DTLS_GCM_128 … */
    uint16_t len;
    uint8_t material[RTC_DTLS_MATERIAL_MAX]; /* client's key, server's key, client's salt, server's
                                                (RFC 5764, 4.2); the caller wipes it */
};
/** The keying material of SRTP, once: it is wiped here. ERR_CONFLICT while it is not open: nobody
 * has keys of a peer that was not verified. */
MUST_CHECK enum err rtc_dtls_keys(struct rtc_dtls *d, struct rtc_dtls_keys *ret);

struct rtc_dtls_stats {
    uint32_t garbage; /* datagrams that were no DTLS, did not decrypt, or were beyond a limit */
    uint32_t repeats; /* flights sent again */
};
struct rtc_dtls_stats rtc_dtls_stats(const struct rtc_dtls *d);

#endif
