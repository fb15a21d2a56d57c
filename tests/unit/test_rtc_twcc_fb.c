/* Transport-wide feedback on the wire: every kind of chunk, every size of difference. */
#include "test.h"

#include "rtc/rtcpfb.h"
#include "rtc/twcc_fb.h"

#include <string.h>

#define MISSING INT64_MIN
#define MANY    9000

/* What was written for a sequence of arrivals: the part's control information. */
struct written {
    uint8_t bytes[1500];
    size_t len;
    size_t n; /* packets that went in */
    struct rtc_rtcpfb fb;
};

static bool write_all(
    struct written *o, uint16_t base, const int64_t *ticks, size_t n, size_t cap) {
    struct rtc_twcc_fb_wr x;
    struct wr w = wr_make(o->bytes, cap);
    struct rtc_rtcp_part part;
    rtc_twcc_fb_begin(&x, &w, 1, 2, base);
    for (o->n = 0; o->n < n; o->n++) {
        if (ticks[o->n] == MISSING ? !rtc_twcc_fb_missing(&x)
                                   : !rtc_twcc_fb_came(&x, ticks[o->n])) {
            break;
        }
    }
    rtc_twcc_fb_end(&x, 77);
    o->len = wr_len(&w);
    struct cur c = cur_make(o->bytes, o->len);
    return !w.bad && rtc_rtcp_check(c) && rtc_rtcp_next(&c, &part) &&
           rtc_rtcpfb_read(&part, &o->fb) && o->fb.kind == RTC_RTCPFB_TWCC;
}

/* Reads back all that went in. */
static bool reads_back(const struct written *o, uint16_t base, const int64_t *ticks) {
    struct rtc_twcc_fb fb;
    struct rtc_twcc_status s;
    if (!rtc_twcc_fb_read(o->fb.fci, &fb) || fb.count != 77) {
        return false;
    }
    for (size_t i = 0; i < o->n; i++) {
        bool received = ticks[i] != MISSING;
        if (!rtc_twcc_fb_next(&fb, &s) || s.seq != (uint16_t)(base + i) || s.received != received ||
            (received && s.ticks != ticks[i])) {
            return false;
        }
    }
    return !rtc_twcc_fb_next(&fb, &s);
}

#define CHUNK(o, i) be16_get((o)->bytes + 20 + 2 * (i))

TEST(rtc_twcc_fb, chooses_chunks) {
    static const struct {
        const char *name;
        int64_t ticks[20];
        size_t n;
        uint16_t chunks[4];
    } rows[] = {
        { "one", { 256 }, 1, { 0x2001 } },
        { "a run", { 256, 257, 258, 259, 260, 261, 262, 263 }, 8, { 0x2008 } },
        { "a large difference", { 256, 1000 }, 2, { 0xD800 } },
        { "backwards", { 300, 299 }, 2, { 0xD800 } },
        { "a run of large ones", { 256, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000 }, 9,
            { 0xDAAA, 0x4002 } },
        { "lost ones between", { 256, MISSING, MISSING, 257 }, 4, { 0xA400 } },
        { "a full vector",
            { 256, MISSING, 257, 258, MISSING, 259, 260, 261, 262, 263, 264, 265, 266, 267 }, 14,
            { 0xADFF | 0x8000 } },
        { "seven, then a large one", { 256, MISSING, 257, 258, MISSING, 259, 260, 900 }, 8,
            { 0xD145, 0x4001 } },
    };
    FOR_ROWS (rows, r) {
        struct written o;
        ROW(r->name);
        CHECK(write_all(&o, 65534, r->ticks, r->n, sizeof(o.bytes)));
        CHECK_INT(r->n, o.n);
        CHECK(reads_back(&o, 65534, r->ticks));
        for (size_t i = 0; i < 4 && r->chunks[i] != 0; i++) {
            CHECK_INT(r->chunks[i], CHUNK(&o, i));
        }
    }
}

TEST(rtc_twcc_fb, a_long_loss_is_one_run) {
    static int64_t ticks[MANY];
    struct written o;
    for (size_t i = 0; i < MANY; i++) {
        ticks[i] = MISSING;
    }
    ticks[0] = 512;
    ticks[7000] = 700;
    CHECK(write_all(&o, 0, ticks, 7001, sizeof(o.bytes)));
    CHECK_INT(7001, o.n);
    CHECK(o.len <= 32);
    CHECK(reads_back(&o, 0, ticks));
    CHECK(write_all(&o, 0, ticks, MANY, sizeof(o.bytes)));
    CHECK_INT(RTC_TWCC_STATUS_MAX, o.n);
    CHECK(reads_back(&o, 0, ticks));
}

TEST(rtc_twcc_fb, stops_where_a_difference_cannot_be_said) {
    static const struct {
        const char *name;
        int64_t ticks[3];
        size_t want;
    } rows[] = {
        { "the most ahead", { 256, 256 + 32767, 256 + 32768 }, 3 },
        { "too far ahead", { 256, 256 + 32768 }, 1 },
        { "the most behind", { 40192, 40192 - 32768, 40192 - 32768 }, 3 },
        { "too far behind", { 40192, 40192 - 32769 }, 1 },
    };
    FOR_ROWS (rows, r) {
        struct written o;
        ROW(r->name);
        CHECK(write_all(&o, 0, r->ticks, r->ticks[2] == 0 ? 2 : 3, sizeof(o.bytes)));
        CHECK_INT(r->want, o.n);
        CHECK(reads_back(&o, 0, r->ticks));
    }
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

TEST(rtc_twcc_fb, round_trips_any_pattern_in_any_room) {
    uint32_t state = 1;
    for (int round = 0; round < 3000; round++) {
        int64_t ticks[600], now = 256 * (1 + next_random(&state) % 1000);
        uint32_t loss = next_random(&state) % 100, jumps = next_random(&state) % 100;
        size_t n = 1 + next_random(&state) % 600;
        size_t cap = 24 + next_random(&state) % 1400;
        struct written o;
        for (size_t i = 0; i < n; i++) {
            now += next_random(&state) % 100 < jumps ? next_random(&state) % 9000 : 3;
            ticks[i] = next_random(&state) % 100 < loss ? MISSING : now;
        }
        uint16_t base = (uint16_t)next_random(&state);
        if (!write_all(&o, base, ticks, n, cap)) {
            CHECK(o.n == 0 && cap < 32);
            continue;
        }
        CHECK(o.len <= cap && o.n > 0);
        if (!reads_back(&o, base, ticks)) {
            CHECK_INT(-1, round);
            return;
        }
    }
}

TEST(rtc_twcc_fb, the_reference_wraps) {
    static const int64_t top =
        (INT64_C(1) << 32) - 256; /* the last reference that 24 bits can say */
    struct rtc_twcc_fb fb;
    struct rtc_twcc_status s;
    struct written o;
    int64_t ticks[] = { top + 255, top + 256 };
    CHECK(write_all(&o, 0, ticks, 2, sizeof(o.bytes)));
    CHECK(rtc_twcc_fb_read(o.fb.fci, &fb));
    CHECK(rtc_twcc_fb_next(&fb, &s) && s.ticks == top + 255);
    CHECK(rtc_twcc_fb_next(&fb, &s) && s.ticks == top + 256);
    ticks[0] = top + 256;
    CHECK(write_all(&o, 0, ticks, 1, sizeof(o.bytes)));
    CHECK(rtc_twcc_fb_read(o.fb.fci, &fb) && rtc_twcc_fb_next(&fb, &s));
    CHECK_INT(0, s.ticks);
}

TEST(rtc_twcc_fb, refuses) {
    static const struct {
        const char *name;
        uint8_t bytes[16];
        size_t len;
        bool want;
    } rows[] = {
        { "nothing", { 0 }, 0, false },
        { "head cut", { 0, 1, 0, 1, 0, 0, 1 }, 7, false },
        { "no packets", { 0, 1, 0, 0, 0, 0, 1, 0, 0x20, 0 }, 10, false },
        { "no chunk", { 0, 1, 0, 1, 0, 0, 1, 0 }, 8, false },
        { "a run of none", { 0, 1, 0, 1, 0, 0, 1, 0, 0x20, 0, 1 }, 11, false },
        { "one", { 0, 1, 0, 1, 0, 0, 1, 0, 0x20, 1, 9 }, 11, true },
        { "its difference cut", { 0, 1, 0, 1, 0, 0, 1, 0, 0x20, 1 }, 10, false },
        { "large, cut", { 0, 1, 0, 1, 0, 0, 1, 0, 0x40, 1, 9 }, 11, false },
        { "a run of status 3", { 0, 1, 0, 1, 0, 0, 1, 0, 0x60, 1, 9, 9, 9 }, 13, false },
        { "status 3 in a vector", { 0, 1, 0, 1, 0, 0, 1, 0, 0xF0, 0, 9, 9, 9 }, 13, false },
        { "status 3 behind the last", { 0, 1, 0, 1, 0, 0, 1, 0, 0xD3, 0, 9 }, 11, true },
        { "a run longer than the count", { 0, 1, 0, 1, 0, 0, 1, 0, 0x3F, 0xFF, 9 }, 11, true },
        { "8,193 packets", { 0, 1, 0x20, 1, 0, 0, 1, 0, 0x1F, 0xFF, 0x1F, 0xFF }, 12, false },
        { "8,192 packets", { 0, 1, 0x20, 0, 0, 0, 1, 0, 0x1F, 0xFF, 0x1F, 0xFF }, 12, true },
    };
    FOR_ROWS (rows, r) {
        struct rtc_twcc_fb fb;
        ROW(r->name);
        CHECK_INT(r->want, rtc_twcc_fb_read(cur_make(r->bytes, r->len), &fb));
    }
}

TEST(rtc_twcc_fb, an_empty_one_is_taken_back) {
    struct rtc_twcc_fb_wr x;
    uint8_t out[100];
    struct wr w = wr_make(out, sizeof(out));
    rtc_twcc_fb_begin(&x, &w, 1, 2, 3);
    rtc_twcc_fb_end(&x, 0);
    CHECK(w.bad && wr_len(&w) == 0);
}
