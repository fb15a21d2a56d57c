/*
 * Compound RTCP (RFC 3550, 6; RFC 3611; RFC 5506 for those without a report in front): a datagram
 * is checked as a whole, then walked part by part; and written part by part.
 *
 *     |V=2|P| count   |      PT       |       length in words - 1     |    each part
 *
 * Feedback (NACK, PLI, FIR, REMB, transport-wide) is read by rtc/rtcpfb and rtc/twcc_fb.
 * Thread: any; pure.
 */
#ifndef RTC_RTCP_H
#define RTC_RTCP_H

#include "core/cur.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rtc_rtcp_type {
    RTC_RTCP_SR = 200,
    RTC_RTCP_RR = 201,
    RTC_RTCP_SDES = 202,
    RTC_RTCP_BYE = 203,
    RTC_RTCP_APP = 204,   /* nobody's: skipped */
    RTC_RTCP_RTPFB = 205, /* RFC 4585: NACK, transport-wide feedback */
    RTC_RTCP_PSFB = 206,  /* RFC 4585: PLI, FIR, REMB */
    RTC_RTCP_XR = 207     /* RFC 3611: RRTR, DLRR */
};

#define RTC_RTCP_PARTS_MAX 32 /* parts of one datagram; browsers send fewer than ten */
#define RTC_RTCP_BLOCKS_MAX                                                                        \
    31 /* report blocks, chunks or sources of a part: five bits count them */
#define RTC_RTCP_CNAME_MAX 255 /* bytes of a text in SDES: one byte counts them */

/* --- reading --- */

/** One part: its body is what lies behind the four bytes of the head, without padding. */
struct rtc_rtcp_part {
    struct cur body;
    uint8_t type;  /* enum rtc_rtcp_type, or a stranger's 192..223 */
    uint8_t count; /* reports, sources, or the format of feedback */
};

/**
 * The checks of RFC 3550, A.2, over the whole datagram: every part is version 2, the lengths end
 * exactly at the end, padding only on the last part and no longer than it, at most
 * RTC_RTCP_PARTS_MAX. A datagram that begins with neither SR nor RR passes: RFC 5506 lets feedback
 * go alone, and browsers do.
 */
bool rtc_rtcp_check(struct cur datagram);

/** The next part of a datagram that passed rtc_rtcp_check; false at the end. */
bool rtc_rtcp_next(struct cur *datagram, struct rtc_rtcp_part *ret);

/** A report block (RFC 3550, 6.4.1): what a receiver says about one SSRC. */
struct rtc_rtcp_block {
    uint32_t ssrc;
    uint8_t fraction_lost; /* of 256, since the last report */
    int32_t lost;          /* 24 bits with sign, since the beginning */
    uint32_t highest_seq;  /* with the count of roll-overs in the upper half */
    uint32_t jitter;       /* ticks */
    uint32_t lsr;          /* the middle of the NTP time in the last SR; 0 = none came */
    uint32_t dlsr;         /* since then, in 1/65,536 s */
};

struct rtc_rtcp_sr {
    uint32_t ssrc;
    uint64_t ntp;
    uint32_t rtp_ts;
    uint32_t packets;
    uint32_t octets;
};

/** Reads the head of an SR; its blocks follow in `part`. */
bool rtc_rtcp_sr(struct rtc_rtcp_part *part, struct rtc_rtcp_sr *ret);
/** Reads the head of an RR: who reports. */
bool rtc_rtcp_rr(struct rtc_rtcp_part *part, uint32_t *ret_ssrc);
/** The next of the part's `count` blocks, behind rtc_rtcp_sr or rtc_rtcp_rr; false when all were
 * read or the part is too short. */
bool rtc_rtcp_block_next(struct rtc_rtcp_part *part, struct rtc_rtcp_block *ret);

/** An item of SDES (RFC 3550, 6.5). The text is borrowed from the datagram. */
#define RTC_SDES_CNAME 1
#define RTC_SDES_MID   15 /* RFC 8843, 15.2 */
struct rtc_rtcp_sdes {
    uint32_t ssrc;
    uint8_t type;
    uint8_t len;
    const uint8_t *text;
};
/** Walks over the items of all chunks. Zero `it` first. */
struct rtc_rtcp_sdes_iter {
    uint32_t ssrc;
    uint8_t chunks; /* begun so far */
    bool inside;
};
bool rtc_rtcp_sdes_next(
    struct rtc_rtcp_part *part, struct rtc_rtcp_sdes_iter *it, struct rtc_rtcp_sdes *ret);

/** The next source that leaves; its reason is nobody's. */
bool rtc_rtcp_bye_next(struct rtc_rtcp_part *part, uint32_t *ret_ssrc);

/** The blocks of an XR that we speak: a receiver's clock (RRTR), and the answer to ours (DLRR). */
enum rtc_rtcp_xr_kind { RTC_XR_RRTR = 4, RTC_XR_DLRR = 5 };
struct rtc_rtcp_xr {
    enum rtc_rtcp_xr_kind kind;
    uint32_t sender; /* who sent the XR */
    uint64_t ntp;    /* RRTR */
    uint32_t ssrc;   /* DLRR: whom it answers */
    uint32_t lrr;    /* DLRR: the middle of the NTP time in that one's last RRTR */
    uint32_t dlrr;   /* DLRR: since then, in 1/65,536 s */
};
/** Walks over all RRTR and sub-blocks of DLRR; other blocks are skipped. Zero `it` first. */
struct rtc_rtcp_xr_iter {
    uint32_t sender;
    bool begun;
    struct cur dlrr; /* what is left of the DLRR block */
};
bool rtc_rtcp_xr_next(
    struct rtc_rtcp_part *part, struct rtc_rtcp_xr_iter *it, struct rtc_rtcp_xr *ret);

/* --- writing --- */

/*
 * Parts go one behind the other into one writer; what does not fit sets `bad` there, and the bytes
 * before it stand. A compound that is not feedback alone begins with SR or RR and has an SDES with
 * CNAME (RFC 3550, 6.1): rtc_rtcp_write_sr or _rr first, then _sdes, then the rest.
 */

/** At most RTC_RTCP_BLOCKS_MAX blocks; `blocks` may be NULL when `n` is 0. */
void rtc_rtcp_write_sr(
    struct wr *w, const struct rtc_rtcp_sr *sr, const struct rtc_rtcp_block *blocks, size_t n);
void rtc_rtcp_write_rr(struct wr *w, uint32_t ssrc, const struct rtc_rtcp_block *blocks, size_t n);
/** One chunk. `mid` NULL writes no MID item. Both at most RTC_RTCP_CNAME_MAX bytes. */
void rtc_rtcp_write_sdes(struct wr *w, uint32_t ssrc, const char *cname, const char *mid);
void rtc_rtcp_write_rrtr(struct wr *w, uint32_t sender, uint64_t ntp);
/** One sub-block: the answer to one receiver's RRTR. */
void rtc_rtcp_write_dlrr(struct wr *w, uint32_t sender, uint32_t ssrc, uint32_t lrr, uint32_t dlrr);

/** For parts that other rooms write: the head goes in first and is completed when the body is
 * there. Begin gives where the part began; end takes a body of whole words. */
size_t rtc_rtcp_part_begin(struct wr *w, uint8_t type, uint8_t count);
void rtc_rtcp_part_end(struct wr *w, size_t at);

#endif
