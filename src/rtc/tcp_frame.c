/* The framing of ICE-TCP. */
#include "rtc/tcp_frame.h"

#include "core/cur.h"

#include <assert.h>
#include <string.h>

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

enum rtc_tcp_step rtc_tcp_split(
    struct rtc_tcp_split *s, struct cur *in, uint8_t *packet, size_t *ret_len) {
    while (cur_left(in) > 0) {
        if (s->n_head < RTC_TCP_HEAD) {
            s->head[s->n_head++] = cur_u8(in);
            if (s->n_head < RTC_TCP_HEAD) {
                continue;
            }
            s->want = be16_get(s->head);
            s->have = 0;
            if (s->want > RTC_TCP_FRAME_MOST) {
                s->n_head = 0;
                return RTC_TCP_BROKEN;
            }
        }
        size_t n = least(cur_left(in), (size_t)(s->want - s->have));
        cur_bytes(in, packet + s->have, n);
        s->have = (uint16_t)(s->have + n);
        if (s->have == s->want) {
            s->n_head = 0;
            if (s->want > 0) {
                *ret_len = s->want;
                return RTC_TCP_FRAME;
            }
        }
    }
    return RTC_TCP_MORE;
}

void rtc_tcp_head(size_t len, uint8_t ret[RTC_TCP_HEAD]) {
    assert(len <= UINT16_MAX);
    be16_put(ret, (uint16_t)len);
}
