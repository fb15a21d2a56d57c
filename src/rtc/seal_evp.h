/*
 * SRTP's ciphers by OpenSSL's EVP: the kind that runs on every machine. Landlord of EVP for media.
 *
 * A context of OpenSSL's is 656 bytes (counter mode) or 1,168 (GCM) and costs 65 or 135 ns to give
 * another key, measured. So RTP has one for each direction, and RTCP, which comes seldom, borrows
 * the engine's and sets its key each time. SHA-1 is libcrypto's old interface: EVP and EVP_MAC
 * allocate for each packet, and take longer.
 *
 * OpenSSL's own allocations are not core/mem's (decision 12).
 */
#ifndef RTC_SEAL_EVP_H
#define RTC_SEAL_EVP_H

#include "rtc/seal.h"

extern const struct rtc_seal_kind rtc_seal_evp;

/** The first `n` bytes (at most 64) of AES in counter mode from `counter`; for key derivation.
 * `key_len`: 16 or 32. */
MUST_CHECK enum err rtc_seal_evp_stream(
    const uint8_t *key, size_t key_len, const uint8_t counter[16], uint8_t *ret, size_t n);

#endif
