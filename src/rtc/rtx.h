/*
 * Resends on a stream of their own (RFC 4588): payload type and SSRC are RTX's, its sequence
 * numbers count resends, and the first two bytes of the payload are the original's number.
 * Thread: any; pure.
 */
#ifndef RTC_RTX_H
#define RTC_RTX_H

#include "rtc/rtp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_RTX_OSN_LEN 2 /* bytes: RFC 4588, 4 */

/**
 * Turns a resend back into the original packet, in place: the header moves RTC_RTX_OSN_LEN bytes
 * towards the payload and gets its number, `pt` and `ssrc`, so the packet begins that many bytes
 * later and is that much shorter. `rtp` is what was read from it and becomes what the original's
 * would be. False when it carries no original: RTX streams also carry empty probes.
 */
bool rtc_rtx_unwrap(uint8_t *packet, struct rtc_rtp *rtp, uint8_t pt, uint32_t ssrc);

/** Writes the number between the header (with pt, ssrc and seq of RTX) and the original payload. */
static inline void rtc_rtx_write_osn(struct wr *w, uint16_t original) {
    wr_u16(w, original);
}

#endif
