#include "test.h"

#include "rtc/datatrack.h"

#include <string.h>

#define BYTES(s)    (const uint8_t *)(s), sizeof(s) - 1
#define HEAD(flags) flags "\x00\x12\x34\x00\x07\x00\x09\x11\x22\x33\x44"
#define E2EE                                                                                       \
    "\x01\x0d\x03"                                                                                 \
    "abcdefghijkl"
#define TIME                                                                                       \
    "\x02\x08"                                                                                     \
    "12345678"

TEST(rtc_datatrack, reads_a_head) {
    static const struct {
        const char *name;
        const uint8_t *bytes;
        size_t len;
        unsigned version, starts, ends, n_extensions;
        size_t payload_off; /* 0: no packet */
    } rows[] = {
        { "a frame alone", BYTES(HEAD("\x18") "hi"), 0, 1, 1, 0, 12 },
        { "a first packet", BYTES(HEAD("\x10") "hi"), 0, 1, 0, 0, 12 },
        { "a last one", BYTES(HEAD("\x08") "hi"), 0, 0, 1, 0, 12 },
        { "one between", BYTES(HEAD("\x00") "hi"), 0, 0, 0, 0, 12 },
        { "without payload", BYTES(HEAD("\x18")), 0, 1, 1, 0, 12 },
        { "a later version", BYTES(HEAD("\xf8") "hi"), 7, 1, 1, 0, 12 },
        { "reserved bits", BYTES("\x1b\xff\x12\x34\x00\x07\x00\x09\x11\x22\x33\x44"), 0, 1, 1, 0,
            12 },
        { "encrypted, padded",
            BYTES(HEAD("\x1c") "\x00\x04" E2EE "\x00\x00\x00"
                               "secret"),
            0, 1, 1, 1, 32 },
        { "two extensions",
            BYTES(HEAD("\x1c") "\x00\x06" E2EE TIME "\x00"
                               "hi"),
            0, 1, 1, 2, 40 },
        { "an unknown one, without bytes",
            BYTES(HEAD("\x1c") "\x00\x00\x63\x00"
                               "hi"),
            0, 1, 1, 1, 16 },
        { "nothing but padding",
            BYTES(HEAD("\x1c") "\x00\x00\x00\x00"
                               "hi"),
            0, 1, 1, 0, 16 },
        { "padding is not looked into", BYTES(HEAD("\x1c") "\x00\x01\x00\x01\xff\xff\xff\xff"), 0,
            1, 1, 0, 20 },
        { "nothing", BYTES(""), 0, 0, 0, 0, 0 },
        { "a head too short", BYTES("\x18\x00\x12\x34\x00\x07\x00\x09\x11\x22\x33"), 0, 0, 0, 0,
            0 },
        { "handle 0", BYTES("\x18\x00\x00\x00\x00\x07\x00\x09\x11\x22\x33\x44hi"), 0, 0, 0, 0, 0 },
        { "extensions announced, not there", BYTES(HEAD("\x1c")), 0, 0, 0, 0, 0 },
        { "fewer than announced", BYTES(HEAD("\x1c") "\x00\x04" E2EE), 0, 0, 0, 0, 0 },
        { "as many as can be announced", BYTES(HEAD("\x1c") "\xff\xff" E2EE), 0, 0, 0, 0, 0 },
        { "one longer than all",
            BYTES(HEAD("\x1c") "\x00\x00\x01\x01"
                               "hi"),
            0, 0, 0, 0, 0 },
        { "an id without a length",
            BYTES(HEAD("\x1c") "\x00\x01\x01\x03"
                               "abc\x01"),
            0, 0, 0, 0, 0 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_datatrack t;
        ROW(r->name);
        const bool fine = rtc_datatrack_read(r->bytes, r->len, &t);
        CHECK_INT(r->payload_off > 0, fine);
        if (fine) {
            CHECK_INT(r->version, t.version);
            CHECK_INT(r->starts, t.starts);
            CHECK_INT(r->ends, t.ends);
            CHECK_INT(r->n_extensions, t.n_extensions);
            CHECK_INT(r->payload_off, t.payload_off);
            CHECK_INT(0x1234, t.handle);
            CHECK_INT(7, t.sequence);
            CHECK_INT(9, t.frame);
            CHECK_INT(0x11223344, t.timestamp);
        }
    }
}

TEST(rtc_datatrack, changes_the_handle_alone) {
    static const char before[] = HEAD("\x1c") "\x00\x04" E2EE "\x00\x00\x00"
                                              "secret";
    uint8_t bytes[sizeof(before) - 1];
    struct rtc_datatrack t;
    memcpy(bytes, before, sizeof(bytes));
    rtc_datatrack_set_handle(bytes, 0xfffe);
    CHECK(rtc_datatrack_read(bytes, sizeof(bytes), &t));
    CHECK_INT(0xfffe, t.handle);
    CHECK(memcmp(bytes, before, 2) == 0);
    CHECK(memcmp(bytes + 4, before + 4, sizeof(bytes) - 4) == 0);
}
