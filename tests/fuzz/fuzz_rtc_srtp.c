/* SRTP: every kind says the same of the same bytes. The first byte chooses suite and use: bytes as
 * they come off the wire; or a plain packet, which comes back through seal and open unless a bit is
 * flipped on the way. */
#include "fuzz.h"

#include "tests/unit/srtp_kinds.h"

#include <assert.h>
#include <string.h>

#define HEAD 4 /* suite and use, where to flip (two bytes), which bits */

static struct srtp_kinds kinds;
static size_t n_kinds; /* of them, for this input */

struct ends {
    struct rtc_srtp_out *out;
    struct rtc_srtp_in *in;
};

static void ends_open(struct rtc_seal *s, enum rtc_srtp_suite suite, struct ends *ret) {
    struct rtc_srtp_master m = master_of(suite, 1);
    assert(rtc_srtp_out_create(s, &m, &ret->out) == OK);
    assert(rtc_srtp_in_create(s, &m, 2, &ret->in) == OK);
}

static void ends_close(struct ends *e) {
    rtc_srtp_out_destroy(e->out);
    rtc_srtp_in_destroy(e->in);
}

static uint8_t open_bytes(struct rtc_seal *s, struct ends *e, uint8_t *packet, uint16_t *len) {
    struct rtc_srtp_got g = { .session = e->in, .packet = packet, .len = *len };
    size_t ok = rtc_srtp_open(s, &g, 1);
    assert(ok == (g.verdict == RTC_SRTP_OK) && g.len <= *len);
    assert(g.verdict != RTC_SRTP_OK || g.head_len <= g.len);
    *len = g.len;
    return g.verdict;
}

static void open_wire(enum rtc_srtp_suite suite, const uint8_t *data, size_t len) {
    uint8_t first = 0;
    for (size_t i = 0; i < n_kinds; i++) {
        uint8_t packet[PACKET_ROOM];
        struct ends e;
        uint16_t n = (uint16_t)len;
        memcpy(packet, data, len);
        ends_open(kinds.of[i], suite, &e);
        uint8_t v = open_bytes(kinds.of[i], &e, packet, &n);
        assert(i == 0 || v == first);
        first = v;
        ends_close(&e);
    }
}

/* Gives the sealed length; `ret` has it. */
static uint16_t seal_plain(
    struct rtc_seal *s, struct ends *e, const uint8_t *plain, size_t len, uint8_t *ret) {
    struct rtc_srtp_sender sender = { 0 };
    size_t head = rtc_srtp_head_len(plain, len);
    memcpy(ret, plain, head);
    struct rtc_srtp_job j = { .session = e->out,
        .sender = &sender,
        .body = plain + head,
        .packet = ret,
        .head_len = (uint16_t)head,
        .body_len = (uint16_t)(len - head),
        .room = PACKET_ROOM };
    size_t ok = rtc_srtp_seal(s, &j, 1);
    assert(ok == 1 || head == 0);
    return j.len;
}

static void there_and_back(
    enum rtc_srtp_suite suite, const uint8_t *control, const uint8_t *plain, size_t len) {
    uint8_t first[PACKET_ROOM], packet[PACKET_ROOM];
    for (size_t i = 0; i < n_kinds; i++) {
        struct ends e;
        ends_open(kinds.of[i], suite, &e);
        uint16_t n = seal_plain(kinds.of[i], &e, plain, len, packet);
        if (n > 0) {
            assert(i == 0 || memcmp(first, packet, n) == 0);
            memcpy(first, packet, n);
            packet[(control[1] << 8 | control[2]) % n] ^= control[3];
            uint8_t v = open_bytes(kinds.of[i], &e, packet, &n);
            assert((v == RTC_SRTP_OK) == (control[3] == 0));
            assert(v != RTC_SRTP_OK || (n == len && memcmp(packet, plain, len) == 0));
        }
        ends_close(&e);
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
