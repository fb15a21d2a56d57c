/* First bytes and what they mean, as a table over the ranges of RFC 7983, 7. */
#include "rtc/demux.h"

#include "core/mem.h"

/* RFC 5761, 4: RTCP's packet types 192 to 223 would be RTP's payload types 64 to 95 with the marker
 * set, which nobody may use when both share a port. */
#define RTCP_FIRST 192
#define RTCP_LAST  223

static const struct range {
    uint8_t first, last;
    uint8_t head; /* bytes it has at least */
    uint8_t kind;
} ranges[] = {
    { 128, 191, RTC_RTP_HEAD, RTC_KIND_RTP }, /* the most frequent first */
    { 0, 3, RTC_STUN_HEAD, RTC_KIND_STUN },
    { 20, 63, RTC_DTLS_HEAD, RTC_KIND_DTLS },
    { 64, 79, 4, RTC_KIND_TURN },
};

enum rtc_kind rtc_demux(const uint8_t *data, size_t len) {
    if (len < 2) {
        return RTC_KIND_SHORT;
    }
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        const struct range *r = &ranges[i];
        if (data[0] < r->first || data[0] > r->last) {
            continue;
        }
        if (r->kind == RTC_KIND_RTP && data[1] >= RTCP_FIRST && data[1] <= RTCP_LAST) {
            return len < RTC_RTCP_HEAD ? RTC_KIND_SHORT : RTC_KIND_RTCP;
        }
        return len < r->head ? RTC_KIND_SHORT : (enum rtc_kind)r->kind;
    }
    return RTC_KIND_UNKNOWN;
}
