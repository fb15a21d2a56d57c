/*
 * RTP header extensions (RFC 8285), in the one-byte and the two-byte form: found by meaning in what
 * a publisher sent, written anew for a subscriber, whose ids are others.
 *
 *     one-byte form, profile 0xBEDE           two-byte form, profile 0x100X
 *     |  ID   |len - 1| data, 1 to 16 |       |      ID       |      len      | data, 0 to 255 |
 *
 * An id means what was agreed with that peer (rtc_rtp_params.ext: the id of each, 0 = not agreed).
 * `struct rtc_rtpext` is where the elements of one packet lie.  Thread: any; pure.
 */
#ifndef RTC_RTPEXT_H
#define RTC_RTPEXT_H

#include "core/cur.h"
#include "rtc/params.h"
#include "rtc/rtp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ids: 1 to 255 (RFC 8285, 4.3), of which the one-byte form can say these. */
#define RTC_RTPEXT_ONE_BYTE_MAX 14 /* RFC 8285, 4.2 */

/* --- reading --- */

#define RTC_RTPEXT_ELEMENTS_MAX                                                                    \
    64 /* elements of one packet that are looked at; the rest is ignored */

/** A place for every extension. */
struct rtc_rtpext {
    uint32_t present; /* RTC_EXT_BIT */
    uint16_t off[RTC_EXT_COUNT];
    uint8_t len[RTC_EXT_COUNT];
};

/** One element, whatever it means. */
struct rtc_rtpext_element {
    const uint8_t *data;
    uint8_t id;
    uint8_t len;
};

struct rtc_rtpext_iter {
    struct cur c;
    bool two_byte;
};

/** Walks over the elements of a packet that `rtp` was read from, in order and without the padding
 * between. A packet without elements of either form has none. */
struct rtc_rtpext_iter rtc_rtpext_elements(const uint8_t *packet, const struct rtc_rtp *rtp);
/** False at the end, and at what breaks the form: nothing behind that can be trusted. */
bool rtc_rtpext_next(struct rtc_rtpext_iter *it, struct rtc_rtpext_element *ret);

/** Notes where each agreed extension lies; of two with one id the first stands. */
void rtc_rtpext_read(const uint8_t *packet, const struct rtc_rtp *rtp,
    const uint8_t ids[RTC_EXT_COUNT], struct rtc_rtpext *ret);

static inline bool rtc_rtpext_has(const struct rtc_rtpext *x, enum rtc_ext ext) {
    return (x->present >> ext & 1) != 0;
}

/** Each gives false where the packet has no such element, or one of a wrong length. */
bool rtc_rtpext_twcc(const uint8_t *packet, const struct rtc_rtpext *x, uint16_t *ret);
bool rtc_rtpext_abs_send_time(const uint8_t *packet, const struct rtc_rtpext *x, uint32_t *ret);
/** `ret_level` is -dBov: 0 the loudest, 127 silence. */
bool rtc_rtpext_audio_level(
    const uint8_t *packet, const struct rtc_rtpext *x, uint8_t *ret_level, bool *ret_voice);
/** The bytes of any (MID, RID, dependency descriptor), in the packet; empty without. */
struct cur rtc_rtpext_bytes(const uint8_t *packet, const struct rtc_rtpext *x, enum rtc_ext ext);

/* --- writing --- */

/** The extension block of one outgoing packet, in the middle of being written. */
struct rtc_rtpext_wr {
    struct wr *w;
    size_t at; /* of the block, from the packet's first byte */
    bool two_byte;
};

/** Begins the block behind the 12 bytes of rtc_rtp_write; the packet's first byte is the writer's
 * first. Nothing reaches the packet until an element is put. */
struct rtc_rtpext_wr rtc_rtpext_begin(struct wr *w, bool two_byte);
/** Puts an element. Gives its `len` bytes to be filled in, now or at the moment of sending; NULL,
 * and nothing is put, when the form cannot say this id or length or there is no room. */
uint8_t *rtc_rtpext_put(struct rtc_rtpext_wr *x, uint8_t id, size_t len);
/** Fills up to whole words, and sets length and X bit. Without elements there is no block. */
void rtc_rtpext_end(struct rtc_rtpext_wr *x);

/** Does an element of this id and length need the two-byte form? */
static inline bool rtc_rtpext_needs_two(uint8_t id, size_t len) {
    return id > RTC_RTPEXT_ONE_BYTE_MAX || len == 0 || len > 16;
}

/** What goes into the block for one subscriber. */
struct rtc_rtpext_plan {
    uint8_t ids[RTC_EXT_COUNT]; /* the subscriber's */
    bool two_byte;              /* it takes that form (a=extmap-allow-mixed) */
    uint32_t pass;              /* RTC_EXT_BIT of what is copied from the publisher's packet */
    uint32_t own;               /* RTC_EXT_BIT of what we say ourselves; wins over `pass` */
    uint8_t own_len[RTC_EXT_COUNT];
};
/**
 * Writes the whole block. The place of each own element comes back in `ret_own`, NULL where it was
 * not agreed or did not fit; the caller sets the bytes. The two-byte form is taken where an element
 * needs it and the subscriber takes it; else that element stays out.
 */
void rtc_rtpext_map(struct wr *w, const uint8_t *from_packet, const struct rtc_rtpext *from,
    const struct rtc_rtpext_plan *plan, uint8_t *ret_own[RTC_EXT_COUNT]);

/** Bytes of what we say ourselves. */
#define RTC_RTPEXT_TWCC_LEN          2
#define RTC_RTPEXT_ABS_SEND_TIME_LEN 3
#define RTC_RTPEXT_AUDIO_LEVEL_LEN   1

static inline void rtc_rtpext_set_twcc(uint8_t *element, uint16_t seq) {
    be16_put(element, seq);
}

/** Any monotonic clock will do: the receiver looks at differences. */
static inline void rtc_rtpext_set_abs_send_time(uint8_t *element, int64_t now_us) {
    uint64_t us = (uint64_t)now_us;
    uint64_t fraction = ((us % 1000000) << 18) / 1000000;
    be24_put(element, (uint32_t)(us / 1000000 % 64) << 18 | (uint32_t)fraction);
}

static inline void rtc_rtpext_set_audio_level(uint8_t *element, uint8_t level, bool voice) {
    element[0] = (uint8_t)((voice ? 0x80 : 0) | (level & 0x7F));
}

#endif
