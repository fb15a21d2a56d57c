/*
 * The initial vectors of SRTP and SRTCP, which all kinds but libsrtp2 make themselves: salt, SSRC
 * and index, no two packets of a key alike.  Thread: any; pure.
 * See: RFC 3711, 4.1.1; RFC 7714, 8.1 and 9.1.
 */
#ifndef RTC_SEAL_IV_H
#define RTC_SEAL_IV_H

#include "core/cur.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RTC_SEAL_IV_GCM 12 /* bytes */
#define RTC_SEAL_IV_CM  16 /* bytes; the last two count blocks */

/* `salt` has `n` bytes; `ssrc` is four bytes as on the wire and goes to `at`, the index behind it.
 */
static inline void rtc_seal_iv(uint8_t *ret, size_t n, const uint8_t *salt, size_t at,
    const uint8_t *ssrc, const uint8_t index[6]) {
    memcpy(ret, salt, n);
    for (size_t i = 0; i < 4; i++) {
        ret[at + i] ^= ssrc[i];
    }
    for (size_t i = 0; i < 6; i++) {
        ret[at + 4 + i] ^= index[i];
    }
}

static inline void rtc_seal_index(uint8_t ret[6], uint32_t roc, const uint8_t seq[2]) {
    be32_put(ret, roc);
    ret[4] = seq[0];
    ret[5] = seq[1];
}

static inline void rtc_seal_rtcp_index(uint8_t ret[6], uint32_t trailer) {
    ret[0] = 0;
    ret[1] = 0;
    be32_put(ret + 2, trailer & 0x7fffffff);
}

static inline void rtc_seal_iv_gcm(uint8_t ret[RTC_SEAL_IV_GCM], const uint8_t *salt,
    const uint8_t *ssrc, const uint8_t index[6]) {
    rtc_seal_iv(ret, RTC_SEAL_IV_GCM, salt, 2, ssrc, index);
}

static inline void rtc_seal_iv_cm(
    uint8_t ret[RTC_SEAL_IV_CM], const uint8_t *salt, const uint8_t *ssrc, const uint8_t index[6]) {
    rtc_seal_iv(ret, RTC_SEAL_IV_CM - 2, salt, 4, ssrc, index);
    ret[14] = 0;
    ret[15] = 0;
}

#endif
