/* One renumbering for pictures; offsets, which change at switches only, for the other two. */
#include "rtc/codec/vp8_map.h"

#include "rtc/seq.h"

#define KEYIDX_BITS 5
#define FIRST_CYCLE 0x8000 /* what comes before the first is not negative */

_Static_assert(sizeof(struct rtc_vp8_map) <= 832, "the header says so");

void rtc_vp8_map_init(struct rtc_vp8_map *m) {
    memset(m, 0, sizeof(*m));
    rtc_renumber_init(&m->pictures, 0);
}

static unsigned picture_bits(const struct rtc_vp8 *in) {
    return in->wide ? 15 : 7;
}

void rtc_vp8_map_switch(struct rtc_vp8_map *m, const struct rtc_vp8 *in) {
    m->past = m->now;
    m->now = (struct rtc_vp8_offsets){ .near = FIRST_CYCLE + in->picture_id,
        .tl0 = (uint8_t)(m->tl0_out + 1 - in->tl0),
        .keyidx = (uint8_t)(m->keyidx_out + 1 - in->keyidx) };
    rtc_renumber_switch(&m->pictures, m->now.near);
}

void rtc_vp8_map_drop(struct rtc_vp8_map *m, const struct rtc_vp8 *in) {
    if (in->has_picture_id) {
        int64_t at = rtc_wrap_extend(m->now.near, in->picture_id, picture_bits(in));
        m->now.near = at > m->now.near ? at : m->now.near;
        rtc_renumber_drop(&m->pictures, at);
    }
}

bool rtc_vp8_map_ids(struct rtc_vp8_map *m, const struct rtc_vp8 *in, struct rtc_vp8_ids *ret) {
    int64_t out = 0;
    if (in->has_picture_id) {
        int64_t at = rtc_wrap_extend(m->now.near, in->picture_id, picture_bits(in));
        m->now.near = at > m->now.near ? at : m->now.near;
        if (!rtc_renumber_map(&m->pictures, at, &out)) {
            return false;
        }
    }
    uint8_t tl0 = (uint8_t)(in->tl0 + m->now.tl0);
    uint8_t keyidx = (uint8_t)(in->keyidx + m->now.keyidx);
    if (in->has_tl0 && rtc_wrap_diff(tl0, m->tl0_out, 8) > 0) {
        m->tl0_out = tl0;
    }
    if (in->has_keyidx && rtc_wrap_diff(keyidx, m->keyidx_out, KEYIDX_BITS) > 0) {
        m->keyidx_out = keyidx;
    }
    *ret = (struct rtc_vp8_ids){ (uint16_t)(out & 0x7FFF), tl0, keyidx };
    return true;
}

bool rtc_vp8_map_ids_past(
    const struct rtc_vp8_map *m, const struct rtc_vp8 *in, struct rtc_vp8_ids *ret) {
    int64_t out = 0;
    if (in->has_picture_id) {
        int64_t at = rtc_wrap_extend(m->past.near, in->picture_id, picture_bits(in));
        if (!rtc_renumber_map_past(&m->pictures, at, &out)) {
            return false;
        }
    }
    *ret = (struct rtc_vp8_ids){ (uint16_t)(out & 0x7FFF), (uint8_t)(in->tl0 + m->past.tl0),
        (uint8_t)(in->keyidx + m->past.keyidx) };
    return true;
}
