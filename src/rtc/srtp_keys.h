/*
 * The keys of SRTP: suites and their sizes, what a DTLS handshake exports, and what is derived from
 * it. Landlord of no library; the cipher of the derivation is rtc/seal_evp's.
 *
 * Thread: any; pure.  See: RFC 3711, 4.3; RFC 5764, 4.2; RFC 7714, 8 to 12.
 */
#ifndef RTC_SRTP_KEYS_H
#define RTC_SRTP_KEYS_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rtc_srtp_suite {
    RTC_SRTP_GCM_128,    /* AEAD_AES_128_GCM: first choice (decision 16) */
    RTC_SRTP_GCM_256,    /* AEAD_AES_256_GCM */
    RTC_SRTP_CM_SHA1_80, /* AES_CM_128_HMAC_SHA1_80 */
    RTC_SRTP_CM_SHA1_32, /* AES_CM_128_HMAC_SHA1_32: its RTCP has the tag of 80 bits */
    RTC_SRTP_SUITES
};

#define RTC_SRTP_KEY_MAX      32
#define RTC_SRTP_SALT_MAX     14
#define RTC_SRTP_AUTH_KEY     20 /* HMAC-SHA1's; RFC 3711, 5.2 */
#define RTC_SRTP_MATERIAL_MAX (2 * (RTC_SRTP_KEY_MAX + RTC_SRTP_SALT_MAX))

/* One row a suite. */
struct rtc_srtp_sizes {
    const char *name;  /* as IANA writes it; OpenSSL's "SRTP_…" names are the DTLS room's */
    uint16_t profile;  /* in the use_srtp extension */
    uint8_t key, salt; /* bytes, of the master and of what is derived */
    uint8_t tag;       /* bytes that SRTP adds */
    uint8_t rtcp_tag;  /* SRTCP adds these and RTC_SRTCP_INDEX */
    bool gcm;
};
#define RTC_SRTCP_INDEX  4  /* bytes: the E bit and 31 bits of index */
#define RTC_SRTP_GROWTH  16 /* bytes: the most that any suite adds to an RTP packet */
#define RTC_SRTCP_GROWTH 20 /* and to an RTCP packet */

const struct rtc_srtp_sizes *rtc_srtp_sizes(enum rtc_srtp_suite suite);
/** The suite of a DTLS-SRTP profile; false for those that we do not speak. */
bool rtc_srtp_suite_of(uint16_t profile, enum rtc_srtp_suite *ret);

/** Key and salt of one direction, as both ends have agreed. */
struct rtc_srtp_master {
    enum rtc_srtp_suite suite;
    uint8_t key[RTC_SRTP_KEY_MAX];
    uint8_t salt[RTC_SRTP_SALT_MAX];
};

/** Cuts them: client's key, server's key, client's salt, server's salt. */
void rtc_srtp_material_cut(enum rtc_srtp_suite suite, const uint8_t *material,
    struct rtc_srtp_master *ret_client, struct rtc_srtp_master *ret_server);

/** What RTP or RTCP of one direction is sealed with. `auth` is not used by GCM. */
struct rtc_srtp_session_keys {
    uint8_t key[RTC_SRTP_KEY_MAX];
    uint8_t salt[RTC_SRTP_SALT_MAX];
    uint8_t auth[RTC_SRTP_AUTH_KEY];
};
struct rtc_srtp_derived {
    enum rtc_srtp_suite suite;
    struct rtc_srtp_session_keys rtp, rtcp;
};
/** Derives with a key derivation rate of 0, once for the life of the keys. ERR_NOMEM when libcrypto
 * fails. The caller wipes both structs when done (explicit_bzero). */
MUST_CHECK enum err rtc_srtp_derive(
    const struct rtc_srtp_master *master, struct rtc_srtp_derived *ret);

#endif
