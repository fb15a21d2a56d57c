/*
 * STUN messages of ICE (RFC 8489, RFC 8445, 7): binding requests and what answers them, both ways.
 *
 * Built on the codec that libnice exports, which only this room includes. What that codec leaves
 * open is closed here: it reads 20 bytes of a MESSAGE-INTEGRITY however short it is, compares MACs
 * in a time that depends on them, writes padding behind its buffer, and its agents weigh 12.8 kB.
 *
 * Nothing here allocates (libnice's HMAC does, inside GnuTLS, for the length of the call) and
 * nothing sets a sentence: this is the packet path.  Thread: any; pure.
 */
#ifndef RTC_STUN_H
#define RTC_STUN_H

#include "rtc/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_STUN_ID_SIZE      12   /* bytes; RFC 8489, 5 */
#define RTC_STUN_MOST         1280 /* bytes of a message we read; browsers send about 120 */
#define RTC_STUN_ANSWER_MOST  192  /* bytes: any answer of ours fits */
#define RTC_STUN_UNKNOWN_MOST 8    /* attributes that a 420 names */
#define RTC_STUN_NAME_MOST    513  /* characters of a USERNAME: two fragments and a colon */

enum rtc_stun_class {
    RTC_STUN_REQUEST,
    RTC_STUN_INDICATION,
    RTC_STUN_SUCCESS,
    RTC_STUN_FAILURE,
};

/* What can be said of a message before any cryptography. */
struct rtc_stun_head {
    enum rtc_stun_class class;
    uint8_t id[RTC_STUN_ID_SIZE];
    const char *ufrag; /* the first half of USERNAME: for requests the receiver's. Borrows the
                          message; no NUL; NULL where there is none */
    size_t ufrag_len;
};

/** A cheap look: is it a well-formed binding message, and for whom? Checks neither FINGERPRINT nor
 * MESSAGE-INTEGRITY; so that a flood costs a walk over its attributes and a look-up. */
bool rtc_stun_peek(const uint8_t *data, size_t len, struct rtc_stun_head *ret);

/* --- requests that come in --- */

enum rtc_stun_role { RTC_STUN_NO_ROLE, RTC_STUN_CONTROLLING, RTC_STUN_CONTROLLED };

struct rtc_stun_request {
    uint8_t id[RTC_STUN_ID_SIZE];
    enum rtc_stun_role role; /* the sender's */
    uint64_t tie_breaker;
    uint32_t priority;
    bool use_candidate;
    size_t n_unknown;
    uint16_t unknown[RTC_STUN_UNKNOWN_MOST]; /* what a 420 is about */
};

enum rtc_stun_verdict {
    RTC_STUN_OK,
    RTC_STUN_DROP,         /* not for us to answer: broken, no request, no or a wrong FINGERPRINT */
    RTC_STUN_BAD_REQUEST,  /* 400: without USERNAME, MESSAGE-INTEGRITY or PRIORITY */
    RTC_STUN_UNAUTHORIZED, /* 401: another USERNAME, or a wrong MAC */
    RTC_STUN_UNKNOWN,      /* 420: has attributes that must be understood and are not */
};

/* By what requests are judged. All borrowed for the call. */
struct rtc_stun_cred {
    const char *local;    /* our fragment */
    const char *remote;   /* theirs; NULL while they have not told us: then any is good */
    const char *password; /* ours: it signs their requests and our answers */
};

/** Judges a request. *ret is filled in with the verdict OK and UNKNOWN; its id also with
 * BAD_REQUEST and UNAUTHORIZED, for the answer. */
enum rtc_stun_verdict rtc_stun_check(const uint8_t *data, size_t len,
    const struct rtc_stun_cred *cred, struct rtc_stun_request *ret);

/* --- answers --- */

/** Success with XOR-MAPPED-ADDRESS = `mapped`. Gives its length; 0 when `cap` is below
 * RTC_STUN_ANSWER_MOST. */
size_t rtc_stun_write_success(const struct rtc_stun_request *r, const struct rtc_addr *mapped,
    const char *password, uint8_t *ret, size_t cap);

/** An error: 400, 401, 420 (naming r->unknown) or 487. `password` NULL leaves MESSAGE-INTEGRITY
 * out, as must be for 400 and 401 (RFC 8489, 9.1.3). Length as above. */
size_t rtc_stun_write_error(const struct rtc_stun_request *r, unsigned code, const char *password,
    uint8_t *ret, size_t cap);

/* --- the client: peers of tests and load, and discovery of our own public address --- */

struct rtc_stun_ask {
    uint8_t id[RTC_STUN_ID_SIZE]; /* random; the caller remembers it */
    const char *remote, *local;   /* USERNAME = remote:local; NULL both: no credentials at all */
    const char *password;         /* the remote one */
    enum rtc_stun_role role;      /* ours */
    uint64_t tie_breaker;
    uint32_t priority;
    bool use_candidate;
};

/** A binding request. Gives its length; 0 when it does not fit. */
size_t rtc_stun_write_request(const struct rtc_stun_ask *a, uint8_t *ret, size_t cap);

struct rtc_stun_response {
    bool success;
    unsigned code;          /* of a failure: 300 to 699; 0 = it names none */
    struct rtc_addr mapped; /* of a success: how the other side sees us (its `tcp` is 0) */
};

/** Is it the answer to the request `id`, and what does it say? `password` as in the request; NULL:
 * none was used, then nothing is proved. False: not ours, forged or broken. */
bool rtc_stun_read_response(const uint8_t *data, size_t len, const uint8_t id[RTC_STUN_ID_SIZE],
    const char *password, struct rtc_stun_response *ret);

#endif
