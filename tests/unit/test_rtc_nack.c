/* Gaps are asked for in time, and given up in time. */
#include "test.h"

#include "rtc/nack.h"

#include <string.h>

#define MS     INT64_C(1000)
#define RTT_US (60 * MS)

TEST(rtc_nack, finds_gaps_across_the_wrap) {
    static const struct {
        const char *name;
        uint16_t seq[6];
        size_t n;
        uint16_t lost[4];
        size_t n_lost;
    } rows[] = {
        { "no gap", { 10, 11, 12 }, 3, { 0 }, 0 },
        { "plain gap", { 10, 11, 13 }, 3, { 12 }, 1 },
        { "two gaps", { 10, 12, 15 }, 3, { 11, 13, 14 }, 3 },
        { "wraps", { 65534, 65535, 1 }, 3, { 0 }, 1 },
        { "wraps within", { 65534, 2 }, 2, { 65535, 0, 1 }, 3 },
        { "overtaken", { 10, 12, 11, 13 }, 4, { 0 }, 0 },
        { "overtaken over the wrap", { 65535, 1, 0 }, 3, { 0 }, 0 },
        { "repeats", { 10, 12, 12, 10, 12 }, 5, { 11 }, 1 },
    };
    FOR_ROWS (rows, r) {
        struct rtc_nack k;
        uint16_t got[RTC_NACK_MAX];
        ROW(r->name);
        memset(&k, 0, sizeof(k));
        for (size_t i = 0; i < r->n; i++) {
            (void)rtc_nack_received(&k, r->seq[i], 0);
        }
        CHECK_INT(r->n_lost, rtc_nack_due(&k, RTC_NACK_FIRST_US, got));
        CHECK(memcmp(r->lost, got, r->n_lost * sizeof(got[0])) == 0);
        CHECK(!rtc_nack_take_key_needed(&k));
    }
}

TEST(rtc_nack, says_what_a_packet_was) {
    static const struct {
        uint16_t seq;
        enum rtc_nack_verdict want;
    } rows[] = {
        { 100, RTC_NACK_NEW },
        { 102, RTC_NACK_NEW },
        { 101, RTC_NACK_RECOVERED },
        { 101, RTC_NACK_OLD },
        { 99, RTC_NACK_OLD },
        { 102, RTC_NACK_OLD },
        { 102 + RTC_NACK_JUMP_MAX, RTC_NACK_NEW },
        { 102 + 2 * RTC_NACK_JUMP_MAX + 1, RTC_NACK_RESTARTED },
        { 102, RTC_NACK_RESTARTED },
        { 103, RTC_NACK_NEW },
    };
    struct rtc_nack k = { .n = 0 };
    FOR_ROWS (rows, r) {
        CHECK_INT(r->want, rtc_nack_received(&k, r->seq, 0));
    }
    CHECK_INT(INT64_MAX, rtc_nack_next_us(&k)); /* a restart asks for nothing */
}

TEST(rtc_nack, asks_slower_and_slower_and_gives_up) {
    static const struct {
        const char *name;
        int64_t rtt_us;
        int64_t at_us[RTC_NACK_TRIES_MAX];
    } rows[] = {
        { "RTT not known", 0, { 10000, 80000, 167500, 276875, 413593 } },
        { "next door", 1000, { 10000, 30000, 50000, 70000, 90000 } },
        { "60 ms", RTT_US, { 10000, 70000, 145000, 238750, 355937 } },
        { "a second", 1000 * MS, { 10000, 410000, 810000, 1210000, 1610000 } },
    };
    FOR_ROWS (rows, r) {
        struct rtc_nack k = { .rtt_us = r->rtt_us };
        uint16_t got[RTC_NACK_MAX];
        ROW(r->name);
        (void)rtc_nack_received(&k, 1, 0);
        (void)rtc_nack_received(&k, 3, 0);
        for (int i = 0; i < RTC_NACK_TRIES_MAX; i++) {
            CHECK_INT(r->at_us[i], rtc_nack_next_us(&k));
            CHECK_INT(0, rtc_nack_due(&k, r->at_us[i] - 1, got));
            CHECK_INT(1, rtc_nack_due(&k, r->at_us[i], got));
            CHECK_INT(2, got[0]);
            CHECK(!rtc_nack_take_key_needed(&k));
        }
        CHECK_INT(0, rtc_nack_due(&k, rtc_nack_next_us(&k), got));
        CHECK(rtc_nack_take_key_needed(&k));
        CHECK(!rtc_nack_take_key_needed(&k));
        CHECK_INT(INT64_MAX, rtc_nack_next_us(&k));
        CHECK_INT(RTC_NACK_OLD, rtc_nack_received(&k, 2, 0));
    }
}

TEST(rtc_nack, is_bounded) {
    struct rtc_nack k = { .n = 0 };
    uint16_t got[RTC_NACK_MAX];
    (void)rtc_nack_received(&k, 65500, 0);
    (void)rtc_nack_received(&k, (uint16_t)(65500 + RTC_NACK_MAX + 1), 0);
    CHECK_INT(RTC_NACK_MAX, rtc_nack_due(&k, RTC_NACK_FIRST_US, got));
    CHECK(got[0] == 65501 && !rtc_nack_take_key_needed(&k));
    (void)rtc_nack_received(
        &k, (uint16_t)(65500 + RTC_NACK_MAX + 3), MS); /* one more: the oldest goes */
    CHECK(rtc_nack_take_key_needed(&k));
    CHECK_INT(RTC_NACK_MAX, rtc_nack_due(&k, 1000 * MS, got));
    CHECK_INT(65502, got[0]);
    CHECK_INT((uint16_t)(65500 + RTC_NACK_MAX + 2), got[RTC_NACK_MAX - 1]);
    (void)rtc_nack_received(&k, (uint16_t)(65500 + 2500), MS); /* more than all: the newest stay */
    CHECK_INT(RTC_NACK_MAX, rtc_nack_due(&k, 5000 * MS, got));
    CHECK_INT((uint16_t)(65500 + 2500 - RTC_NACK_MAX), got[0]);
    CHECK(rtc_nack_take_key_needed(&k));
}

/* It is asked for all the same, and missed by nobody. */
TEST(rtc_nack, a_key_frame_heals_what_is_before_it) {
    static const struct {
        const char *name;
        uint16_t key;  /* 0 = none */
        uint16_t next; /* comes at the end */
        bool needed;
    } rows[] = {
        { "none", 0, 4, true },
        { "before all that is missing", 65531, 4, true },
        { "among it", 1, 4, true },
        { "behind it", 3, 4, false },
        { "behind it, and then no room", 3, 3 + RTC_NACK_MAX, false },
        { "behind it, and then no room at all", 3, 5 + RTC_NACK_MAX, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_nack k = { .n = 0 };
        uint16_t got[RTC_NACK_MAX];
        (void)rtc_nack_received(&k, 65530, 0);
        (void)rtc_nack_received(&k, 65535, 0);
        (void)rtc_nack_received(&k, 3, 0);
        if (r->key != 0) {
            rtc_nack_key_frame(&k, r->key);
        }
        for (int i = 0; i < RTC_NACK_TRIES_MAX && r->next == 4; i++) {
            CHECK_INT(7, rtc_nack_due(&k, rtc_nack_next_us(&k), got));
        }
        (void)rtc_nack_received(&k, r->next, 0);
        (void)rtc_nack_due(&k, r->next == 4 ? rtc_nack_next_us(&k) : 0, got);
        CHECK_INT(r->needed, rtc_nack_take_key_needed(&k));
    }
}

TEST(rtc_nack, a_key_frame_of_long_ago_heals_nothing) {
    struct rtc_nack k = { .n = 0 };
    uint16_t got[RTC_NACK_MAX], seq = 1;
    (void)rtc_nack_received(&k, seq, 0);
    rtc_nack_key_frame(&k, seq);
    for (unsigned i = 0; i < 40000; i++) {
        (void)rtc_nack_received(&k, ++seq, 0);
    }
    (void)rtc_nack_received(&k, (uint16_t)(seq + 2), 0);
    for (int i = 0; i <= RTC_NACK_TRIES_MAX; i++) {
        (void)rtc_nack_due(&k, rtc_nack_next_us(&k), got);
    }
    CHECK(rtc_nack_take_key_needed(&k));
}

/* --- a whole way in virtual time --- */

#define PATH_MS    1024 /* events lie at most so far ahead */
#define PATH_MAX   40000
#define SENT       5000
#define SENT_EVERY 4 /* ms */

/* Events on a path that loses and delays: at each millisecond a list of packets, or of requests. */
struct path {
    int head[PATH_MS];
    int next[PATH_MAX];
    uint16_t seq[PATH_MAX];
    int n;
    uint32_t random;
};

static uint32_t below(struct path *p, uint32_t n) {
    p->random = p->random * 1664525 + 1013904223;
    return (p->random >> 8) % n;
}

static void send_over(struct path *p, int64_t now_ms, uint16_t seq) {
    if (below(p, 100) < 10 || p->n == PATH_MAX) {
        return;
    }
    int at = (int)((now_ms + 25 + below(p, 50)) % PATH_MS);
    p->seq[p->n] = seq;
    p->next[p->n] = p->head[at];
    p->head[at] = p->n++;
}

static bool take_from(struct path *p, int64_t now_ms, uint16_t *ret) {
    int i = p->head[now_ms % PATH_MS];
    if (i < 0) {
        return false;
    }
    *ret = p->seq[i];
    p->head[now_ms % PATH_MS] = p->next[i];
    return true;
}

static void clear_path(struct path *p, uint32_t seed) {
    memset(p, 0, sizeof(*p));
    memset(p->head, 0xFF, sizeof(p->head));
    p->random = seed;
}

TEST(rtc_nack, heals_a_tenth_lost_and_50_ms_of_jitter) {
    static struct path there, back;
    static bool came[SENT];
    struct rtc_nack k = { .rtt_us = 100 * MS };
    uint16_t seq, due[RTC_NACK_MAX], first = 63000;
    size_t asked = 0, missing = 0;
    clear_path(&there, 1);
    clear_path(&back, 2);
    for (int64_t ms = 1; ms < SENT * SENT_EVERY + 3000; ms++) {
        if (ms % SENT_EVERY == 0 && ms / SENT_EVERY <= SENT) {
            send_over(&there, ms, (uint16_t)(first + ms / SENT_EVERY - 1));
        }
        while (take_from(&back, ms, &seq)) {
            send_over(&there, ms, seq);
        }
        while (take_from(&there, ms, &seq)) {
            (void)rtc_nack_received(&k, seq, ms * MS);
            came[(uint16_t)(seq - first)] = true;
        }
        for (size_t i = 0, n = rtc_nack_due(&k, ms * MS, due); i < n; i++, asked++) {
            send_over(&back, ms, due[i]);
        }
    }
    for (size_t i = 1; i + 1 < SENT; i++) { /* of the first and the last nobody knows */
        missing += !came[i];
    }
    CHECK(there.n < PATH_MAX && back.n < PATH_MAX);
    CHECK_INT(0, missing);
    CHECK(asked < SENT); /* overtaking alone makes several times the 500 lost */
    CHECK_INT(INT64_MAX, rtc_nack_next_us(&k));
}
