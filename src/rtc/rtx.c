/* Resends unwrapped: RFC 4588, 4. */
#include "rtc/rtx.h"

bool rtc_rtx_unwrap(uint8_t *packet, struct rtc_rtp *rtp, uint8_t pt, uint32_t ssrc) {
    if (rtp->payload_len < RTC_RTX_OSN_LEN) {
        return false;
    }
    uint16_t original = be16_get(packet + rtp->payload_off);
    uint8_t *moved = packet + RTC_RTX_OSN_LEN;
    memmove(moved, packet, rtp->payload_off);
    rtc_rtp_set_seq(moved, original);
    rtc_rtp_set_ssrc(moved, ssrc);
    rtc_rtp_set_pt(moved, pt);
    rtp->seq = original;
    rtp->ssrc = ssrc;
    rtp->pt = pt & 0x7F;
    rtp->payload_len = (uint16_t)(rtp->payload_len - RTC_RTX_OSN_LEN);
    return true;
}
