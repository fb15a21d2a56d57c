/* OPEN and ACK of RFC 8832. */
#include "rtc/dcep.h"

#include "core/cur.h"

#define ACK       0x02
#define OPEN      0x03
#define UNORDERED 0x80 /* of the channel type; the rest is enum rtc_dcep_limit */

enum rtc_dcep_type rtc_dcep_read(const uint8_t *data, size_t len, struct rtc_dcep_open *ret) {
    struct cur c = cur_make(data, len);
    struct rtc_dcep_open open = { 0 };
    uint8_t type = cur_u8(&c);
    if (type == ACK && len == RTC_DCEP_ACK_BYTES) {
        return RTC_DCEP_ACK;
    }
    uint8_t channel = cur_u8(&c);
    open.priority = cur_u16(&c);
    open.limit_value = cur_u32(&c);
    open.label_len = cur_u16(&c);
    open.protocol_len = cur_u16(&c);
    open.label = (const char *)cur_take(&c, open.label_len);
    open.protocol = (const char *)cur_take(&c, open.protocol_len);
    unsigned limit = channel & ~UNORDERED;
    if (c.bad || cur_left(&c) > 0 || type != OPEN || limit > RTC_DCEP_LIFETIME) {
        return RTC_DCEP_NONE;
    }
    open.limit = (enum rtc_dcep_limit)limit;
    open.limit_value = limit == RTC_DCEP_RELIABLE ? 0 : open.limit_value; /* to be ignored */
    open.unordered = (channel & UNORDERED) != 0;
    *ret = open;
    return RTC_DCEP_OPEN;
}

size_t rtc_dcep_write_open(const struct rtc_dcep_open *open, uint8_t *out, size_t cap) {
    struct wr w = wr_make(out, cap);
    wr_u8(&w, OPEN);
    wr_u8(&w, (uint8_t)(open->limit | (open->unordered ? UNORDERED : 0)));
    wr_u16(&w, open->priority);
    wr_u32(&w, open->limit_value);
    wr_u16(&w, open->label_len);
    wr_u16(&w, open->protocol_len);
    wr_bytes(&w, open->label, open->label_len);
    wr_bytes(&w, open->protocol, open->protocol_len);
    return w.bad ? 0 : wr_len(&w);
}

size_t rtc_dcep_write_ack(uint8_t *out, size_t cap) {
    struct wr w = wr_make(out, cap);
    wr_u8(&w, ACK);
    return w.bad ? 0 : wr_len(&w);
}
