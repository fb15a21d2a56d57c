/* One head, and a walk over its extensions. */
#include "rtc/datatrack.h"

#include "core/cur.h"

#define FLAG_START      0x10
#define FLAG_FINAL      0x08
#define FLAG_EXTENSIONS 0x04
#define VERSION_SHIFT   5
#define HANDLE_OFF      2
#define PADDING         0 /* as an extension's id */

/* What they say is between publisher and receivers; only where they end matters here. */
static bool count_extensions(struct cur c, unsigned *ret_n) {
    unsigned n = 0;
    while (cur_left(&c) > 0 && !c.bad) {
        if (cur_u8(&c) == PADDING) {
            break;
        }
        const uint8_t len = cur_u8(&c);
        cur_skip(&c, len);
        n++;
    }
    *ret_n = n;
    return !c.bad;
}

bool rtc_datatrack_read(const uint8_t *bytes, size_t len, struct rtc_datatrack *ret) {
    struct cur c = cur_make(bytes, len);
    const uint16_t flags = cur_u16(&c);
    struct rtc_datatrack t = { .version = (uint8_t)(flags >> 8 >> VERSION_SHIFT),
        .starts = (flags >> 8 & FLAG_START) != 0,
        .ends = (flags >> 8 & FLAG_FINAL) != 0 };
    t.handle = cur_u16(&c);
    t.sequence = cur_u16(&c);
    t.frame = cur_u16(&c);
    t.timestamp = cur_u32(&c);
    if ((flags >> 8 & FLAG_EXTENSIONS) != 0) {
        const size_t words = (size_t)cur_u16(&c) + 1;
        struct cur extensions = cur_sub(&c, words * 4 - 2);
        if (!count_extensions(extensions, &t.n_extensions)) {
            return false;
        }
    }
    if (c.bad || t.handle == 0) {
        return false;
    }
    t.payload_off = len - cur_left(&c);
    *ret = t;
    return true;
}

void rtc_datatrack_set_handle(uint8_t *bytes, uint16_t handle) {
    be16_put(bytes + HANDLE_OFF, handle);
}
