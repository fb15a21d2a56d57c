/*
 * Transport-wide feedback on the wire (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1):
 * for a run of packets which came, and when. rtc/twcc keeps the books of both ends.
 *
 *     |      base sequence number     |      packet status count      |
 *     |        reference time, 64 ms each             | feedback count|
 *     |   chunks of 2 bytes: a run of one status, 14 statuses of 1 bit, or 7 of 2 bits
 *     |   a difference of arrival for each that came: 1 byte, or 2 with sign; 250 us each
 *
 * Thread: any; pure.
 */
#ifndef RTC_TWCC_FB_H
#define RTC_TWCC_FB_H

#include "core/cur.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_TWCC_TICK_US 250 /* the draft, 3.1.5 */
#define RTC_TWCC_STATUS_MAX                                                                        \
    8192 /* statuses in one feedback: twenty bytes could announce 65,535                           \
          */

/** One packet. `ticks` counts RTC_TWCC_TICK_US on the reporter's clock; the reference wraps after
 * RTC_TWCC_WRAP_BITS bits (twelve days). */
#define RTC_TWCC_WRAP_BITS 32 /* a reference of 24 bits, 256 ticks each */
struct rtc_twcc_status {
    uint16_t seq;
    bool received;
    int64_t ticks; /* only when received */
};

struct rtc_twcc_fb {
    struct cur chunks, deltas;
    int64_t ticks; /* of the latest that came */
    uint32_t left; /* statuses not given yet */
    uint16_t seq;  /* the next */
    uint16_t chunk, chunk_left;
    uint8_t count; /* the feedback's own number, 0..255 */
};

/** Reads the head and checks all chunks and differences. False when they are cut, of an unknown
 * kind, or more than RTC_TWCC_STATUS_MAX are announced. */
bool rtc_twcc_fb_read(struct cur fci, struct rtc_twcc_fb *ret);
/** The next packet's status, in the order of sequence numbers; false after the last. */
bool rtc_twcc_fb_next(struct rtc_twcc_fb *fb, struct rtc_twcc_status *ret);

/* --- writing --- */

#define RTC_TWCC_BODY_MAX 1024 /* bytes of chunks and differences in one feedback */

/** One feedback being written. About 1 KiB: on the stack. */
struct rtc_twcc_fb_wr {
    struct wr *w;
    size_t at;
    int64_t ticks;      /* of the latest that came */
    bool begun;         /* one that came has set the reference */
    uint32_t reference; /* 64 ms each */
    uint16_t n;         /* statuses */
    uint16_t pending;   /* of these not in a chunk yet */
    bool pending_same;
    bool pending_large;
    uint8_t symbols[14];
    uint16_t n_deltas;
    uint8_t deltas[RTC_TWCC_BODY_MAX];
};

/** Begins a part in `w`, from `sender` about the packets from `base` on. `media` is any SSRC that
 * the other side sends. */
void rtc_twcc_fb_begin(
    struct rtc_twcc_fb_wr *x, struct wr *w, uint32_t sender, uint32_t media, uint16_t base);
/** The next packet was not seen. False when it does not fit: it belongs in the next feedback. */
bool rtc_twcc_fb_missing(struct rtc_twcc_fb_wr *x);
/** The next packet came. Also false when its time is too far from that of the one before. */
bool rtc_twcc_fb_came(struct rtc_twcc_fb_wr *x, int64_t ticks);
/** Writes it all; `count` is the feedback's own number. At least one packet must be in it, else
 * the part is taken back and the writer is bad. */
void rtc_twcc_fb_end(struct rtc_twcc_fb_wr *x, uint8_t count);

#endif
