/* Round-trip times: RFC 3550, 6.4.1 (LSR, DLSR), RFC 3611, 4.5 (LRR, DLRR). */
#include "rtc/rtt.h"

#include "rtc/ntp.h"

_Static_assert(sizeof(struct rtc_rtt) <= 80, "the header says so");

void rtc_rtt_sent(struct rtc_rtt *r, uint64_t ntp, int64_t now_us) {
    r->echo[r->next] = rtc_ntp_middle(ntp);
    r->sent_us[r->next] = now_us;
    r->next = (uint8_t)((r->next + 1) % RTC_RTT_SENT);
}

bool rtc_rtt_echoed(struct rtc_rtt *r, uint32_t lsr, uint32_t dlsr, int64_t now_us) {
    for (unsigned i = 0; i < RTC_RTT_SENT && lsr != 0; i++) {
        int64_t rtt = now_us - r->sent_us[i] - rtc_short_to_us(dlsr);
        if (r->echo[i] != lsr || rtt > RTC_RTT_MAX_US || rtt < -1000) {
            continue; /* a delay that was rounded up may be a little more than the truth */
        }
        r->last_us = rtt > 0 ? rtt : 1;
        r->smooth_us =
            r->smooth_us == 0 ? r->last_us : r->smooth_us + (r->last_us - r->smooth_us) / 8;
        return true;
    }
    return false;
}
