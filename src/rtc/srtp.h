/*
 * SRTP and SRTCP of one transport: one session for what we send, one for what we get. Keys are
 * derived once; packets are sealed and opened by the batch, by the engine of the thread (rtc/seal).
 *
 * Nothing here allocates after set-up, except under libsrtp2.
 *
 * Bytes of memory, out and in (tools/bench/seal measures them; a test holds mb to them):
 *
 *              GCM 128, 256       CM with SHA-1
 *     mb       1,231 and 239      415 and 447
 *     evp      1,430 and 1,520    910 and 1,010, most of it OpenSSL's contexts
 *     srtp2    18 kB each         30 kB each, and more with every SSRC
 *
 * and 208 for each SSRC that the incoming session has room for.
 *
 * Thread: a session belongs to the thread of its engine. No locks.
 * See: RFC 3711, RFC 7714; sfu.md, "Crypto by the batch"; decisions 7, 16 and 18.
 */
#ifndef RTC_SRTP_H
#define RTC_SRTP_H

#include "core/err.h"
#include "rtc/seal.h"
#include "rtc/srtp_keys.h"
#include "rtc/srtp_streams.h"

#include <stddef.h>
#include <stdint.h>

/** Bytes of an RTP head with its CSRCs and its extension, of either form; 0 when these are no RTP
 * packet, or the head is longer than `len`. */
size_t rtc_srtp_head_len(const uint8_t *packet, size_t len);

/* --- what we send --- */

struct rtc_srtp_out;
/** Borrows `seal` until it is destroyed; copies nothing of `master` that it does not need. */
MUST_CHECK enum err rtc_srtp_out_create(
    struct rtc_seal *seal, const struct rtc_srtp_master *master, struct rtc_srtp_out **ret);
void rtc_srtp_out_destroy(struct rtc_srtp_out *s);
/** Bytes of core/mem that it takes. */
size_t rtc_srtp_out_bytes(const struct rtc_srtp_out *s);

/*
 * The books of one SSRC that is sent: begins as zeros, lives in whatever sends (a subscription).
 * Exactly one for an SSRC and session, for as long as the session lives: a second one would begin
 * again at ROC 0 and use key streams twice. For the same reason a sequence number that is sent
 * again must carry the very same bytes; a resend with anything else in it is RTX's, which has an
 * SSRC of its own.
 */
struct rtc_srtp_sender {
    uint64_t next; /* highest index sent, plus one; 0 = none yet */
};

/* One packet for one listener. */
struct rtc_srtp_job {
    struct rtc_srtp_out *session;
    struct rtc_srtp_sender *sender;
    const uint8_t *body; /* plain, what follows the head; shared by as many jobs as like. Borrowed
                            for the call. */
    uint8_t *packet;     /* the listener's head stands here already; body and tag come behind it */
    uint16_t head_len, body_len;
    uint16_t room;   /* bytes of `packet`: needs head_len + body_len + RTC_SRTP_GROWTH at most */
    uint16_t len;    /* result: bytes to send, 0 unless the verdict is OK */
    uint8_t verdict; /* result: enum rtc_srtp_verdict: OK, MALFORMED, SPENT, NO_ROOM, FAILED */
};
/**
 * Seals each; gives how many are OK. All sessions must be of `seal`. Jobs of one SSRC come in the
 * order in which they are sent; a sequence number may be up to 32,767 behind or ahead of the SSRC's
 * highest. `body` may not overlap `packet`. A job that is refused leaves its sender as it was;
 * one that FAILED has used its number.
 */
size_t rtc_srtp_seal(struct rtc_seal *seal, struct rtc_srtp_job *jobs, size_t n);

/**
 * Seals an RTCP compound packet in place: `*len` bytes grow by up to RTC_SRTCP_GROWTH, within
 * `room`. One index runs through all SSRCs of the session: that is more than RFC 3711, 3.3 asks
 * for.
 */
enum rtc_srtp_verdict rtc_srtp_seal_rtcp(
    struct rtc_srtp_out *s, uint8_t *packet, size_t *len, size_t room);

/* --- what we get --- */

struct rtc_srtp_in;
/** `streams`: SSRCs to have room for, 1 to RTC_SRTP_STREAMS_MAX. Borrows `seal`. */
MUST_CHECK enum err rtc_srtp_in_create(struct rtc_seal *seal, const struct rtc_srtp_master *master,
    size_t streams, struct rtc_srtp_in **ret);
void rtc_srtp_in_destroy(struct rtc_srtp_in *s);
/** More room, when tracks are added; keeps what is known. ERR_LIMIT beyond RTC_SRTP_STREAMS_MAX. */
MUST_CHECK enum err rtc_srtp_in_reserve(struct rtc_srtp_in *s, size_t streams);
size_t rtc_srtp_in_bytes(const struct rtc_srtp_in *s);

/* One packet that came. */
struct rtc_srtp_got {
    struct rtc_srtp_in *session;
    uint8_t *packet;
    uint16_t len;      /* in: with the tag; out: without it when the verdict is OK */
    uint16_t head_len; /* result, when OK */
    uint8_t verdict;   /* result: OK, MALFORMED, FORGED, REPLAYED, OLD */
    uint64_t index;    /* result, when OK: roll-over counter and sequence number, 48 bits */
};
/**
 * Opens each in place; gives how many are OK. All sessions must be of `seal`; each packet has
 * memory of its own. What is in a refused packet is worth nothing. How packets are cut into batches
 * makes no difference, as long as a batch spans fewer than 32,768 sequence numbers of an SSRC.
 */
size_t rtc_srtp_open(struct rtc_seal *seal, struct rtc_srtp_got *got, size_t n);

/** Opens an RTCP packet in place: `*len` shrinks to the plain compound packet. */
enum rtc_srtp_verdict rtc_srtp_open_rtcp(struct rtc_srtp_in *s, uint8_t *packet, size_t *len);

#endif
