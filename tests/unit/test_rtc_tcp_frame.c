/* Packets on a TCP connection, however the bytes arrive. */
#include "test.h"

#include "core/cur.h"
#include "rtc/tcp_frame.h"

#include <string.h>

#define SIZES 5
static const size_t sizes[SIZES] = { 1, 0, RTC_TCP_FRAME_MOST, 2, 300 };

static size_t make_stream(uint8_t *ret) {
    size_t n = 0;
    for (size_t i = 0; i < SIZES; i++) {
        rtc_tcp_head(sizes[i], ret + n);
        memset(ret + n + RTC_TCP_HEAD, (int)i + 1, sizes[i]);
        n += RTC_TCP_HEAD + sizes[i];
    }
    return n;
}

/* Feeds the stream in pieces of `step` bytes and checks that its packets come out. */
static void check_split(const uint8_t *stream, size_t len, size_t step) {
    struct rtc_tcp_split s = { .want = 0 };
    uint8_t packet[RTC_TCP_FRAME_MOST];
    size_t next = 0;
    for (size_t at = 0; at < len; at += step) {
        struct cur in = cur_make(stream + at, at + step < len ? step : len - at);
        size_t n = 0;
        enum rtc_tcp_step got;
        while ((got = rtc_tcp_split(&s, &in, packet, &n)) == RTC_TCP_FRAME) {
            next += sizes[next] == 0; /* empty ones are not told */
            CHECK_INT(sizes[next], n);
            CHECK(packet[0] == next + 1 && packet[n - 1] == next + 1);
            next++;
        }
        CHECK_INT(RTC_TCP_MORE, got);
    }
    CHECK_INT(SIZES, next);
}

TEST(rtc_tcp_frame, splits_at_every_step) {
    static uint8_t stream[SIZES * (RTC_TCP_HEAD + RTC_TCP_FRAME_MOST)];
    size_t len = make_stream(stream);
    for (size_t step = 1; step < 320; step++) {
        check_split(stream, len, step);
    }
    check_split(stream, len, len);
}

TEST(rtc_tcp_frame, a_packet_beyond_the_limit_breaks_the_stream) {
    uint8_t stream[RTC_TCP_HEAD];
    rtc_tcp_head(RTC_TCP_FRAME_MOST + 1, stream);
    struct rtc_tcp_split s = { .want = 0 };
    struct cur in = cur_make(stream, sizeof(stream));
    uint8_t packet[RTC_TCP_FRAME_MOST];
    size_t n = 7;
    CHECK_INT(RTC_TCP_BROKEN, rtc_tcp_split(&s, &in, packet, &n));
    CHECK_INT(7, n);
}

TEST(rtc_tcp_frame, nothing_in_nothing_out) {
    struct rtc_tcp_split s = { .want = 0 };
    struct cur in = cur_make(NULL, 0);
    uint8_t packet[RTC_TCP_FRAME_MOST];
    size_t n = 0;
    CHECK_INT(RTC_TCP_MORE, rtc_tcp_split(&s, &in, packet, &n));
}
