/*
 * The encrypted records of a finished handshake, without OpenSSL's DTLS: that keeps 38.6 kB for an
 * idle association, this is RTC_DTLS_RECORD_BYTES. Keys are derived as RFC 5246, 6.3 says; AES-GCM
 * only (RFC 5288), since that is all we negotiate.  Thread: the transport's.
 *
 *   type(1) version(2) epoch(2) sequence(6) length(2) | nonce(8) | ciphertext | tag(16)
 */
#ifndef RTC_DTLS_RECORD_H
#define RTC_DTLS_RECORD_H

#include "core/err.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_DTLS_RECORD_HEAD   13
#define RTC_DTLS_RECORD_NONCE  8
#define RTC_DTLS_RECORD_TAG    16
#define RTC_DTLS_RECORD_GROWTH (RTC_DTLS_RECORD_HEAD + RTC_DTLS_RECORD_NONCE + RTC_DTLS_RECORD_TAG)
#define RTC_DTLS_RECORD_BYTES  104

/* Record types (RFC 5246, 6.2.1). */
#define RTC_DTLS_TYPE_CIPHER_SPEC 20
#define RTC_DTLS_TYPE_ALERT       21
#define RTC_DTLS_TYPE_HANDSHAKE   22
#define RTC_DTLS_TYPE_APP         23

struct rtc_dtls_record_way {
    uint8_t key[32];
    uint8_t salt[4];
};
struct rtc_dtls_record {
    struct rtc_dtls_record_way send, receive;
    uint64_t next;    /* sequence number of what we send next */
    uint64_t highest; /* that was received, plus one; 0 = none yet */
    uint64_t window;  /* bit n: highest - 1 - n was received (RFC 6347, 4.1.2.6) */
    uint16_t key_len; /* 16 or 32 */
};

/** Takes the keys of a finished handshake, in which we were `client` or not. ERR_NOMEM when
 * libcrypto fails. The owner wipes *ret in the end. */
MUST_CHECK enum err rtc_dtls_record_init(SSL *ssl, bool client, struct rtc_dtls_record *ret);

/** Encrypts `len` bytes as one record into `out`, which has RTC_DTLS_RECORD_GROWTH more. Gives its
 * length; 0 when libcrypto fails. */
size_t rtc_dtls_record_seal(
    struct rtc_dtls_record *r, uint8_t type, const uint8_t *data, size_t len, uint8_t *out);

/** Decrypts one whole record. `plain` has room for `len` bytes. False for what is not ours, forged,
 * or was received before. */
bool rtc_dtls_record_open(
    struct rtc_dtls_record *r, const uint8_t *record, size_t len, uint8_t *plain, size_t *ret_len);

#endif
