/* An OPEN that was read is written again as it was, but for fields that are to be ignored. */
#include "fuzz.h"

#include "rtc/dcep.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rtc_dcep_open open;
    static uint8_t again[RTC_DCEP_OPEN_HEAD + 2 * 65535];
    if (rtc_dcep_read(data, len, &open) != RTC_DCEP_OPEN) {
        return 0;
    }
    size_t n = rtc_dcep_write_open(&open, again, sizeof(again));
    assert(n == len);
    if (open.limit == RTC_DCEP_RELIABLE) {
        memcpy(again + 4, data + 4, 4);
    }
    assert(memcmp(again, data, len) == 0);
    return 0;
}
