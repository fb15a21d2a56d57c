/*
 * RTP packets (RFC 3550, 5.1): where things lie in one that came, and the fixed header of one that
 * leaves. Offsets count from the packet's first byte; nothing is copied.
 *
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     |                           timestamp                           |
 *     |                             SSRC                              |
 *     |                        CSRC × CC                              |
 *     |  extension profile            |      length in words          |   where X is set
 *     |                     extension elements                        |   rtc/rtpext
 *     |                payload, then padding                          |
 *
 * Thread: any; pure.
 */
#ifndef RTC_RTP_H
#define RTC_RTP_H

#include "core/cur.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_RTP_HEADER_LEN 12           /* bytes, the fixed part: RFC 3550, 5.1 */
#define RTC_RTP_MAX        (64 * 1024U) /* bytes; offsets are 16 bits wide */
#define RTC_RTP_PAD_MAX    255          /* bytes of padding: its count is one byte */

struct rtc_rtp {
    uint32_t ts;
    uint32_t ssrc;
    uint16_t seq;
    uint16_t ext_profile; /* 0xBEDE, 0x100X or a stranger's; 0 where there is no extension */
    uint16_t ext_off;     /* the elements, behind profile and length; 0 without */
    uint16_t ext_len;
    uint16_t payload_off; /* also the length of the whole header */
    uint16_t payload_len; /* without padding; 0 for packets of padding only */
    uint8_t pad_len;      /* with its count; 0 without */
    uint8_t pt;           /* 0..127 */
    uint8_t n_csrc;
    bool marker;
};

/**
 * Reads the header. False when it is no RTP version 2 packet, CSRCs or extension reach past the
 * end, or the padding is empty or longer than what is behind the header. payload_off + payload_len
 * + pad_len is then the packet's length.
 */
bool rtc_rtp_parse(struct cur c, struct rtc_rtp *ret);

/** The fixed header of an outgoing packet. CSRCs are not forwarded (a CSRC names somebody whom this
 * listener does not know), and padding is not either. */
struct rtc_rtp_head {
    uint32_t ts;
    uint32_t ssrc;
    uint16_t seq;
    uint8_t pt;
    bool marker;
};

/** Writes the 12 bytes; rtc_rtpext_end sets the X bit where extension elements follow. */
void rtc_rtp_write(struct wr *w, const struct rtc_rtp_head *head);

/** Ends a packet whose first byte is the writer's first with `n` (1 to 255) bytes of padding, and
 * sets the P bit. */
void rtc_rtp_write_padding(struct wr *w, uint8_t n);

/** Changes fields where they lie, in a packet that rtc_rtp_parse took. */
static inline void rtc_rtp_set_seq(uint8_t *packet, uint16_t seq) {
    be16_put(packet + 2, seq);
}

static inline void rtc_rtp_set_ts(uint8_t *packet, uint32_t ts) {
    be32_put(packet + 4, ts);
}

static inline void rtc_rtp_set_ssrc(uint8_t *packet, uint32_t ssrc) {
    be32_put(packet + 8, ssrc);
}

static inline void rtc_rtp_set_pt(uint8_t *packet, uint8_t pt) {
    packet[1] = (uint8_t)((packet[1] & 0x80) | (pt & 0x7F));
}

#endif
