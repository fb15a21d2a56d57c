/* Cursors: every width, the last byte, one byte too far, and that a failure sticks. */
#include "core/cur.h"

#include "test.h"

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };

TEST(core_cur, reads_every_width) {
    struct cur c = cur_make(bytes, sizeof(bytes));
    CHECK_INT(0x01, cur_u8(&c));
    CHECK_INT(0x0203, cur_u16(&c));
    CHECK_INT(0x040506, cur_u24(&c));
    CHECK_INT(0x0708090A, cur_u32(&c));
    CHECK(cur_u64(&c) == UINT64_C(0x0B0C0D0E0F101112));
    CHECK_INT(0, cur_left(&c));
    CHECK(!c.bad);
}

TEST(core_cur, reads_high_bits_unsigned) {
    static const uint8_t ones[] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
    struct cur c = cur_make(ones, sizeof(ones));
    CHECK(cur_u64(&c) == UINT64_MAX);
    c = cur_make(ones, sizeof(ones));
    CHECK_INT(UINT32_MAX, cur_u32(&c));
    CHECK_INT(0xFFFFFF, cur_u24(&c));
}

static uint64_t read_width(struct cur *c, size_t width) {
    switch (width) {
    case 1:
        return cur_u8(c);
    case 2:
        return cur_u16(c);
    case 3:
        return cur_u24(c);
    case 4:
        return cur_u32(c);
    default:
        return cur_u64(c);
    }
}

TEST(core_cur, a_read_too_far_sticks) {
    static const struct {
        const char *name;
        size_t len, width;
    } rows[] = {
        { "u8 of nothing", 0, 1 },
        { "u16 of one", 1, 2 },
        { "u24 of two", 2, 3 },
        { "u32 of three", 3, 4 },
        { "u64 of seven", 7, 8 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct cur c = cur_make(bytes, r->len);
        CHECK_INT(0, read_width(&c, r->width));
        CHECK(c.bad);
        CHECK_INT(0, cur_left(&c));
        CHECK_INT(0, cur_u8(&c));
        CHECK(c.bad);
    }
}

TEST(core_cur, a_part_ends_where_it_ends) {
    struct cur c = cur_make(bytes, sizeof(bytes));
    struct cur sub = cur_sub(&c, 4);
    CHECK_INT(0x01020304, cur_u32(&sub));
    CHECK_INT(0, cur_left(&sub));
    (void)cur_u8(&sub);
    CHECK(sub.bad && !c.bad);
    CHECK_INT(5, cur_u8(&c));
    sub = cur_sub(&c, 14);
    CHECK(sub.bad && c.bad);
    CHECK_INT(0, cur_left(&sub));
    struct cur none = cur_make(NULL, 0);
    sub = cur_sub(&none, 0);
    CHECK(!sub.bad && !none.bad);
}

TEST(core_cur, copies_or_clears) {
    uint8_t got[4] = { 9, 9, 9, 9 };
    struct cur c = cur_make(bytes, 5);
    cur_bytes(&c, got, 4);
    CHECK(memcmp(got, bytes, 4) == 0);
    cur_bytes(&c, got, 2);
    CHECK(c.bad && got[0] == 0 && got[1] == 0);
    c = cur_make(bytes, 3);
    cur_skip(&c, 3);
    CHECK(!c.bad);
    cur_skip(&c, SIZE_MAX);
    CHECK(c.bad);
}

TEST(core_cur, writes_what_reads_back) {
    uint8_t out[22];
    struct wr w = wr_make(out, sizeof(out));
    wr_u8(&w, 0x01);
    wr_u16(&w, 0x0203);
    wr_u24(&w, 0x040506);
    wr_u32(&w, 0x0708090A);
    wr_u64(&w, UINT64_C(0x0B0C0D0E0F101112));
    wr_zero(&w, 2);
    wr_bytes(&w, bytes, 2);
    CHECK(!w.bad);
    CHECK_INT(22, wr_len(&w));
    CHECK(memcmp(out, bytes, sizeof(bytes)) == 0);
    CHECK(out[18] == 0 && out[19] == 0 && out[20] == 1 && out[21] == 2);
}

TEST(core_cur, what_does_not_fit_is_not_written) {
    static const struct {
        const char *name;
        size_t cap;
    } rows[] = { { "nothing", 0 }, { "one", 1 }, { "three", 3 } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t out[4] = { 0xEE, 0xEE, 0xEE, 0xEE };
        struct wr w = wr_make(out, r->cap);
        wr_u32(&w, 0x01020304);
        CHECK(w.bad);
        wr_u8(&w, 1); /* would fit, but a gap would not be what was meant */
        CHECK_INT(0, wr_len(&w));
        CHECK_INT(0xEE, out[0]);
    }
    struct wr none = wr_make(NULL, 0);
    wr_bytes(&none, NULL, 0);
    CHECK(!none.bad);
}
