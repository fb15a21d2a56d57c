/* A stream gives the same packets in one piece and byte by byte, and no byte is made up. */
#include "fuzz.h"

#include "core/cur.h"
#include "rtc/tcp_frame.h"

#include <assert.h>

struct sum {
    size_t packets, bytes;
    uint64_t hash;
    enum rtc_tcp_step last;
};

static void add(struct sum *sum, const uint8_t *packet, size_t n) {
    sum->packets++;
    sum->bytes += n;
    for (size_t i = 0; i < n; i++) {
        sum->hash = (sum->hash ^ packet[i]) * 1099511628211U;
    }
}

static struct sum split(const uint8_t *data, size_t len, size_t step) {
    struct rtc_tcp_split s = { .want = 0 };
    struct sum sum = { .last = RTC_TCP_MORE };
    uint8_t packet[RTC_TCP_FRAME_MOST];
    for (size_t at = 0; at < len && sum.last != RTC_TCP_BROKEN; at += step) {
        struct cur in = cur_make(data + at, at + step < len ? step : len - at);
        size_t n = 0;
        while ((sum.last = rtc_tcp_split(&s, &in, packet, &n)) == RTC_TCP_FRAME) {
            assert(n > 0 && n <= RTC_TCP_FRAME_MOST);
            add(&sum, packet, n);
        }
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct sum whole = split(data, len, len + 1);
    struct sum bytes = split(data, len, 1);
    assert(whole.packets == bytes.packets && whole.hash == bytes.hash);
    assert(whole.last == bytes.last);
    assert(whole.bytes + RTC_TCP_HEAD * whole.packets <= len);
    return 0;
}
