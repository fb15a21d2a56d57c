/*
 * Opus packets (RFC 6716, 3.1) and Opus within RED (RFC 2198). With end-to-end encryption the table
 * of contents, the first byte, is in clear; RED's heads are not, so nothing of RED may be read
 * then. Thread: any; pure.
 */
#ifndef RTC_CODEC_OPUS_H
#define RTC_CODEC_OPUS_H

#include "core/cur.h"

#include <stdbool.h>
#include <stdint.h>

#define RTC_OPUS_CLOCK     48000 /* Hz: RFC 7587, 4.1, whatever the sampling */
#define RTC_RED_BLOCKS_MAX 9     /* redundant blocks before the primary: libwebrtc's most */

struct rtc_opus {
    uint32_t ticks; /* the time that the packet spans, at RTC_OPUS_CLOCK; 0 when not known */
    bool stereo;
    bool dtx; /* nothing is said: one or two bytes (RFC 6716, 2.1.9), or none at all */
};

/** Reads the table of contents. False for an empty payload, and for times beyond 120 ms. */
bool rtc_opus_parse(struct cur payload, struct rtc_opus *ret);

/** The primary block of a RED payload, for a listener who does not know RED: its bytes and payload
 * type. False when it is malformed. */
bool rtc_red_primary(struct cur payload, struct cur *ret_block, uint8_t *ret_pt);

#endif
