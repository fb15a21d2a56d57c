/* SRTCP of each kind against each other. */
#include "test.h"
#include "tests/unit/srtp_kinds.h"

#include <stdio.h>
#include <string.h>

static size_t write_report(uint8_t *packet, uint32_t ssrc, size_t words) {
    memset(packet, 0x55, 4 * words);
    packet[0] = 0x80;
    packet[1] = 200;
    packet[2] = 0;
    packet[3] = (uint8_t)(words - 1);
    packet[4] = (uint8_t)(ssrc >> 24);
    packet[5] = (uint8_t)(ssrc >> 16);
    packet[6] = (uint8_t)(ssrc >> 8);
    packet[7] = (uint8_t)ssrc;
    return 4 * words;
}

struct ends {
    struct rtc_srtp_out *out;
    struct rtc_srtp_in *in;
    size_t growth, index_at; /* of the trailer, from the packet's end */
};

static void ends_open(
    struct rtc_seal *from, struct rtc_seal *to, enum rtc_srtp_suite suite, struct ends *ret) {
    struct rtc_srtp_master m = master_of(suite, 3);
    const struct rtc_srtp_sizes *sizes = rtc_srtp_sizes(suite);
    CHECK_ERR(OK, rtc_srtp_out_create(from, &m, &ret->out));
    CHECK_ERR(OK, rtc_srtp_in_create(to, &m, 4, &ret->in));
    ret->growth = (size_t)sizes->rtcp_tag + RTC_SRTCP_INDEX;
    ret->index_at = sizes->gcm ? 4 : ret->growth;
}

static void ends_close(struct ends *e) {
    rtc_srtp_out_destroy(e->out);
    rtc_srtp_in_destroy(e->in);
}

static void check_reports(struct ends *e) {
    for (size_t words = 2; words < 200; words += words < 20 ? 1 : 37) {
        uint8_t packet[PACKET_ROOM], want[PACKET_ROOM];
        size_t len = write_report(packet, (uint32_t)words, words), plain = len;
        write_report(want, (uint32_t)words, words);
        CHECK_INT(RTC_SRTP_OK, rtc_srtp_seal_rtcp(e->out, packet, &len, sizeof(packet)));
        CHECK_INT(plain + e->growth, len);
        CHECK(memcmp(packet, want, 8) == 0);
        CHECK(words == 2 || memcmp(packet + 8, want + 8, plain - 8) != 0);
        CHECK(packet[len - e->index_at] >> 7 == 1);
        CHECK_INT(RTC_SRTP_OK, rtc_srtp_open_rtcp(e->in, packet, &len));
        CHECK_INT(plain, len);
        CHECK(memcmp(packet, want, plain) == 0);
    }
}

static enum rtc_srtp_verdict open_copy(
    struct ends *e, const uint8_t *packet, size_t len, size_t flip, uint8_t bits) {
    uint8_t copy[PACKET_ROOM];
    memcpy(copy, packet, len);
    if (flip < len) {
        copy[flip] ^= bits;
    }
    return rtc_srtp_open_rtcp(e->in, copy, &len);
}

static void check_hostile(struct ends *e) {
    uint8_t packet[PACKET_ROOM];
    size_t len = write_report(packet, 9, 10);
    CHECK_INT(RTC_SRTP_OK, rtc_srtp_seal_rtcp(e->out, packet, &len, sizeof(packet)));
    for (size_t at = 0; at < len; at++) {
        enum rtc_srtp_verdict v = open_copy(e, packet, len, at, 0x01);
        CHECK(v == RTC_SRTP_FORGED || v == RTC_SRTP_MALFORMED);
    }
    for (size_t n = 0; n < len; n++) {
        CHECK(open_copy(e, packet, n, n, 0) != RTC_SRTP_OK);
    }
    CHECK_INT(RTC_SRTP_CLEAR, open_copy(e, packet, len, len - e->index_at, 0x80));
    CHECK_INT(RTC_SRTP_MALFORMED, open_copy(e, packet, len, 0, 0xc0));
    CHECK_INT(RTC_SRTP_OK, open_copy(e, packet, len, len, 0));
    CHECK_INT(RTC_SRTP_REPLAYED, open_copy(e, packet, len, len, 0));
    for (size_t i = 0; i < RTC_SRTCP_WINDOW; i++) {
        uint8_t next[PACKET_ROOM];
        size_t n = write_report(next, 9, 10);
        CHECK_INT(RTC_SRTP_OK, rtc_srtp_seal_rtcp(e->out, next, &n, sizeof(next)));
        CHECK_INT(RTC_SRTP_OK, rtc_srtp_open_rtcp(e->in, next, &n));
    }
    CHECK_INT(RTC_SRTP_OLD, open_copy(e, packet, len, len, 0));
}

TEST(rtc_srtcp, every_kind_opens_what_every_kind_seals_and_nothing_else) {
    struct srtp_kinds kinds;
    CHECK_ERR(OK, srtp_kinds_open(&kinds));
    for (size_t i = 0; i < kinds.n * kinds.n * RTC_SRTP_SUITES; i++) {
        struct rtc_seal *from = kinds.of[i / RTC_SRTP_SUITES % kinds.n];
        struct rtc_seal *to = kinds.of[i / RTC_SRTP_SUITES / kinds.n];
        enum rtc_srtp_suite suite = (enum rtc_srtp_suite)(i % RTC_SRTP_SUITES);
        struct ends e = { .out = NULL };
        char row[80];
        snprintf(row, sizeof(row), "%s to %s, %s", rtc_seal_name(from), rtc_seal_name(to),
            rtc_srtp_sizes(suite)->name);
        ROW(row);
        ends_open(from, to, suite, &e);
        check_reports(&e);
        check_hostile(&e);
        ends_close(&e);
    }
    srtp_kinds_close(&kinds);
}

TEST(rtc_srtcp, refuses_to_seal_what_is_no_report_or_has_no_room) {
    struct rtc_seal *s = NULL;
    struct ends e = { .out = NULL };
    uint8_t packet[64];
    size_t len = write_report(packet, 1, 4);
    CHECK_ERR(OK, rtc_seal_create("evp", &s));
    ends_open(s, s, RTC_SRTP_GCM_128, &e);
    CHECK_INT(RTC_SRTP_NO_ROOM, rtc_srtp_seal_rtcp(e.out, packet, &len, 16 + RTC_SRTCP_GROWTH - 1));
    CHECK_INT(RTC_SRTP_NO_ROOM, rtc_srtp_seal_rtcp(e.out, packet, &len, 15));
    len = 7;
    CHECK_INT(RTC_SRTP_MALFORMED, rtc_srtp_seal_rtcp(e.out, packet, &len, sizeof(packet)));
    len = 16;
    packet[0] = 0;
    CHECK_INT(RTC_SRTP_MALFORMED, rtc_srtp_seal_rtcp(e.out, packet, &len, sizeof(packet)));
    packet[0] = 0x80;
    CHECK_INT(RTC_SRTP_OK, rtc_srtp_seal_rtcp(e.out, packet, &len, 16 + RTC_SRTCP_GROWTH));
    CHECK_INT(16 + RTC_SRTCP_GROWTH, len);
    ends_close(&e);
    rtc_seal_destroy(s);
}
