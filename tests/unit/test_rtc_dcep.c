#include "test.h"

#include "rtc/dcep.h"

#include <string.h>

#define HEX(s) (const uint8_t *)(s), sizeof(s) - 1

TEST(rtc_dcep, reads_what_rfc_8832_says_and_nothing_else) {
    static const struct {
        const char *name;
        const uint8_t *data;
        size_t len;
        enum rtc_dcep_type want;
        struct rtc_dcep_open open;
    } rows[] = {
        { "an ACK", HEX("\x02"), RTC_DCEP_ACK, { 0 } },
        { "an ACK with more", HEX("\x02\x00"), RTC_DCEP_NONE, { 0 } },
        { "reliable", HEX("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00hi"), RTC_DCEP_OPEN,
            { .label = "hi", .label_len = 2 } },
        { "reliable, with a number that means nothing",
            HEX("\x03\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00"), RTC_DCEP_OPEN, { 0 } },
        { "unordered, one resend", HEX("\x03\x81\x01\x00\x00\x00\x00\x01\x00\x02\x00\x01hip"),
            RTC_DCEP_OPEN, { RTC_DCEP_RESENDS, 1, 256, true, "hi", "p", 2, 1 } },
        { "ordered, half a second", HEX("\x03\x02\x00\x00\x00\x00\x01\xf4\x00\x00\x00\x00"),
            RTC_DCEP_OPEN, { .limit = RTC_DCEP_LIFETIME, .limit_value = 500 } },
        { "a type of the future", HEX("\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
            RTC_DCEP_NONE, { 0 } },
        { "another message", HEX("\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), RTC_DCEP_NONE,
            { 0 } },
        { "a label cut short", HEX("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00hi"),
            RTC_DCEP_NONE, { 0 } },
        { "bytes behind", HEX("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00hi"), RTC_DCEP_NONE,
            { 0 } },
        { "nothing", HEX(""), RTC_DCEP_NONE, { 0 } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_dcep_open got = { 0 };
        CHECK_INT(r->want, rtc_dcep_read(r->data, r->len, &got));
        CHECK_INT(r->open.limit, got.limit);
        CHECK_INT(r->open.limit_value, got.limit_value);
        CHECK_INT(r->open.priority, got.priority);
        CHECK_INT(r->open.unordered, got.unordered);
        CHECK_INT(r->open.label_len, got.label_len);
        CHECK_INT(r->open.protocol_len, got.protocol_len);
        CHECK(got.label_len == 0 || memcmp(r->open.label, got.label, got.label_len) == 0);
        CHECK(
            got.protocol_len == 0 || memcmp(r->open.protocol, got.protocol, got.protocol_len) == 0);
    }
}

TEST(rtc_dcep, writes_what_fits) {
    uint8_t out[32];
    struct rtc_dcep_open open = { .limit = RTC_DCEP_RESENDS,
        .limit_value = 3,
        .unordered = true,
        .label = "_lossy",
        .label_len = 6 };
    CHECK_INT(18, rtc_dcep_write_open(&open, out, sizeof(out)));
    CHECK(memcmp(out, "\x03\x81\x00\x00\x00\x00\x00\x03\x00\x06\x00\x00_lossy", 18) == 0);
    CHECK_INT(18, rtc_dcep_write_open(&open, out, 18));
    CHECK_INT(0, rtc_dcep_write_open(&open, out, 17));
    CHECK_INT(1, rtc_dcep_write_ack(out, 1));
    CHECK_INT(2, out[0]);
    CHECK_INT(0, rtc_dcep_write_ack(out, 0));
}
