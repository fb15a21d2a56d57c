/* Times are bounded, and the primary block of RED is the end of its payload. */
#include "fuzz.h"

#include "rtc/codec/opus.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rtc_opus o;
    struct cur block;
    uint8_t pt;
    if (rtc_opus_parse(cur_make(data, len), &o)) {
        assert(o.ticks <= 120 * RTC_OPUS_CLOCK / 1000 && o.dtx == (len <= 2));
    }
    if (rtc_red_primary(cur_make(data, len), &block, &pt)) {
        assert(block.end == data + len && block.p > data && pt < 128);
    }
    return 0;
}
