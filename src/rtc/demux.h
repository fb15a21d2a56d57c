/*
 * What came in on a socket that carries everything (RFC 7983): STUN, DTLS, RTP or RTCP, told apart
 * by the first two bytes.  Thread: any; pure.
 */
#ifndef RTC_DEMUX_H
#define RTC_DEMUX_H

#include <stddef.h>
#include <stdint.h>

enum rtc_kind {
    RTC_KIND_SHORT,   /* fewer bytes than the head of its kind has */
    RTC_KIND_UNKNOWN, /* ZRTP, or nothing that anybody sends here */
    RTC_KIND_TURN,    /* channel data: we are no TURN client, so it is dropped */
    RTC_KIND_STUN,
    RTC_KIND_DTLS,
    RTC_KIND_RTP,
    RTC_KIND_RTCP,
    RTC_KIND_COUNT
};

#define RTC_STUN_HEAD 20 /* RFC 8489, 5 */
#define RTC_DTLS_HEAD 13 /* RFC 6347, 4.1 */
#define RTC_RTP_HEAD  12 /* RFC 3550, 5.1 */
#define RTC_RTCP_HEAD 8  /* RFC 3550, 6.4: the common head and the sender's SSRC */

/** Only what an honest head has room for gets its kind; the rest is for the kind's own parser. */
enum rtc_kind rtc_demux(const uint8_t *data, size_t len);

#endif
