/* Header extensions: RFC 8285, 4.2 (one-byte form), 4.3 (two-byte form), and what the elements
 * hold. */
#include "rtc/rtpext.h"

#define ONE_BYTE      0xBEDE
#define TWO_BYTE      0x1000 /* the low four bits are the application's: ignored */
#define TWO_BYTE_MASK 0xFFF0
#define ID_STOP       15 /* one-byte form: what follows is of a form not yet written */
#define EXTENSION     0x10
#define HEAD_LEN      4 /* bytes: profile and length of the block */

/* --- reading --- */

struct rtc_rtpext_iter rtc_rtpext_elements(const uint8_t *packet, const struct rtc_rtp *rtp) {
    bool two_byte = (rtp->ext_profile & TWO_BYTE_MASK) == TWO_BYTE;
    bool known = two_byte || rtp->ext_profile == ONE_BYTE;
    return (struct rtc_rtpext_iter){
        .c = cur_make(packet + rtp->ext_off, known ? rtp->ext_len : 0),
        .two_byte = two_byte,
    };
}

bool rtc_rtpext_next(struct rtc_rtpext_iter *it, struct rtc_rtpext_element *ret) {
    while (cur_left(&it->c) > 0) {
        uint8_t first = cur_u8(&it->c);
        if (first == 0) {
            continue; /* padding, one byte in both forms */
        }
        uint8_t id = it->two_byte ? first : first >> 4;
        size_t len = it->two_byte ? cur_u8(&it->c) : (size_t)(first & 0x0F) + 1;
        bool stop = !it->two_byte && (id == 0 || id == ID_STOP);
        const uint8_t *data = cur_take(&it->c, stop ? 0 : len);
        if (stop || it->c.bad) {
            it->c.p = it->c.end;
            return false;
        }
        *ret = (struct rtc_rtpext_element){ data, id, (uint8_t)len };
        return true;
    }
    return false;
}

static void note_element(const uint8_t *packet, const struct rtc_rtpext_element *e,
    const uint8_t ids[RTC_EXT_COUNT], struct rtc_rtpext *x) {
    for (unsigned k = 0; k < RTC_EXT_COUNT; k++) {
        if (ids[k] == e->id && !rtc_rtpext_has(x, (enum rtc_ext)k)) {
            x->present |= RTC_EXT_BIT(k);
            x->off[k] = (uint16_t)(e->data - packet);
            x->len[k] = e->len;
        }
    }
}

void rtc_rtpext_read(const uint8_t *packet, const struct rtc_rtp *rtp,
    const uint8_t ids[RTC_EXT_COUNT], struct rtc_rtpext *ret) {
    struct rtc_rtpext_iter it = rtc_rtpext_elements(packet, rtp);
    struct rtc_rtpext_element e;
    ret->present = 0;
    for (int n = 0; n < RTC_RTPEXT_ELEMENTS_MAX && rtc_rtpext_next(&it, &e); n++) {
        note_element(packet, &e, ids, ret);
    }
}

struct cur rtc_rtpext_bytes(const uint8_t *packet, const struct rtc_rtpext *x, enum rtc_ext ext) {
    return rtc_rtpext_has(x, ext) ? cur_make(packet + x->off[ext], x->len[ext]) : cur_make(NULL, 0);
}

bool rtc_rtpext_twcc(const uint8_t *packet, const struct rtc_rtpext *x, uint16_t *ret) {
    struct cur c = rtc_rtpext_bytes(packet, x, RTC_EXT_TRANSPORT_CC);
    uint16_t seq = cur_u16(&c); /* version 2 of the extension has a request behind it */
    if (!c.bad) {
        *ret = seq;
    }
    return !c.bad;
}

bool rtc_rtpext_abs_send_time(const uint8_t *packet, const struct rtc_rtpext *x, uint32_t *ret) {
    struct cur c = rtc_rtpext_bytes(packet, x, RTC_EXT_ABS_SEND_TIME);
    uint32_t time = cur_u24(&c);
    if (!c.bad) {
        *ret = time;
    }
    return !c.bad;
}

bool rtc_rtpext_audio_level(
    const uint8_t *packet, const struct rtc_rtpext *x, uint8_t *ret_level, bool *ret_voice) {
    struct cur c = rtc_rtpext_bytes(packet, x, RTC_EXT_AUDIO_LEVEL);
    uint8_t both = cur_u8(&c); /* in the two-byte form a second byte may pad it: RFC 6464, 3 */
    if (!c.bad) {
        *ret_level = both & 0x7F;
        *ret_voice = both >> 7;
    }
    return !c.bad;
}

/* --- writing --- */

struct rtc_rtpext_wr rtc_rtpext_begin(struct wr *w, bool two_byte) {
    return (struct rtc_rtpext_wr){ .w = w, .at = wr_len(w), .two_byte = two_byte };
}

uint8_t *rtc_rtpext_put(struct rtc_rtpext_wr *x, uint8_t id, size_t len) {
    size_t block = wr_len(x->w) == x->at ? HEAD_LEN : 0;
    size_t head = x->two_byte ? 2 : 1;
    bool sayable = id != 0 && len <= UINT8_MAX && (x->two_byte || !rtc_rtpext_needs_two(id, len));
    if (!sayable || x->w->bad || block + head + len + 3 > wr_left(x->w)) {
        return NULL; /* up to 3 bytes fill the last word */
    }
    if (block > 0) {
        wr_u16(x->w, x->two_byte ? TWO_BYTE : ONE_BYTE);
        wr_u16(x->w, 0);
    }
    if (x->two_byte) {
        wr_u8(x->w, id);
        wr_u8(x->w, (uint8_t)len);
    } else {
        wr_u8(x->w, (uint8_t)(id << 4 | (len - 1)));
    }
    return wr_take(x->w, len);
}

void rtc_rtpext_end(struct rtc_rtpext_wr *x) {
    size_t n = wr_len(x->w) - x->at;
    if (n == 0) {
        return;
    }
    wr_zero(x->w, (4 - n % 4) % 4);
    size_t words = (wr_len(x->w) - x->at - HEAD_LEN) / 4;
    be16_put(x->w->start + x->at + 2, (uint16_t)words);
    x->w->start[0] |= EXTENSION;
}

/* A bit for each that goes out. Most packets have one or two, so only these are walked over. */
static uint32_t planned(const struct rtc_rtpext *from, const struct rtc_rtpext_plan *plan) {
    return plan->own | (plan->pass & from->present);
}

static uint8_t planned_len(
    const struct rtc_rtpext *from, const struct rtc_rtpext_plan *plan, unsigned k) {
    return plan->own >> k & 1 ? plan->own_len[k] : from->len[k];
}

static bool plan_needs_two(const struct rtc_rtpext *from, const struct rtc_rtpext_plan *plan) {
    for (uint32_t left = planned(from, plan); left != 0; left &= left - 1) {
        unsigned k = (unsigned)__builtin_ctz(left);
        if (plan->ids[k] != 0 && rtc_rtpext_needs_two(plan->ids[k], planned_len(from, plan, k))) {
            return true;
        }
    }
    return false;
}

void rtc_rtpext_map(struct wr *w, const uint8_t *from_packet, const struct rtc_rtpext *from,
    const struct rtc_rtpext_plan *plan, uint8_t *ret_own[RTC_EXT_COUNT]) {
    bool two_byte = plan->two_byte && plan_needs_two(from, plan);
    struct rtc_rtpext_wr x = rtc_rtpext_begin(w, two_byte);
    for (unsigned k = 0; k < RTC_EXT_COUNT; k++) {
        ret_own[k] = NULL;
    }
    for (uint32_t left = planned(from, plan); left != 0; left &= left - 1) {
        unsigned k = (unsigned)__builtin_ctz(left);
        uint8_t len = planned_len(from, plan, k);
        uint8_t *to = rtc_rtpext_put(&x, plan->ids[k], len); /* id 0 is never put */
        if (plan->own >> k & 1) {
            ret_own[k] = to;
        } else if (to != NULL && len > 0) {
            memcpy(to, from_packet + from->off[k], len);
        }
    }
    rtc_rtpext_end(&x);
}
