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

#define RTC_SEAL_IV_GCM 12 /* bytes */
#define RTC_SEAL_IV_CM  16 /* bytes; the last two count blocks */

/* Salts are of RTC_SRTP_SALT_MAX bytes here, GCM's with two zeros behind. `index`: roll-over
 * counter and sequence number, or SRTCP's index; 48 bits. */

/*  |  0  0  |      SSRC      |             index            |  xor the 12 bytes of salt  */
static inline void rtc_seal_iv_gcm(
    uint8_t ret[RTC_SEAL_IV_GCM], const uint8_t *salt, uint32_t ssrc, uint64_t index) {
    be64_put(ret, be64_get(salt) ^ ((uint64_t)ssrc << 16 | index >> 32));
    be32_put(ret + 8, be32_get(salt + 8) ^ (uint32_t)index);
}

/*  |     0  0  0  0    |      SSRC      |             index            |  0  0  |  xor the 14 bytes
 */
static inline void rtc_seal_iv_cm(
    uint8_t ret[RTC_SEAL_IV_CM], const uint8_t *salt, uint32_t ssrc, uint64_t index) {
    be64_put(ret, be64_get(salt) ^ ssrc);
    be64_put(ret + 8,
        ((uint64_t)be32_get(salt + 8) << 32 | (uint64_t)be16_get(salt + 12) << 16) ^ index << 16);
}

/** Of an RTP packet. */
static inline uint64_t rtc_seal_index(uint32_t roc, const uint8_t *packet) {
    return (uint64_t)roc << 16 | be16_get(packet + 2);
}

/** Of an SRTCP packet. */
static inline uint64_t rtc_seal_rtcp_index(uint32_t trailer) {
    return trailer & 0x7fffffff;
}

#endif
