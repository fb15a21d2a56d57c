/* What we offer, and the lines that others and we write. */
#include "test.h"

#include "rtc/candidate.h"

#include <stdio.h>
#include <string.h>

static struct rtc_addr addr_of(const char *ip, uint16_t port, bool tcp) {
    struct rtc_addr a = { .port = port, .tcp = tcp };
    CHECK(rtc_addr_read_ip(ip, strlen(ip), &a));
    return a;
}

TEST(rtc_candidate, computes_priorities_of_the_rfc) {
    static const struct {
        const char *name;
        enum rtc_candidate_type type;
        bool tcp;
        uint16_t local, component;
        uint32_t want;
    } rows[] = {
        { "the best host", RTC_CANDIDATE_HOST, false, 65535, 1, 2130706431 },
        { "its RTCP", RTC_CANDIDATE_HOST, false, 65535, 2, 2130706430 },
        { "reflexive", RTC_CANDIDATE_SRFLX, false, 65535, 1, 1694498815 },
        { "relay", RTC_CANDIDATE_RELAY, false, 65535, 1, 50331647 },
        { "passive TCP", RTC_CANDIDATE_HOST, true, 40959, 1, 1520435199 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, rtc_candidate_priority(r->type, r->tcp, r->local, r->component));
    }
}

TEST(rtc_candidate, offers_udp_before_tcp_each_with_its_own_priority) {
    struct rtc_addr announced[] = { addr_of("192.0.2.1", 7882, true),
        addr_of("192.0.2.1", 7881, false), addr_of("2001:db8::1", 7881, false),
        addr_of("2001:db8::1", 7882, true) };
    struct rtc_candidate got[8];
    CHECK_INT(4, rtc_candidate_offer(announced, 4, got, 8));
    static const char *const want[] = { "udp 2130706431 192.0.2.1 7881 typ host",
        "udp 2130706175 2001:db8::1 7881 typ host",
        "tcp 1520434687 192.0.2.1 7882 typ host tcptype passive",
        "tcp 1520434431 2001:db8::1 7882 typ host tcptype passive" };
    for (size_t i = 0; i < 4; i++) {
        char text[RTC_CANDIDATE_TEXT_SIZE];
        size_t n = rtc_candidate_write(&got[i], text);
        CHECK_INT(strlen(text), n);
        const char *rest = strstr(text, " 1 ");
        CHECK_STR(want[i], rest == NULL ? text : rest + 3);
        for (size_t j = 0; j < i; j++) {
            CHECK(strcmp(got[i].foundation, got[j].foundation) != 0);
            CHECK(got[i].priority < got[j].priority);
        }
    }
    CHECK_INT(2, rtc_candidate_offer(announced, 4, got, 2));
    CHECK_INT(0, rtc_candidate_offer(announced, 0, got, 8));
}

TEST(rtc_candidate, the_foundation_does_not_depend_on_the_port) {
    struct rtc_addr announced[] = { addr_of("192.0.2.1", 1, false),
        addr_of("192.0.2.1", 2, false) };
    struct rtc_candidate got[2];
    CHECK_INT(2, rtc_candidate_offer(announced, 2, got, 2));
    CHECK_STR(got[0].foundation, got[1].foundation);
}

TEST(rtc_candidate, offers_no_more_than_its_limit) {
    struct rtc_addr many[RTC_CANDIDATES_MAX + 4];
    struct rtc_candidate got[RTC_CANDIDATES_MAX + 4];
    for (size_t i = 0; i < RTC_CANDIDATES_MAX + 4; i++) {
        many[i] = addr_of("192.0.2.1", (uint16_t)(i + 1), false);
    }
    CHECK_INT(RTC_CANDIDATES_MAX,
        rtc_candidate_offer(many, RTC_CANDIDATES_MAX + 4, got, RTC_CANDIDATES_MAX + 4));
}

TEST(rtc_candidate, reads_what_clients_write) {
    static const struct {
        const char *name, *text, *want; /* want NULL = refused */
    } rows[] = {
        { "Chromium",
            "candidate:842163049 1 udp 1677729535 203.0.113.5 46154 typ srflx raddr 10.0.0.2 rport "
            "46154 generation 0 ufrag EsAw network-cost 999",
            "candidate:842163049 1 udp 1677729535 203.0.113.5 46154 typ srflx raddr 10.0.0.2 rport "
            "46154" },
        { "Firefox, with a=", "a=candidate:0 1 UDP 2122252543 192.0.2.9 54400 typ host",
            "candidate:0 1 udp 2122252543 192.0.2.9 54400 typ host" },
        { "active TCP", "candidate:1 1 tcp 1518280447 192.0.2.9 9 typ host tcptype active",
            "candidate:1 1 tcp 1518280447 192.0.2.9 9 typ host tcptype active" },
        { "IPv6", "candidate:1 2 udp 1 2001:db8::2 7 typ relay raddr 2001:db8::3 rport 8",
            "candidate:1 2 udp 1 2001:db8::2 7 typ relay raddr 2001:db8::3 rport 8" },
        { "related address hidden",
            "candidate:1 1 udp 1 192.0.2.9 7 typ srflx raddr 0.0.0.0 rport 0",
            "candidate:1 1 udp 1 192.0.2.9 7 typ srflx" },
        { "peer reflexive", "candidate:+/ 1 udp 1 192.0.2.9 7 typ prflx",
            "candidate:+/ 1 udp 1 192.0.2.9 7 typ prflx" },
        { "a name", "candidate:1 1 udp 1 0b6c.local 7 typ host", NULL },
        { "not a candidate", "a=mid:0", NULL },
        { "empty", "", NULL },
        { "cut", "candidate:1 1 udp 1 192.0.2.9 7 typ", NULL },
        { "component 0", "candidate:1 0 udp 1 192.0.2.9 7 typ host", NULL },
        { "component 257", "candidate:1 257 udp 1 192.0.2.9 7 typ host", NULL },
        { "priority too large", "candidate:1 1 udp 4294967296 192.0.2.9 7 typ host", NULL },
        { "port too large", "candidate:1 1 udp 1 192.0.2.9 65536 typ host", NULL },
        { "rport no number", "candidate:1 1 udp 1 192.0.2.9 7 typ host rport x", NULL },
        { "SCTP", "candidate:1 1 sctp 1 192.0.2.9 7 typ host", NULL },
        { "unknown type", "candidate:1 1 udp 1 192.0.2.9 7 typ home", NULL },
        { "TCP that says not who connects", "candidate:1 1 tcp 1 192.0.2.9 7 typ host", NULL },
        { "UDP that connects", "candidate:1 1 udp 1 192.0.2.9 7 typ host tcptype so", NULL },
        { "foundation too long",
            "candidate:123456789012345678901234567890123 1 udp 1 192.0.2.9 7 typ host", NULL },
        { "foundation of other characters", "candidate:a-b 1 udp 1 192.0.2.9 7 typ host", NULL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_candidate c;
        CHECK_INT(r->want != NULL, rtc_candidate_read(r->text, strlen(r->text), &c));
        if (r->want != NULL) {
            char text[RTC_CANDIDATE_TEXT_SIZE];
            rtc_candidate_write(&c, text);
            CHECK_STR(r->want, text);
        }
    }
}

TEST(rtc_candidate, the_longest_line_fits) {
    struct rtc_candidate c = { .type = RTC_CANDIDATE_SRFLX,
        .tcptype = RTC_TCP_PASSIVE,
        .component = 256,
        .priority = UINT32_MAX,
        .addr = addr_of("1111:2222:3333:4444:5555:6666:7777:8888", 65535, true),
        .related = addr_of("1111:2222:3333:4444:5555:6666:7777:8888", 65535, true) };
    memset(c.foundation, 'x', RTC_FOUNDATION_MAX);
    char text[RTC_CANDIDATE_TEXT_SIZE];
    size_t n = rtc_candidate_write(&c, text);
    struct rtc_candidate back;
    CHECK(rtc_candidate_read(text, n, &back));
    CHECK(rtc_addr_equal(&c.addr, &back.addr) && rtc_addr_equal(&c.related, &back.related));
    CHECK_INT(c.priority, back.priority);
}

TEST(rtc_candidate, refuses_a_line_beyond_its_limit) {
    char text[RTC_CANDIDATE_TEXT_MAX + 2];
    memset(text, ' ', sizeof(text));
    static const char sound[] = "candidate:1 1 udp 1 192.0.2.9 7 typ host";
    memcpy(text, sound, sizeof(sound) - 1);
    struct rtc_candidate c;
    CHECK(rtc_candidate_read(text, RTC_CANDIDATE_TEXT_MAX, &c));
    CHECK(!rtc_candidate_read(text, RTC_CANDIDATE_TEXT_MAX + 1, &c));
}
