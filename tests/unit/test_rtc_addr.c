/* Addresses in one form. */
#include "test.h"

#include "rtc/addr.h"

#include <string.h>

TEST(rtc_addr, reads_and_writes) {
    static const struct {
        const char *name, *text, *want; /* want NULL = refused */
        bool v4;
    } rows[] = {
        { "IPv4", "192.0.2.7", "192.0.2.7", true },
        { "IPv6", "2001:db8::1", "2001:db8::1", false },
        { "IPv6 in full", "2001:0DB8:0:0:0:0:0:1", "2001:db8::1", false },
        { "mapped is IPv4", "::ffff:192.0.2.7", "192.0.2.7", true },
        { "any", "0.0.0.0", "0.0.0.0", true },
        { "nothing", "", NULL, false },
        { "a name", "a1b2.local", NULL, false },
        { "with a port", "192.0.2.7:80", NULL, false },
        { "with a zone", "fe80::1%eth0", NULL, false },
        { "too long", "1111:2222:3333:4444:5555:6666:255.255.255.255.0", NULL, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_addr a = { .port = 9, .tcp = 1 };
        struct rtc_addr before = a;
        CHECK_INT(r->want != NULL, rtc_addr_read_ip(r->text, strlen(r->text), &a));
        if (r->want == NULL) {
            CHECK(rtc_addr_equal(&a, &before));
            continue;
        }
        char text[RTC_ADDR_TEXT_SIZE];
        rtc_addr_write_ip(&a, text);
        CHECK_STR(r->want, text);
        CHECK_INT(r->v4, rtc_addr_is_v4(&a));
        CHECK_INT(9, a.port);
        CHECK_INT(1, a.tcp);
    }
}

TEST(rtc_addr, differs_by_each_part) {
    static const uint8_t one[4] = { 192, 0, 2, 1 };
    static const uint8_t two[4] = { 192, 0, 2, 2 };
    struct rtc_addr a = rtc_addr_v4(one, 7, false);
    struct rtc_addr same = rtc_addr_v4(one, 7, false);
    struct rtc_addr others[] = { rtc_addr_v4(two, 7, false), rtc_addr_v4(one, 8, false),
        rtc_addr_v4(one, 7, true) };
    CHECK(rtc_addr_equal(&a, &same));
    FOR_ROWS (others, o) {
        CHECK(!rtc_addr_equal(&a, o));
    }
}
