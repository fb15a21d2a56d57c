/* The payload ends where the packet does; another handle changes the handle and nothing else. */
#include "fuzz.h"

#include "rtc/datatrack.h"

#include <assert.h>
#include <string.h>

#define MOST 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static uint8_t bytes[MOST];
    struct rtc_datatrack a, b;
    if (len > sizeof(bytes) || !rtc_datatrack_read(data, len, &a)) {
        return 0;
    }
    assert(a.payload_off >= RTC_DATATRACK_HEAD && a.payload_off <= len);
    assert(a.payload_off % 4 == 0 && a.n_extensions * 2 <= a.payload_off - RTC_DATATRACK_HEAD);
    memcpy(bytes, data, len);
    const uint16_t other = (uint16_t)(a.handle ^ UINT16_MAX);
    rtc_datatrack_set_handle(bytes, other);
    if (!rtc_datatrack_read(bytes, len, &b)) {
        assert(other == 0); /* no track's */
        return 0;
    }
    assert(b.handle == other && b.sequence == a.sequence && b.frame == a.frame);
    assert(b.payload_off == a.payload_off && b.starts == a.starts && b.ends == a.ends);
    rtc_datatrack_set_handle(bytes, a.handle);
    assert(memcmp(bytes, data, len) == 0);
    return 0;
}
