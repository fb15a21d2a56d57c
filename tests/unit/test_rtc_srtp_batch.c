/* Batches: one body for many listeners of every suite, and many packets that came at once. */
#include "test.h"
#include "tests/unit/srtp_kinds.h"

#include <stdio.h>

#include <string.h>

#define LISTENERS 150 /* more than two batches of the engine */
#define BODY      1100

struct listener {
    struct rtc_srtp_out *out;
    struct rtc_srtp_in *in;
    struct rtc_srtp_sender sender;
    uint8_t packet[PACKET_ROOM];
};

/* Of all suites in turn, or of one. */
static void listeners_open(
    struct listener *of, struct rtc_seal *s, struct rtc_seal *oracle, size_t n, int suite) {
    for (uint32_t i = 0; i < n; i++) {
        struct rtc_srtp_master m =
            master_of((enum rtc_srtp_suite)(suite < 0 ? (int)(i % RTC_SRTP_SUITES) : suite), i);
        memset(&of[i], 0, sizeof(of[i]));
        CHECK_ERR(OK, rtc_srtp_out_create(s, &m, &of[i].out));
        CHECK_ERR(OK, rtc_srtp_in_create(oracle, &m, 2, &of[i].in));
    }
}

static void listeners_close(struct listener *of, size_t n) {
    for (size_t i = 0; i < n; i++) {
        rtc_srtp_out_destroy(of[i].out);
        rtc_srtp_in_destroy(of[i].in);
    }
}

static struct rtc_srtp_job job_for(
    struct listener *l, uint32_t ssrc, uint16_t seq, const uint8_t *body, uint16_t len) {
    const struct head_form *f = &head_forms[ssrc % (sizeof(head_forms) / sizeof(head_forms[0]))];
    return (struct rtc_srtp_job){ .session = l->out,
        .sender = &l->sender,
        .body = body,
        .packet = l->packet,
        .head_len = write_head(l->packet, f, ssrc, seq),
        .body_len = len,
        .room = PACKET_ROOM };
}

static void check_fan_out(struct rtc_seal *s, struct rtc_seal *oracle, size_t n, int suite) {
    struct listener *of = mem_zalloc(LISTENERS * sizeof(*of));
    struct rtc_srtp_job jobs[LISTENERS];
    uint8_t body[BODY], copy[BODY];
    listeners_open(of, s, oracle, n, suite);
    write_body(body, BODY, &head_forms[0], 1);
    memcpy(copy, body, BODY);
    for (uint16_t seq = 65534; seq != 2; seq++) {
        for (uint32_t i = 0; i < n; i++) {
            jobs[i] = job_for(&of[i], 1000 + i, seq, body, (uint16_t)(BODY - (i % 5 == 0 ? i : 0)));
        }
        CHECK_INT(n, rtc_srtp_seal(s, jobs, n));
        CHECK(memcmp(body, copy, BODY) == 0);
        for (uint32_t i = 0; i < n; i++) {
            struct rtc_srtp_got g = {
                .session = of[i].in, .packet = jobs[i].packet, .len = jobs[i].len
            };
            CHECK_INT(1, rtc_srtp_open(oracle, &g, 1));
            CHECK_INT(jobs[i].head_len, g.head_len);
            CHECK_INT(jobs[i].head_len + jobs[i].body_len, g.len);
            CHECK(memcmp(jobs[i].packet + g.head_len, body, jobs[i].body_len) == 0);
        }
    }
    listeners_close(of, n);
    mem_free(of);
}

TEST(rtc_srtp_batch, one_body_goes_to_many_listeners) {
    static const struct {
        const char *name;
        size_t n;
        int suite;
    } rows[] = {
        { "all suites, three batches", LISTENERS, -1 },
        { "CM, one", 1, RTC_SRTP_CM_SHA1_80 },
        { "CM, the most for the SHA instructions", 4, RTC_SRTP_CM_SHA1_80 },
        { "CM, the least for many lanes", 5, RTC_SRTP_CM_SHA1_80 },
        { "CM, more than lanes", 33, RTC_SRTP_CM_SHA1_32 },
        { "CM, one batch", RTC_SEAL_BATCH, RTC_SRTP_CM_SHA1_80 },
        { "GCM, one more than a batch", RTC_SEAL_BATCH + 1, RTC_SRTP_GCM_128 },
    };
    struct srtp_kinds kinds;
    CHECK_ERR(OK, srtp_kinds_open(&kinds));
    FOR_ROWS (rows, r) {
        for (size_t i = 0; i < kinds.n; i++) {
            ROW(r->name);
            check_fan_out(kinds.of[i], kinds.of[kinds.n - 1], r->n, r->suite);
        }
    }
    srtp_kinds_close(&kinds);
}

TEST(rtc_srtp_batch, a_refused_job_harms_no_other) {
    struct srtp_kinds kinds;
    CHECK_ERR(OK, srtp_kinds_open(&kinds));
    for (size_t k = 0; k < kinds.n; k++) {
        struct listener *of = mem_zalloc(8 * sizeof(*of));
        struct rtc_srtp_job jobs[8];
        uint8_t body[100] = { 1 };
        ROW(rtc_seal_name(kinds.of[k]));
        listeners_open(of, kinds.of[k], kinds.of[k], 8, -1);
        for (uint32_t i = 0; i < 8; i++) {
            jobs[i] = job_for(&of[i], 7 * i, 1, body, sizeof(body));
        }
        jobs[0].room = 20;
        jobs[5].packet[0] = 0;
        CHECK_INT(6, rtc_srtp_seal(kinds.of[k], jobs, 8));
        for (uint32_t i = 0; i < 8; i++) {
            CHECK_INT(i == 0   ? RTC_SRTP_NO_ROOM
                      : i == 5 ? RTC_SRTP_MALFORMED
                               : RTC_SRTP_OK,
                jobs[i].verdict);
            struct rtc_srtp_got g = {
                .session = of[i].in, .packet = jobs[i].packet, .len = jobs[i].len
            };
            CHECK_INT(jobs[i].len > 0, rtc_srtp_open(kinds.of[k], &g, 1));
        }
        listeners_close(of, 8);
        mem_free(of);
    }
    srtp_kinds_close(&kinds);
}

/* --- opening --- */

#define MANY 90

/* Packets of two publishers and several SSRCs, with a twin, a forgery, a wrap and rubbish among
 * them. */
struct burst {
    struct rtc_srtp_got got[MANY];
    uint8_t bytes[MANY][PACKET_ROOM];
    uint8_t want[MANY];
};

static void fill(struct burst *b, struct rtc_seal *oracle, struct listener *of) {
    struct rtc_srtp_sender senders[6] = { { 0 } };
    uint8_t body[300];
    for (uint32_t i = 0; i < MANY; i++) {
        struct listener *l = &of[i % 2];
        struct rtc_srtp_job j =
            job_for(l, 50 + i % 6, (uint16_t)(65530 + i / 6), body, (uint16_t)(200 + i));
        write_body(body, sizeof(body), &head_forms[0], i);
        j.sender = &senders[i % 6];
        CHECK_INT(1, rtc_srtp_seal(oracle, &j, 1));
        memcpy(b->bytes[i], j.packet, j.len);
        b->got[i] = (struct rtc_srtp_got){ .session = l->in, .packet = b->bytes[i], .len = j.len };
        b->want[i] = RTC_SRTP_OK;
    }
    memcpy(b->bytes[41], b->bytes[29], PACKET_ROOM); /* the same publisher's and SSRC's */
    b->got[41].len = b->got[29].len;
    b->want[41] = RTC_SRTP_REPLAYED;
    b->bytes[50][100] ^= 1;
    b->want[50] = RTC_SRTP_FORGED;
    b->bytes[0][60] ^= 1; /* an SSRC's first */
    b->want[0] = RTC_SRTP_FORGED;
    b->got[60].len = 12;
    b->want[60] = RTC_SRTP_MALFORMED;
}

static void check_burst(struct srtp_kinds *kinds, size_t k, int suite, size_t at_once) {
    struct rtc_seal *oracle = kinds->of[kinds->n - 1], *s = kinds->of[k];
    struct listener *of = mem_zalloc(2 * sizeof(*of));
    struct burst *b = mem_zalloc(1 * sizeof(*b));
    for (uint32_t i = 0; i < 2; i++) {
        struct rtc_srtp_master m = master_of((enum rtc_srtp_suite)suite, i);
        CHECK_ERR(OK, rtc_srtp_out_create(oracle, &m, &of[i].out));
        CHECK_ERR(OK, rtc_srtp_in_create(s, &m, 4, &of[i].in));
    }
    fill(b, oracle, of);
    size_t ok = 0;
    for (size_t i = 0; i < MANY; i += at_once) {
        ok += rtc_srtp_open(s, b->got + i, MANY - i < at_once ? MANY - i : at_once);
    }
    CHECK_INT(MANY - 4, ok);
    for (uint32_t i = 0; i < MANY; i++) {
        uint8_t body[300];
        CHECK_INT(b->want[i], b->got[i].verdict);
        if (b->want[i] == RTC_SRTP_OK) {
            write_body(body, sizeof(body), &head_forms[0], i);
            CHECK_INT(65530 + i / 6, b->got[i].index);
            CHECK_INT(200 + i, b->got[i].len - b->got[i].head_len);
            CHECK(memcmp(b->bytes[i] + b->got[i].head_len, body, 200 + i) == 0);
        }
    }
    listeners_close(of, 2);
    mem_free(of);
    mem_free(b);
}

TEST(rtc_srtp_batch, what_came_at_once_is_judged_as_one_by_one) {
    static const size_t at_once[] = { 1, 4, 7, 64, MANY };
    struct srtp_kinds kinds;
    CHECK_ERR(OK, srtp_kinds_open(&kinds));
    for (size_t k = 0; k < kinds.n; k++) {
        for (int suite = 0; suite < RTC_SRTP_SUITES; suite++) {
            FOR_ROWS (at_once, n) {
                char row[80];
                snprintf(row, sizeof(row), "%s, %s, %zu at once", rtc_seal_name(kinds.of[k]),
                    rtc_srtp_sizes((enum rtc_srtp_suite)suite)->name, *n);
                ROW(row);
                check_burst(&kinds, k, suite, *n);
            }
        }
    }
    srtp_kinds_close(&kinds);
}

/* More publishers than an engine has places for expanded keys: each takes another's. */
TEST(rtc_srtp_batch, a_hundred_publishers_take_turns) {
    struct srtp_kinds kinds;
    CHECK_ERR(OK, srtp_kinds_open(&kinds));
    for (size_t k = 0; k + 1 < kinds.n; k++) {
        struct listener *of = mem_zalloc(100 * sizeof(*of));
        struct rtc_seal *oracle = kinds.of[kinds.n - 1];
        uint8_t body[64] = { 1 };
        ROW(rtc_seal_name(kinds.of[k]));
        listeners_open(of, oracle, kinds.of[k], 100, RTC_SRTP_GCM_256);
        for (uint16_t seq = 1; seq < 4; seq++) {
            for (uint32_t i = 0; i < 100; i++) {
                struct rtc_srtp_job j = job_for(&of[i], i, seq, body, sizeof(body));
                rtc_srtp_seal(oracle, &j, 1);
                struct rtc_srtp_got g = { .session = of[i].in, .packet = j.packet, .len = j.len };
                CHECK_INT(1, rtc_srtp_open(kinds.of[k], &g, 1));
            }
        }
        listeners_close(of, 100);
        mem_free(of);
    }
    srtp_kinds_close(&kinds);
}
