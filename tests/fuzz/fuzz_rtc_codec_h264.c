/* What is said of a packet agrees with itself, and one byte less never makes a key frame of none.
 */
#include "fuzz.h"

#include "rtc/codec/h264.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rtc_h264 h, less;
    if (rtc_h264_parse(cur_make(data, len), &h)) {
        assert(h.key_frame == h.sps && (!h.idr || h.slice) && len > 0);
        if (rtc_h264_parse(cur_make(data, len - 1), &less)) {
            assert(!less.key_frame || h.key_frame);
        }
    }
    return 0;
}
