/* SRTCP: as fuzz_rtc_srtp, for reports. libsrtp2 counts its own indexes, so sealed bytes are
 * compared among the others alone. */
#include "fuzz.h"

#include "tests/unit/srtp_kinds.h"

#include <assert.h>
#include <string.h>

#define HEAD 4 /* suite and use, where to flip (two bytes), which bits */

static struct srtp_kinds kinds;
static size_t n_kinds; /* of them, for this input */

static struct rtc_srtp_in *in_open(struct rtc_seal *s, enum rtc_srtp_suite suite) {
    struct rtc_srtp_master m = master_of(suite, 1);
    struct rtc_srtp_in *in = NULL;
    assert(rtc_srtp_in_create(s, &m, 2, &in) == OK);
    return in;
}

static enum rtc_srtp_verdict open_with(
    struct rtc_seal *s, enum rtc_srtp_suite suite, uint8_t *packet, size_t *len) {
    struct rtc_srtp_in *in = in_open(s, suite);
    size_t before = *len;
    enum rtc_srtp_verdict v = rtc_srtp_open_rtcp(in, packet, len);
    assert(v == RTC_SRTP_OK ? *len < before : *len == before);
    rtc_srtp_in_destroy(in);
    return v;
}

static void open_wire(enum rtc_srtp_suite suite, const uint8_t *data, size_t len) {
    enum rtc_srtp_verdict first = RTC_SRTP_OK;
    for (size_t i = 0; i < n_kinds; i++) {
        uint8_t packet[PACKET_ROOM];
        size_t n = len;
        memcpy(packet, data, len);
        enum rtc_srtp_verdict v = open_with(kinds.of[i], suite, packet, &n);
        assert(i == 0 || v == first);
        first = v;
    }
}

static bool seal_with(struct rtc_seal *s, enum rtc_srtp_suite suite, uint8_t *packet, size_t *len) {
    struct rtc_srtp_master m = master_of(suite, 1);
    struct rtc_srtp_out *out = NULL;
    assert(rtc_srtp_out_create(s, &m, &out) == OK);
    enum rtc_srtp_verdict v = rtc_srtp_seal_rtcp(out, packet, len, PACKET_ROOM);
    assert(v == RTC_SRTP_OK || v == RTC_SRTP_MALFORMED);
    rtc_srtp_out_destroy(out);
    return v == RTC_SRTP_OK;
}

static void there_and_back(
    enum rtc_srtp_suite suite, const uint8_t *control, const uint8_t *plain, size_t len) {
    uint8_t first[PACKET_ROOM], packet[PACKET_ROOM];
    for (size_t i = 0; i < n_kinds; i++) {
        size_t n = len;
        memcpy(packet, plain, len);
        if (!seal_with(kinds.of[i], suite, packet, &n)) {
            return;
        }
        if (kinds.of[i]->kind != &rtc_seal_srtp2) {
            assert(i == 0 || memcmp(first, packet, n) == 0);
            memcpy(first, packet, n);
        }
        packet[(size_t)(control[1] << 8 | control[2]) % n] ^= control[3];
        /* Opened by the next kind. */
        enum rtc_srtp_verdict v = open_with(kinds.of[(i + 1) % n_kinds], suite, packet, &n);
        assert((v == RTC_SRTP_OK) == (control[3] == 0));
        assert(v != RTC_SRTP_OK || (n == len && memcmp(packet, plain, len) == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (kinds.n == 0) {
        assert(srtp_kinds_open(&kinds) == OK);
    }
    if (len < HEAD || len > 1500) {
        return 0;
    }
    /* libsrtp2, the last, takes a millisecond to make its sessions: only where the input says so.
     */
    n_kinds = (data[0] & 0x40) != 0 ? kinds.n : kinds.n - 1;
    enum rtc_srtp_suite suite = (enum rtc_srtp_suite)(data[0] % RTC_SRTP_SUITES);
    if ((data[0] & 0x80) != 0) {
        open_wire(suite, data + HEAD, len - HEAD);
    } else {
        there_and_back(suite, data, data + HEAD, len - HEAD);
    }
    return 0;
}
