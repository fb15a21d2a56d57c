/* Counters across their wraps. */
#include "test.h"

#include "rtc/seq.h"

TEST(rtc_seq, compares_across_the_wrap) {
    static const struct {
        const char *name;
        uint16_t a, b;
        int32_t diff;
    } rows[] = {
        { "same", 5, 5, 0 },
        { "next", 6, 5, 1 },
        { "before", 5, 6, -1 },
        { "over the wrap", 1, 65534, 3 },
        { "back over the wrap", 65534, 1, -3 },
        { "the farthest ahead", 32767, 0, 32767 },
        { "half the range", 32768, 0, -32768 },
        { "half the range, the other way", 0, 32768, -32768 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->diff, rtc_seq_diff(r->a, r->b));
        CHECK_INT(r->diff > 0, rtc_seq_newer(r->a, r->b));
    }
}

TEST(rtc_seq, compares_timestamps_across_the_wrap) {
    CHECK_INT(960, rtc_ts_diff(400, UINT32_MAX - 559));
    CHECK_INT(-960, rtc_ts_diff(UINT32_MAX - 559, 400));
    CHECK_INT(INT32_MIN, rtc_ts_diff(UINT32_C(0x80000000), 0));
    CHECK_INT(INT32_MAX, rtc_ts_diff(INT32_MAX, 0));
    CHECK(rtc_ts_newer(0, UINT32_MAX) && !rtc_ts_newer(UINT32_MAX, 0) && !rtc_ts_newer(7, 7));
}

TEST(rtc_seq, compares_any_width) {
    static const struct {
        const char *name;
        unsigned bits;
        uint32_t a, b;
        int32_t diff;
    } rows[] = {
        { "picture id, 7 bits", 7, 2, 126, 4 },
        { "picture id, 15 bits", 15, 0, 32767, 1 },
        { "key index", 5, 31, 0, -1 },
        { "one bit", 1, 1, 0, -1 },
        { "bits above the width do not count", 7, 0x82, 0x101, 1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->diff, rtc_wrap_diff(r->a, r->b, r->bits));
    }
}

TEST(rtc_seq, extends_to_the_nearest) {
    static const struct {
        const char *name;
        int64_t near;
        uint16_t seq;
        int64_t want;
    } rows[] = {
        { "the next", 65536 + 10, 11, 65536 + 11 },
        { "the wrap", 65535, 0, 65536 },
        { "late, before the wrap", 65536, 65535, 65535 },
        { "many wraps", INT64_C(1000) * 65536 + 65000, 100, INT64_C(1001) * 65536 + 100 },
        { "before zero", 2, 65535, -1 },
        { "from below zero", -1, 0, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, rtc_seq_extend(r->near, r->seq));
    }
    CHECK_INT(INT64_C(1) << 32, rtc_ts_extend(UINT32_MAX, 0));
}

TEST(rtc_seq, follows_a_counter_through_every_value) {
    int64_t at = 0;
    for (int64_t i = 0; i < 3 * 65536; i += 7) {
        at = rtc_seq_extend(at, (uint16_t)i);
        if (at != i) {
            CHECK_INT(i, at);
            return;
        }
    }
}
