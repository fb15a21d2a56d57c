/* NACK, PLI, FIR and REMB, read and written. */
#include "rtc/rtcpfb.h"

#include "rtc/seq.h"

#include <assert.h>

#define FMT_NACK      1
#define FMT_TWCC      15
#define FMT_PLI       1
#define FMT_FIR       4
#define FMT_AFB       15                   /* application layer feedback: REMB, when it says so */
#define REMB_NAME     UINT32_C(0x52454D42) /* "REMB" */
#define MANTISSA_BITS 18
#define NACK_SPAN     16 /* numbers behind the first that one pair can name */

static enum rtc_rtcpfb_kind kind_of(uint8_t type, uint8_t format, struct cur fci) {
    static const struct {
        uint8_t type, format;
        enum rtc_rtcpfb_kind kind;
    } kinds[] = {
        { RTC_RTCP_RTPFB, FMT_NACK, RTC_RTCPFB_NACK },
        { RTC_RTCP_RTPFB, FMT_TWCC, RTC_RTCPFB_TWCC },
        { RTC_RTCP_PSFB, FMT_PLI, RTC_RTCPFB_PLI },
        { RTC_RTCP_PSFB, FMT_FIR, RTC_RTCPFB_FIR },
    };
    if (type == RTC_RTCP_PSFB && format == FMT_AFB) {
        return cur_u32(&fci) == REMB_NAME ? RTC_RTCPFB_REMB : RTC_RTCPFB_OTHER;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].type == type && kinds[i].format == format) {
            return kinds[i].kind;
        }
    }
    return RTC_RTCPFB_OTHER;
}

bool rtc_rtcpfb_read(const struct rtc_rtcp_part *part, struct rtc_rtcpfb *ret) {
    struct cur c = part->body;
    if (part->type != RTC_RTCP_RTPFB && part->type != RTC_RTCP_PSFB) {
        return false;
    }
    uint32_t sender = cur_u32(&c);
    uint32_t media = cur_u32(&c);
    if (c.bad) {
        return false;
    }
    enum rtc_rtcpfb_kind kind = kind_of(part->type, part->count, c);
    *ret = (struct rtc_rtcpfb){ .fci = c, .kind = kind, .sender = sender, .media = media };
    return true;
}

size_t rtc_rtcpfb_nack(struct rtc_rtcpfb *fb, uint16_t *ret, size_t cap) {
    size_t n = 0;
    while (n < cap && cur_left(&fb->fci) >= 4) {
        uint16_t first = cur_u16(&fb->fci);
        uint32_t mask = (uint32_t)cur_u16(&fb->fci) << 1 | 1;
        for (unsigned i = 0; i <= NACK_SPAN && n < cap; i++) {
            if (mask >> i & 1) {
                ret[n++] = (uint16_t)(first + i);
            }
        }
    }
    return n;
}

bool rtc_rtcpfb_fir_next(struct rtc_rtcpfb *fb, uint32_t *ret_ssrc, uint8_t *ret_number) {
    uint32_t ssrc = cur_u32(&fb->fci);
    uint8_t number = cur_u8(&fb->fci);
    cur_skip(&fb->fci, 3);
    if (fb->fci.bad) {
        return false;
    }
    *ret_ssrc = ssrc;
    *ret_number = number;
    return true;
}

bool rtc_rtcpfb_remb(const struct rtc_rtcpfb *fb, uint64_t *ret_bps) {
    struct cur c = fb->fci;
    uint32_t name = cur_u32(&c);
    uint8_t n_ssrcs = cur_u8(&c);
    uint32_t both = cur_u24(&c);
    cur_skip(&c, 4 * (size_t)n_ssrcs);
    if (c.bad || name != REMB_NAME) {
        return false;
    }
    unsigned exponent = both >> MANTISSA_BITS;
    uint64_t mantissa = both & ((1U << MANTISSA_BITS) - 1);
    uint64_t bps = mantissa << exponent;
    *ret_bps = bps >> exponent == mantissa ? bps : UINT64_MAX;
    return true;
}

/* --- writing --- */

static size_t begin(struct wr *w, uint8_t type, uint8_t format, uint32_t sender, uint32_t media) {
    size_t at = rtc_rtcp_part_begin(w, type, format);
    wr_u32(w, sender);
    wr_u32(w, media);
    return at;
}

/* One pair of number and mask; gives how many of `seqs` it names, one at least. */
static size_t write_pair(struct wr *w, const uint16_t *seqs, size_t n) {
    uint16_t mask = 0;
    size_t i = 1;
    for (; i < n; i++) {
        int32_t ahead = rtc_seq_diff(seqs[i], seqs[0]);
        if (ahead < 1 || ahead > NACK_SPAN) {
            break;
        }
        mask |= (uint16_t)(1U << (ahead - 1));
    }
    wr_u16(w, seqs[0]);
    wr_u16(w, mask);
    return i;
}

size_t rtc_rtcpfb_write_nack(
    struct wr *w, uint32_t sender, uint32_t media, const uint16_t *seqs, size_t n) {
    size_t at = begin(w, RTC_RTCP_RTPFB, FMT_NACK, sender, media);
    size_t done = 0;
    while (done < n && wr_left(w) >= 4) {
        done += write_pair(w, seqs + done, n - done);
    }
    if (done == 0) {
        w->bad = true; /* a NACK names one number at least */
    }
    rtc_rtcp_part_end(w, at);
    return w->bad ? 0 : done;
}

void rtc_rtcpfb_write_pli(struct wr *w, uint32_t sender, uint32_t media) {
    rtc_rtcp_part_end(w, begin(w, RTC_RTCP_PSFB, FMT_PLI, sender, media));
}

void rtc_rtcpfb_write_fir(struct wr *w, uint32_t sender, uint32_t media, uint8_t number) {
    size_t at = begin(w, RTC_RTCP_PSFB, FMT_FIR, sender, 0);
    wr_u32(w, media);
    wr_u8(w, number);
    wr_zero(w, 3);
    rtc_rtcp_part_end(w, at);
}

void rtc_rtcpfb_write_remb(
    struct wr *w, uint32_t sender, uint64_t bps, const uint32_t *ssrcs, size_t n) {
    assert(n <= RTC_REMB_SSRCS_MAX);
    unsigned exponent = 0;
    while (bps >> exponent >= UINT64_C(1) << MANTISSA_BITS) {
        exponent++;
    }
    size_t at = begin(w, RTC_RTCP_PSFB, FMT_AFB, sender, 0);
    wr_u32(w, REMB_NAME);
    wr_u8(w, (uint8_t)n);
    wr_u24(w, exponent << MANTISSA_BITS | (uint32_t)(bps >> exponent));
    for (size_t i = 0; i < n; i++) {
        wr_u32(w, ssrcs[i]);
    }
    rtc_rtcp_part_end(w, at);
}
