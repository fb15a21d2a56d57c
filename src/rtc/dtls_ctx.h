/*
 * What all transports of the process share: key, certificate, and OpenSSL's settings. For the rooms
 * of rtc/dtls alone.
 */
#ifndef RTC_DTLS_CTX_H
#define RTC_DTLS_CTX_H

#include "rtc/dtls.h"

#include <openssl/ssl.h>

/* "AB:CD:…" of the longest hash. */
#define RTC_DTLS_TEXT_SIZE (3 * RTC_HASH_MAX_BYTES)

struct rtc_dtls_ctx {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
    struct rtc_fingerprint fingerprint;
    char text[RTC_DTLS_TEXT_SIZE];
};

/* One row a profile that we speak, in order of preference. */
struct rtc_dtls_profile {
    uint16_t id;
    uint16_t material; /* bytes to export: two keys, two salts */
    const char *name;  /* OpenSSL's */
};
/** NULL for what we do not speak. */
const struct rtc_dtls_profile *rtc_dtls_profile_find(uint16_t id);

/** The hash of a certificate; false when libcrypto fails. */
bool rtc_dtls_hash(const X509 *cert, enum rtc_hash hash, uint8_t ret[RTC_HASH_MAX_BYTES]);

/** Called with each peer's certificate; 1 = go on, 0 = refuse. In rtc/dtls.c. */
int rtc_dtls_on_certificate(X509_STORE_CTX *store, void *arg);

#endif
