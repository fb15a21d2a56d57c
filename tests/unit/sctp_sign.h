/* Checksums of SCTP packets, for tests that write some themselves. Header only. */
#ifndef TESTS_UNIT_SCTP_SIGN_H
#define TESTS_UNIT_SCTP_SIGN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SCTP_SIGN_AT 8 /* where the checksum lies in a packet */

/** Writes the right one: CRC32c (RFC 9260, appendix A), a bit at a time. */
static inline void sctp_sign(uint8_t *packet, size_t len) {
    uint32_t crc = 0xffffffff;
    memset(packet + SCTP_SIGN_AT, 0, 4);
    for (size_t i = 0; i < len; i++) {
        crc ^= packet[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
        }
    }
    for (int i = 0; i < 4; i++) {
        packet[SCTP_SIGN_AT + i] = (uint8_t)(~crc >> 8 * i);
    }
}

#endif
