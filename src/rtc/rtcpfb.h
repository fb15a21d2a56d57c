/*
 * RTCP feedback (RFC 4585, RFC 5104, draft-alvestrand-rmcat-remb): what receivers ask for, in parts
 * that rtc/rtcp found. Transport-wide feedback is recognised here and read by rtc/twcc_fb.
 *
 *     |V=2|P| format  |   PT=205/206  |            length             |
 *     |                       SSRC of who sends this                  |
 *     |                       SSRC of the media                       |
 *     |                       control information                     |
 *
 * Thread: any; pure.
 */
#ifndef RTC_RTCPFB_H
#define RTC_RTCPFB_H

#include "rtc/rtcp.h"

enum rtc_rtcpfb_kind {
    RTC_RTCPFB_OTHER, /* nothing that we speak: skipped */
    RTC_RTCPFB_NACK,  /* RFC 4585, 6.2.1 */
    RTC_RTCPFB_TWCC,  /* rtc/twcc_fb */
    RTC_RTCPFB_PLI,   /* RFC 4585, 6.3.1 */
    RTC_RTCPFB_FIR,   /* RFC 5104, 4.3.1 */
    RTC_RTCPFB_REMB
};

struct rtc_rtcpfb {
    struct cur fci; /* control information, borrowed from the datagram */
    enum rtc_rtcpfb_kind kind;
    uint32_t sender;
    uint32_t media; /* 0 in FIR and REMB, which name their SSRCs inside */
};

/** Reads the head of a part of type RTPFB or PSFB. False when it is neither or too short. */
bool rtc_rtcpfb_read(const struct rtc_rtcp_part *part, struct rtc_rtcpfb *ret);

/** The numbers that a NACK asks for, in its order, at most `cap`; how many. */
size_t rtc_rtcpfb_nack(struct rtc_rtcpfb *fb, uint16_t *ret, size_t cap);

/** The next request of a FIR: whose picture, and the number by which repeats are known. */
bool rtc_rtcpfb_fir_next(struct rtc_rtcpfb *fb, uint32_t *ret_ssrc, uint8_t *ret_number);

/** The estimate of a REMB, for all streams from here together. False when it is none, or too short
 * for the SSRCs it counts. */
bool rtc_rtcpfb_remb(const struct rtc_rtcpfb *fb, uint64_t *ret_bps);

/* --- writing: a part each, into the compound that `w` holds --- */

/** `seqs` in the order of sending, as rtc_nack_due gives them; gives how many went in. */
size_t rtc_rtcpfb_write_nack(
    struct wr *w, uint32_t sender, uint32_t media, const uint16_t *seqs, size_t n);
void rtc_rtcpfb_write_pli(struct wr *w, uint32_t sender, uint32_t media);
/** `number` grows by one with each new request, and stays for a repeat. */
void rtc_rtcpfb_write_fir(struct wr *w, uint32_t sender, uint32_t media, uint8_t number);
/** At most RTC_REMB_SSRCS_MAX streams. */
#define RTC_REMB_SSRCS_MAX 255 /* one byte counts them */
void rtc_rtcpfb_write_remb(
    struct wr *w, uint32_t sender, uint64_t bps, const uint32_t *ssrcs, size_t n);

#endif
