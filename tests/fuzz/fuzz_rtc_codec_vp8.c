/*
 * A descriptor that is taken lies within its payload; rewritten it keeps its length and every field
 * but the ids, which read back; and no two pictures that are mapped one behind the other go back.
 */
#include "fuzz.h"

#include "rtc/codec/vp8_map.h"

#include <assert.h>
#include <string.h>

static void check_rewrite(const uint8_t *data, size_t len, const struct rtc_vp8 *v) {
    static const struct rtc_vp8_ids ids = { .picture_id = 0xD555, .tl0 = 0xEE, .keyidx = 0xE7 };
    uint8_t copy[64];
    struct rtc_vp8 again, want = *v;
    size_t n = len < sizeof(copy) ? len : sizeof(copy);
    memcpy(copy, data, n);
    rtc_vp8_rewrite(copy, v, &ids);
    assert(memcmp(copy + v->len, data + v->len, n - v->len) == 0);
    assert(rtc_vp8_parse(cur_make(copy, n), &again));
    want.picture_id = v->has_picture_id ? ids.picture_id & (v->wide ? 0x7FFF : 0x7F) : 0;
    want.tl0 = v->has_tl0 ? ids.tl0 : 0;
    want.keyidx = v->has_keyidx ? ids.keyidx & 31 : 0;
    assert(memcmp(&want, &again, sizeof(want)) == 0);
}

/* The bytes behind are pictures: each drops, switches or maps. */
static void check_map(const uint8_t *data, size_t len) {
    struct rtc_vp8_map m;
    struct rtc_vp8_ids ids;
    struct rtc_vp8 v = { .has_picture_id = true, .wide = true, .has_tl0 = true, .start = true };
    int64_t newest = -1;
    rtc_vp8_map_init(&m);
    rtc_vp8_map_switch(&m, &v);
    for (size_t i = 0; i < len; i++) {
        v.picture_id = (v.picture_id + (data[i] >> 4)) & 0x7FFF;
        switch (data[i] & 3) {
        case 0:
            rtc_vp8_map_drop(&m, &v);
            break;
        case 1:
            v.picture_id = (uint16_t)(data[i] << 7);
            rtc_vp8_map_switch(&m, &v);
            break;
        default:
            if (rtc_vp8_map_ids(&m, &v, &ids)) {
                assert(m.pictures.out >= newest);
                newest = m.pictures.out;
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rtc_vp8 v;
    if (rtc_vp8_parse(cur_make(data, len), &v)) {
        assert(v.len >= 1 && v.len <= RTC_VP8_LEN_MAX && v.len < len);
        assert(v.picture_id < (v.wide ? 0x8000 : 0x80) && v.tid < 4 && v.keyidx < 32);
        assert(!v.key_frame || v.start);
        check_rewrite(data, len, &v);
    }
    check_map(data, len);
    return 0;
}
