/*
 * The messages that open a data channel (RFC 8832, 5): OPEN and ACK, sent on the channel's own
 * stream with PPID 50.
 *
 *     0x03 | type | priority (16) | reliability (32) | label length (16) | protocol length (16)
 *     label | protocol
 *
 * Thread: any; pure; nothing allocates.
 */
#ifndef RTC_DCEP_H
#define RTC_DCEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_DCEP_OPEN_HEAD 12 /* bytes before the label */
#define RTC_DCEP_ACK_BYTES 1

enum rtc_dcep_type { RTC_DCEP_NONE, RTC_DCEP_ACK, RTC_DCEP_OPEN };

enum rtc_dcep_limit {
    RTC_DCEP_RELIABLE,
    RTC_DCEP_RESENDS,  /* `limit_value`: how often a message is sent again */
    RTC_DCEP_LIFETIME, /* … and for how many milliseconds it is tried */
};

struct rtc_dcep_open {
    enum rtc_dcep_limit limit;
    uint32_t limit_value; /* 0 when reliable */
    uint16_t priority;
    bool unordered;
    const char *label, *protocol; /* borrowed, without NUL; any bytes */
    uint16_t label_len, protocol_len;
};

/** What a message of PPID 50 is; `ret` is set when it is RTC_DCEP_OPEN. Bytes behind are
 * RTC_DCEP_NONE, as is a channel type that no RFC knows. */
enum rtc_dcep_type rtc_dcep_read(const uint8_t *data, size_t len, struct rtc_dcep_open *ret);

/** Gives the length; 0 where it does not fit. */
size_t rtc_dcep_write_open(const struct rtc_dcep_open *open, uint8_t *out, size_t cap);
size_t rtc_dcep_write_ack(uint8_t *out, size_t cap);

#endif
