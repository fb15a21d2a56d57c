/* A descriptor that is taken lies within its payload, and rewriting changes the ids alone. */
#include "fuzz.h"

#include "core/mem.h"
#include "rtc/codec/vp9.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rtc_vp9 v, again;
    if (!rtc_vp9_parse(cur_make(data, len), &v)) {
        return 0;
    }
    assert(v.len >= 1 && v.len < len && v.n_spatial <= RTC_VP9_SPATIAL_MAX);
    assert(v.picture_id < (v.wide ? 0x8000 : 0x80) && v.tid < 8 && v.sid < 8);
    uint8_t *copy = mem_alloc(len);
    assert(copy != NULL);
    memcpy(copy, data, len);
    rtc_vp9_rewrite(copy, &v, 0xD555, 0xEE);
    assert(rtc_vp9_parse(cur_make(copy, len), &again));
    v.picture_id = v.has_picture_id ? 0xD555 & (v.wide ? 0x7FFF : 0x7F) : 0;
    v.tl0 = v.has_tl0 ? 0xEE : 0;
    assert(memcmp(&v, &again, sizeof(v)) == 0);
    rtc_vp9_parse(cur_make(data, len), &v);
    rtc_vp9_rewrite(copy, &v, v.picture_id, v.tl0);
    assert(memcmp(copy, data, len) == 0);
    mem_free(copy);
    return 0;
}
