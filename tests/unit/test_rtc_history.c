/* References are found by number, bounded by count and age, and all given back. */
#include "test.h"

#include "core/pkt.h"
#include "rtc/history.h"

#define AGE INT64_C(1000000)

/* A pool and a history over it. */
struct bench {
    struct pkt_pool *pool;
    struct rtc_history *h;
};

static enum err open_bench(struct bench *b, size_t n) {
    *b = (struct bench){ NULL, NULL };
    TRY(pkt_pool_create(1 << 20, &b->pool));
    return rtc_history_create(n, AGE, &b->h);
}

static void close_bench(struct bench *b) {
    rtc_history_destroy(b->h);
    pkt_pool_destroy(b->pool);
}

static size_t in_use(const struct bench *b) {
    struct pkt_stats s;
    pkt_pool_stats(b->pool, &s);
    return s.in_use;
}

/* The packet of a number carries it as its length, so that a wrong one shows. */
static void put(struct bench *b, uint16_t seq, int64_t now_us) {
    struct pkt *p = pkt_take(b->pool);
    if (p == NULL) {
        CHECK(p != NULL);
        return;
    }
    p->arrived_us = now_us;
    p->len = (uint16_t)(seq % 1000);
    rtc_history_put(b->h, seq, p);
    pkt_unref(p);
}

static bool has(struct bench *b, uint16_t seq, int64_t now_us) {
    struct pkt *p = rtc_history_get(b->h, seq, now_us);
    CHECK(p == NULL || p->len == seq % 1000);
    return p != NULL;
}

TEST(rtc_history, finds_by_number_across_the_wrap) {
    static const struct {
        const char *name;
        uint16_t put[10];
        size_t n, held;
        uint16_t there[4], gone[4];
    } rows[] = {
        { "in order", { 10, 11, 12 }, 3, 3, { 10, 11, 12, 10 }, { 9, 13, 14, 2 } },
        { "a gap", { 10, 13 }, 2, 2, { 10, 13, 10, 13 }, { 11, 12, 9, 14 } },
        { "the gap filled late", { 10, 13, 11 }, 3, 3, { 10, 11, 13, 13 }, { 12, 9, 14, 14 } },
        { "before the first", { 10, 8 }, 2, 2, { 8, 10, 8, 10 }, { 9, 7, 11, 11 } },
        { "over the wrap", { 65534, 65535, 0, 1 }, 4, 4, { 65534, 65535, 0, 1 },
            { 2, 65533, 2, 2 } },
        { "late over the wrap", { 0, 65535 }, 2, 2, { 0, 65535, 0, 0 }, { 1, 65534, 1, 1 } },
        { "the ring is full", { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 9, 8, { 2, 9, 5, 6 },
            { 1, 10, 0, 17 } },
        { "a jump over most", { 1, 2, 3, 9 }, 4, 3, { 2, 3, 9, 9 }, { 1, 4, 8, 10 } },
        { "a jump over all", { 1, 2, 3, 20000 }, 4, 1, { 20000, 20000, 20000, 20000 },
            { 1, 2, 3, 4 } },
        { "too old for the ring", { 100, 92 }, 2, 1, { 100, 100, 100, 100 }, { 92, 99, 93, 101 } },
        { "just not too old", { 100, 93 }, 2, 2, { 100, 93, 93, 93 }, { 92, 99, 94, 101 } },
        { "the same twice", { 5, 5 }, 2, 1, { 5, 5, 5, 5 }, { 4, 6, 4, 6 } },
    };
    FOR_ROWS (rows, r) {
        struct bench b;
        ROW(r->name);
        CHECK_ERR(OK, open_bench(&b, 8));
        for (size_t i = 0; i < r->n; i++) {
            put(&b, r->put[i], 0);
        }
        for (size_t i = 0; i < 4; i++) {
            CHECK(has(&b, r->there[i], 0));
            CHECK(!has(&b, r->gone[i], 0));
        }
        CHECK_INT(r->held, rtc_history_count(b.h));
        CHECK_INT(r->held, in_use(&b));
        close_bench(&b);
    }
}

TEST(rtc_history, is_bounded_by_age) {
    struct bench b;
    CHECK_ERR(OK, open_bench(&b, 8));
    put(&b, 65535, 0);
    put(&b, 0, AGE / 2);
    put(&b, 2, AGE);
    CHECK(has(&b, 65535, AGE) && !has(&b, 65535, AGE + 1));
    CHECK_INT(3, in_use(&b));
    rtc_history_expire(b.h, AGE + 1);
    CHECK_INT(2, in_use(&b));
    CHECK(has(&b, 0, AGE + 1) && has(&b, 2, AGE + 1));
    rtc_history_expire(b.h, 3 * AGE);
    CHECK_INT(0, in_use(&b));
    put(&b, 3, 3 * AGE);
    put(&b, 1, 3 * AGE); /* late, but young */
    CHECK(has(&b, 3, 3 * AGE) && has(&b, 1, 3 * AGE) && !has(&b, 2, 3 * AGE));
    close_bench(&b);
}

TEST(rtc_history, begins_again) {
    struct bench b;
    CHECK_ERR(OK, open_bench(&b, 8));
    put(&b, 5000, 0);
    put(&b, 100, 0); /* a source that began anew looks like one very late */
    CHECK(!has(&b, 100, 0));
    rtc_history_clear(b.h);
    CHECK_INT(0, in_use(&b));
    CHECK(!has(&b, 5000, 0));
    put(&b, 100, 0);
    CHECK(has(&b, 100, 0));
    rtc_history_clear(b.h);
    rtc_history_clear(b.h);
    rtc_history_expire(b.h, AGE);
    close_bench(&b);
}

TEST(rtc_history, holds_no_more_than_the_ring_over_many_wraps) {
    struct bench b;
    CHECK_ERR(OK, open_bench(&b, 16));
    for (uint32_t i = 0; i < 200000; i++) {
        put(&b, (uint16_t)i, i);
        if (in_use(&b) > 16 || !has(&b, (uint16_t)(i - (i < 15 ? i : 15)), i)) {
            CHECK_INT(-1, i);
            break;
        }
    }
    close_bench(&b);
}

TEST_ALLOC(rtc_history, survives_no_memory) {
    struct rtc_history *h = NULL;
    TRY(rtc_history_create(64, AGE, &h));
    rtc_history_destroy(h);
    rtc_history_destroy(NULL);
    return OK;
}
