/*
 * What we need of libcrypto outside the media path: random bytes, digests, MACs, text forms, and
 * comparing secrets.  Thread: any, except that one struct hmac_key or sha256 serves one thread.
 */
#ifndef CORE_CRYPTO_H
#define CORE_CRYPTO_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE    32
#define SHA1_SIZE      20
#define UUID_SIZE      16
#define UUID_TEXT_SIZE 37

/** Fills with bytes of the system's generator; aborts where there is none. */
void crypto_random(void *ret, size_t n);

void crypto_sha256(const void *bytes, size_t n, uint8_t ret[SHA256_SIZE]);

/* SHA-256 over bytes that come piece by piece; one object serves one digest after another. */
struct sha256;
MUST_CHECK enum err sha256_create(struct sha256 **ret);
void sha256_destroy(struct sha256 *s);
/** Begins a digest; what was begun before is forgotten. The three abort when libcrypto fails, as
 * crypto_sha256 does. */
void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t n);
void sha256_end(struct sha256 *s, uint8_t ret[SHA256_SIZE]);

/** A new bearer token: 32 random bytes in hex. */
#define TOKEN_TEXT_SIZE 65
void crypto_token(char ret[TOKEN_TEXT_SIZE]);

/** Equal? The time depends on the lengths only. NULL equals nothing. */
bool crypto_equal(const char *a, const char *b);
/** The same for `n` bytes each: MACs, fingerprints. */
bool crypto_equal_bytes(const void *a, const void *b, size_t n);

/** Lower-case hex with a NUL: `ret` has 2n+1 bytes. */
void crypto_hex(const uint8_t *bytes, size_t n, char *ret);
/** Reads exactly n bytes from 2n hex digits; false when `text` is anything else. */
bool crypto_unhex(const char *text, uint8_t *ret, size_t n);

/** Base64 of the standard alphabet without padding (RFC 4648, 4), with a NUL: `ret` has
 * CRYPTO_BASE64_SIZE(n) bytes. */
#define CRYPTO_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
void crypto_base64(const uint8_t *bytes, size_t n, char *ret);
/** The same in base64url (RFC 4648, 5). */
void crypto_base64url(const uint8_t *bytes, size_t n, char *ret);

/** Reads `n` characters of base64url without padding (RFC 4648, 5; RFC 7515, 2): every text means
 * other bytes than every other. `ret` has room for 3 bytes for each 4 characters begun. */
bool crypto_unbase64url(const char *text, size_t n, uint8_t *ret, size_t *ret_len);

/** A UUID of version 7 (RFC 9562, 5.7): time-ordered, 74 random bits. */
void crypto_uuid(int64_t now_ms, char ret[UUID_TEXT_SIZE]);
bool crypto_uuid_read(const char *text, uint8_t ret[UUID_SIZE]);
void crypto_uuid_write(const uint8_t bytes[UUID_SIZE], char ret[UUID_TEXT_SIZE]);

/* HMAC-SHA256 with one key, set up once. */
struct hmac_key;
MUST_CHECK enum err hmac_key_create(const uint8_t *key, size_t n, struct hmac_key **ret);
void hmac_key_destroy(struct hmac_key *k);
/** HMAC over a then b (either may be empty). */
MUST_CHECK enum err hmac_sign(struct hmac_key *k, const void *a, size_t a_len, const void *b,
    size_t b_len, uint8_t ret[SHA256_SIZE]);

/** HMAC-SHA1, for a protocol that has nothing better: passwords of TURN servers. */
MUST_CHECK enum err crypto_hmac_sha1(
    const char *key, const void *bytes, size_t n, uint8_t ret[SHA1_SIZE]);

#endif
