/* Which kind of packet the first bytes announce. */
#include "test.h"

#include "rtc/demux.h"

#include <string.h>

TEST(rtc_demux, tells_kinds_apart) {
    static const struct {
        const char *name;
        uint8_t first, second;
        size_t len;
        enum rtc_kind want;
    } rows[] = {
        { "nothing", 0, 0, 0, RTC_KIND_SHORT },
        { "one byte", 128, 0, 1, RTC_KIND_SHORT },
        { "binding request", 0, 1, 20, RTC_KIND_STUN },
        { "last of STUN", 3, 1, 20, RTC_KIND_STUN },
        { "STUN cut", 0, 1, 19, RTC_KIND_SHORT },
        { "between STUN and ZRTP", 4, 0, 100, RTC_KIND_UNKNOWN },
        { "ZRTP", 16, 0, 100, RTC_KIND_UNKNOWN },
        { "change cipher spec", 20, 254, 14, RTC_KIND_DTLS },
        { "handshake", 22, 254, 13, RTC_KIND_DTLS },
        { "handshake cut", 22, 254, 12, RTC_KIND_SHORT },
        { "last of DTLS", 63, 0, 13, RTC_KIND_DTLS },
        { "first of TURN", 64, 0, 4, RTC_KIND_TURN },
        { "last of TURN", 79, 255, 100, RTC_KIND_TURN },
        { "behind TURN", 80, 0, 100, RTC_KIND_UNKNOWN },
        { "before RTP", 127, 0, 100, RTC_KIND_UNKNOWN },
        { "opus", 128, 111, 12, RTC_KIND_RTP },
        { "RTP cut", 128, 111, 11, RTC_KIND_SHORT },
        { "payload type 63 with marker", 0x90, 191, 12, RTC_KIND_RTP },
        { "first of RTCP", 0x80, 192, 8, RTC_KIND_RTCP },
        { "sender report", 0x80, 200, 28, RTC_KIND_RTCP },
        { "last of RTCP", 0x9F, 223, 8, RTC_KIND_RTCP },
        { "RTCP cut", 0x80, 200, 7, RTC_KIND_SHORT },
        { "payload type 96 with marker", 0x80, 224, 12, RTC_KIND_RTP },
        { "last of RTP", 191, 0, 12, RTC_KIND_RTP },
        { "behind RTP", 192, 0, 100, RTC_KIND_UNKNOWN },
        { "the last byte", 255, 255, 100, RTC_KIND_UNKNOWN },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t data[128] = { r->first, r->second };
        CHECK_INT(r->want, rtc_demux(data, r->len));
    }
}
