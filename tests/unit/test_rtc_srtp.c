/* Each kind against each other, libsrtp2 among them: what one seals the other opens, and the bytes
 * are the same. */
#include "test.h"
#include "tests/unit/srtp_kinds.h"

#include <stdio.h>
#include <string.h>

#define SSRC 0xcafe0001U

struct pair {
    struct rtc_srtp_out *out;
    struct rtc_srtp_in *in;
    struct rtc_srtp_sender sender;
};

static void pair_close(struct pair *p) {
    rtc_srtp_out_destroy(p->out);
    rtc_srtp_in_destroy(p->in);
    *p = (struct pair){ .out = NULL };
}

static enum err pair_open(
    struct rtc_seal *from, struct rtc_seal *to, enum rtc_srtp_suite suite, struct pair *ret) {
    struct rtc_srtp_master m = master_of(suite, 7);
    TRY(rtc_srtp_out_create(from, &m, &ret->out));
    return rtc_srtp_in_create(to, &m, 4, &ret->in);
}

/* Seals one; gives its length, or 0. */
static uint16_t seal_one(struct rtc_seal *s, struct pair *p, const struct head_form *f,
    uint16_t seq, uint16_t body_len, uint8_t *ret) {
    uint8_t body[PACKET_ROOM];
    write_body(body, body_len, f, seq);
    struct rtc_srtp_job j = { .session = p->out,
        .sender = &p->sender,
        .body = body,
        .packet = ret,
        .head_len = write_head(ret, f, SSRC, seq),
        .body_len = body_len,
        .room = PACKET_ROOM };
    rtc_srtp_seal(s, &j, 1);
    return j.len;
}

static enum rtc_srtp_verdict open_one(
    struct rtc_seal *s, struct pair *p, uint8_t *packet, uint16_t *len) {
    struct rtc_srtp_got g = { .session = p->in, .packet = packet, .len = *len };
    size_t ok = rtc_srtp_open(s, &g, 1);
    CHECK_INT(g.verdict == RTC_SRTP_OK, ok);
    *len = g.len;
    return (enum rtc_srtp_verdict)g.verdict;
}

/* Calls `check` for each two kinds and each suite; names both in failures. */
static void for_pairs(void (*check)(struct rtc_seal *, struct rtc_seal *, enum rtc_srtp_suite)) {
    struct srtp_kinds kinds;
    CHECK_ERR(OK, srtp_kinds_open(&kinds));
    for (size_t i = 0; i < kinds.n * kinds.n * RTC_SRTP_SUITES; i++) {
        struct rtc_seal *from = kinds.of[i / RTC_SRTP_SUITES % kinds.n];
        struct rtc_seal *to = kinds.of[i / RTC_SRTP_SUITES / kinds.n];
        enum rtc_srtp_suite suite = (enum rtc_srtp_suite)(i % RTC_SRTP_SUITES);
        char row[80];
        snprintf(row, sizeof(row), "%s to %s, %s", rtc_seal_name(from), rtc_seal_name(to),
            rtc_srtp_sizes(suite)->name);
        ROW(row);
        check(from, to, suite);
    }
    srtp_kinds_close(&kinds);
}

/* Every form, and bodies of 0 to 1,500 bytes around each boundary of the ciphers' blocks. */
static void check_forms(struct rtc_seal *from, struct rtc_seal *to, enum rtc_srtp_suite suite) {
    static const uint16_t sizes[] = { 0, 1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128,
        129, 160, 255, 256, 257, 511, 767, 768, 769, 1000, 1199, 1200, 1201, 1460, 1499, 1500 };
    struct pair p = { .out = NULL };
    uint16_t seq = 65000; /* the wrap is among these */
    CHECK_ERR(OK, pair_open(from, to, suite, &p));
    FOR_ROWS (head_forms, f) {
        FOR_ROWS (sizes, size) {
            uint8_t packet[PACKET_ROOM], want[PACKET_ROOM];
            seq = (uint16_t)(seq + 7);
            memset(packet, 0xa5, sizeof(packet));
            uint16_t len = seal_one(from, &p, f, seq, *size, packet);
            uint16_t head = write_head(want, f, SSRC, seq);
            write_body(want + head, *size, f, seq);
            CHECK_INT(head + *size + rtc_srtp_sizes(suite)->tag, len);
            for (size_t i = len; i < len + 64U; i++) {
                CHECK_INT(0xa5, packet[i]); /* the room behind the tag is not ours */
            }
            CHECK(memcmp(packet, want, head) == 0);
            CHECK(*size < 15 || memcmp(packet + head, want + head, *size) != 0);
            CHECK_INT(RTC_SRTP_OK, open_one(to, &p, packet, &len));
            CHECK_INT(head + *size, len);
            CHECK(memcmp(packet, want, len) == 0);
        }
    }
    pair_close(&p);
}

TEST(rtc_srtp, every_kind_opens_what_every_kind_seals) {
    for_pairs(check_forms);
}

/* Three rounds of sequence numbers in long steps, two swapped now and then, some lost. */
static void check_rounds(struct rtc_seal *from, struct rtc_seal *to, enum rtc_srtp_suite suite) {
    struct pair p = { .out = NULL };
    const struct head_form *f = &head_forms[1];
    uint8_t packets[2][PACKET_ROOM];
    uint16_t lens[2];
    CHECK_ERR(OK, pair_open(from, to, suite, &p));
    for (uint32_t index = 500; index < 200000; index += 900) {
        for (uint16_t i = 0; i < 2; i++) {
            lens[i] = seal_one(from, &p, f, (uint16_t)(index + i), 100, packets[i]);
        }
        if (index % 7 == 0) {
            continue; /* lost */
        }
        CHECK_INT(RTC_SRTP_OK, open_one(to, &p, packets[1], &lens[1]));
        CHECK_INT(RTC_SRTP_OK, open_one(to, &p, packets[0], &lens[0]));
    }
    pair_close(&p);
}

TEST(rtc_srtp, rolls_over_with_packets_swapped_and_lost) {
    for_pairs(check_rounds);
}

/* Each packet is of another SSRC than the one before, many more than there is room for. */
static void check_crowd(struct rtc_seal *from, struct rtc_seal *to, enum rtc_srtp_suite suite) {
    struct pair p = { .out = NULL };
    uint8_t packet[PACKET_ROOM], body[20] = { 1 };
    struct rtc_srtp_sender senders[40] = { { 0 } };
    CHECK_ERR(OK, pair_open(from, to, suite, &p));
    for (uint32_t i = 0; i <= 41; i++) {
        bool back = i >= 40; /* one that made way and has rolled over, then one that is here */
        uint32_t ssrc = i == 40 ? 33 : i == 41 ? 39 : i;
        struct rtc_srtp_job j = { .session = p.out,
            .sender = &senders[ssrc],
            .body = body,
            .packet = packet,
            .head_len = write_head(packet, &head_forms[0], ssrc, back ? 100 : 60000),
            .body_len = sizeof(body),
            .room = PACKET_ROOM };
        CHECK_INT(1, rtc_srtp_seal(from, &j, 1));
        bool forgot = i == 40 && to->kind == &rtc_seal_srtp2; /* as its header says */
        CHECK_INT(forgot ? RTC_SRTP_FORGED : RTC_SRTP_OK, open_one(to, &p, packet, &j.len));
    }
    pair_close(&p);
}

TEST(rtc_srtp, more_streams_than_there_is_room_for_are_heard_all_the_same) {
    for_pairs(check_crowd);
}

/* --- hostile packets --- */

static void check_hostile(struct rtc_seal *from, struct rtc_seal *to, enum rtc_srtp_suite suite) {
    struct pair p = { .out = NULL };
    const struct head_form *f = &head_forms[1];
    uint8_t good[PACKET_ROOM], packet[PACKET_ROOM];
    CHECK_ERR(OK, pair_open(from, to, suite, &p));
    uint16_t len = seal_one(from, &p, f, 10, 200, good), n;
    for (uint16_t at = 0; at < len; at++) { /* each byte damaged in turn: the mark, tag and all */
        memcpy(packet, good, len);
        packet[at] ^= 0x04;
        n = len;
        enum rtc_srtp_verdict v = open_one(to, &p, packet, &n);
        CHECK(v == RTC_SRTP_FORGED || v == RTC_SRTP_MALFORMED);
    }
    for (n = 0; n < len; n++) { /* cut anywhere */
        uint16_t cut = n;
        memcpy(packet, good, len);
        enum rtc_srtp_verdict v = open_one(to, &p, packet, &cut);
        CHECK(v == RTC_SRTP_FORGED || v == RTC_SRTP_MALFORMED);
    }
    memcpy(packet, good, len);
    n = len;
    CHECK_INT(RTC_SRTP_OK, open_one(to, &p, packet, &n)); /* none of these left a trace */
    memcpy(packet, good, len);
    n = len;
    CHECK_INT(RTC_SRTP_REPLAYED, open_one(to, &p, packet, &n));
    n = seal_one(from, &p, f, 10 + RTC_SRTP_WINDOW, 50, packet);
    CHECK_INT(RTC_SRTP_OK, open_one(to, &p, packet, &n));
    memcpy(packet, good, len);
    n = len;
    CHECK_INT(RTC_SRTP_OLD, open_one(to, &p, packet, &n));
    pair_close(&p);
}

TEST(rtc_srtp, refuses_damaged_cut_replayed_and_old_packets) {
    for_pairs(check_hostile);
}

static void check_same_index(
    struct rtc_seal *from, struct rtc_seal *to, enum rtc_srtp_suite suite) {
    struct pair p = { .out = NULL };
    uint8_t a[PACKET_ROOM], b[PACKET_ROOM];
    (void)to;
    CHECK_ERR(OK, pair_open(from, from, suite, &p));
    uint16_t len = seal_one(from, &p, &head_forms[0], 65535, 90, a);
    CHECK(seal_one(from, &p, &head_forms[0], 3, 90, b) > 0);
    CHECK_INT(len, seal_one(from, &p, &head_forms[0], 65535, 90, b)); /* of the round before */
    CHECK(memcmp(a, b, len) == 0);
    CHECK_INT(0x10004, p.sender.next);
    pair_close(&p);
}

TEST(rtc_srtp, resending_gives_the_same_bytes) {
    for_pairs(check_same_index);
}

TEST(rtc_srtp, refuses_to_seal_what_cannot_be_sent) {
    struct rtc_seal *s = NULL;
    struct pair p = { .out = NULL };
    uint8_t packet[PACKET_ROOM], body[100] = { 0 };
    CHECK_ERR(OK, rtc_seal_create(NULL, &s));
    CHECK_ERR(OK, pair_open(s, s, RTC_SRTP_GCM_128, &p));
    static const struct {
        const char *name;
        uint64_t next;
        uint16_t head_len, room;
        uint8_t first;
        enum rtc_srtp_verdict want;
    } rows[] = {
        { "fits", 0, 12, 128, 0x80, RTC_SRTP_OK },
        { "no room for the tag", 0, 12, 127, 0x80, RTC_SRTP_NO_ROOM },
        { "another version", 0, 12, 200, 0x40, RTC_SRTP_MALFORMED },
        { "no head", 0, 0, 200, 0x80, RTC_SRTP_MALFORMED },
        { "more CSRCs than the head has", 0, 12, 200, 0x81, RTC_SRTP_MALFORMED },
        { "a head with something behind it", 0, 16, 200, 0x80, RTC_SRTP_MALFORMED },
        { "the last packet", RTC_SRTP_INDEX_END - 10, 12, 200, 0x80, RTC_SRTP_SPENT },
    };
    FOR_ROWS (rows, r) {
        struct rtc_srtp_sender sender = { r->next };
        write_head(packet, &head_forms[0], SSRC, 5);
        packet[0] = r->first;
        struct rtc_srtp_job j = { .session = p.out,
            .sender = &sender,
            .body = body,
            .packet = packet,
            .head_len = r->head_len,
            .body_len = sizeof(body),
            .room = r->room };
        ROW(r->name);
        CHECK_INT(r->want == RTC_SRTP_OK, rtc_srtp_seal(s, &j, 1));
        CHECK_INT(r->want, j.verdict);
        CHECK_INT(r->want == RTC_SRTP_OK ? 128 : 0, j.len);
        CHECK_INT(r->want == RTC_SRTP_OK ? 6 : r->next, sender.next);
    }
    pair_close(&p);
    rtc_seal_destroy(s);
}

TEST(rtc_srtp, knows_how_long_a_head_is) {
    static const struct {
        const char *name;
        uint8_t bytes[24];
        size_t len, want;
    } rows[] = {
        { "bare", { 0x80 }, 12, 12 },
        { "too short", { 0x80 }, 11, 0 },
        { "version 1", { 0x40 }, 24, 0 },
        { "a CSRC", { 0x81 }, 16, 16 },
        { "a CSRC cut off", { 0x81 }, 15, 0 },
        { "an extension", { 0x90, [15] = 2 }, 24, 24 },
        { "an extension cut off", { 0x90, [15] = 3 }, 24, 0 },
        { "an extension's head cut off", { 0x90 }, 15, 0 },
        { "an endless extension", { 0x90, [14] = 0xff, [15] = 0xff }, 24, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, rtc_srtp_head_len(r->bytes, r->len));
    }
}

/* What srtp.h says of the memory. */
TEST(rtc_srtp, sessions_by_mb_are_small) {
    struct rtc_seal *s = NULL;
    if (rtc_seal_create("mb", &s) != OK) {
        return;
    }
    for (int suite = 0; suite < RTC_SRTP_SUITES; suite++) {
        struct pair p = { .out = NULL };
        ROW(rtc_srtp_sizes((enum rtc_srtp_suite)suite)->name);
        CHECK_ERR(OK, pair_open(s, s, (enum rtc_srtp_suite)suite, &p));
        bool gcm = rtc_srtp_sizes((enum rtc_srtp_suite)suite)->gcm;
        CHECK(rtc_srtp_out_bytes(p.out) <= (gcm ? 1232 : 416));
        CHECK(rtc_srtp_in_bytes(p.in) <= (gcm ? 240U : 448U) + 4 * 208);
        pair_close(&p);
    }
    rtc_seal_destroy(s);
}

TEST_ALLOC(rtc_srtp, survives_no_memory) {
    CLEANUP(srtp_kinds_close) struct srtp_kinds kinds;
    TRY(srtp_kinds_open(&kinds));
    for (size_t i = 0; i < kinds.n * RTC_SRTP_SUITES; i++) {
        CLEANUP(pair_close) struct pair p = { .out = NULL };
        struct rtc_seal *s = kinds.of[i / RTC_SRTP_SUITES];
        TRY(pair_open(s, s, (enum rtc_srtp_suite)(i % RTC_SRTP_SUITES), &p));
        TRY(rtc_srtp_in_reserve(p.in, 8));
    }
    return OK;
}
