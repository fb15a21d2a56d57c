/* Who gets what. */
#include "sfu/allocator.h"
#include "test.h"

#include <string.h>

/* Three layers with three temporal layers each: 100, 300 and 1,000 kbit/s in all. */
static const struct sfu_supply supply = {
    .bps = { { 40000, 20000, 40000 }, { 120000, 60000, 120000 }, { 400000, 200000, 400000 } },
    .live = 7,
};

/* The way has no queue. */
static struct sfu_purse purse_of(uint64_t bps, bool may_rise) {
    return (struct sfu_purse){ bps, bps, may_rise };
}

TEST(sfu_allocator, builds_ladders) {
    static const struct {
        const char *name;
        bool stacked;
        uint8_t live;
        unsigned tier;
        uint8_t temporal;
        uint8_t n, n_lowest;
        struct sfu_rung rungs[SFU_RUNGS_MAX];
    } rows[] = {
        { "the lowest", false, 7, 0, SFU_TEMPORAL_ALL, 3, 3,
            { { 40000, 0, 0 }, { 60000, 0, 1 }, { 100000, 0, 7 } } },
        { "a half step above", false, 7, 1, SFU_TEMPORAL_ALL, 5, 3,
            { { 40000, 0, 0 }, { 60000, 0, 1 }, { 100000, 0, 7 }, { 180000, 1, 1 },
                { 300000, 1, 7 } } },
        { "all", false, 7, 2, SFU_TEMPORAL_ALL, 7, 3,
            { { 40000, 0, 0 }, { 60000, 0, 1 }, { 100000, 0, 7 }, { 180000, 1, 1 },
                { 300000, 1, 7 }, { 600000, 2, 1 }, { 1000000, 2, 7 } } },
        { "few pictures", false, 7, 1, 1, 4, 2,
            { { 40000, 0, 0 }, { 60000, 0, 1 }, { 120000, 1, 0 }, { 180000, 1, 1 } } },
        { "the fewest", false, 7, 1, 0, 2, 1, { { 40000, 0, 0 }, { 120000, 1, 0 } } },
        { "a gap", false, 5, 2, SFU_TEMPORAL_ALL, 5, 3,
            { { 40000, 0, 0 }, { 60000, 0, 1 }, { 100000, 0, 7 }, { 600000, 2, 1 },
                { 1000000, 2, 7 } } },
        { "nothing so low is sent", false, 6, 0, SFU_TEMPORAL_ALL, 3, 3,
            { { 120000, 1, 0 }, { 180000, 1, 1 }, { 300000, 1, 7 } } },
        { "nothing is sent", false, 0, 2, SFU_TEMPORAL_ALL, 0, 0, { { 0 } } },
        { "each on those below", true, 7, 2, SFU_TEMPORAL_ALL, 7, 3,
            { { 40000, 0, 0 }, { 60000, 0, 1 }, { 100000, 0, 7 }, { 240000, 1, 1 },
                { 400000, 1, 7 }, { 840000, 2, 1 }, { 1400000, 2, 7 } } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_supply s = supply;
        struct sfu_claim c = { .rank = 9 };
        s.stacked = r->stacked;
        s.live = r->live;
        sfu_allocator_ladder(&s, r->tier, r->temporal, &c);
        CHECK_INT(r->n, c.n_rungs);
        CHECK_INT(r->n_lowest, c.n_lowest);
        for (unsigned i = 0; i < r->n; i++) {
            CHECK_INT(r->rungs[i].bps, c.rungs[i].bps);
            CHECK_INT(r->rungs[i].tier, c.rungs[i].tier);
            CHECK_INT(r->rungs[i].temporal, c.rungs[i].temporal);
        }
    }
}

TEST(sfu_allocator, a_higher_layer_never_seems_cheaper) {
    struct sfu_supply s = { .bps = { { 500000 }, { 200000 }, { UINT32_MAX, UINT32_MAX } },
        .live = 7 };
    struct sfu_claim c;
    sfu_allocator_ladder(&s, 2, SFU_TEMPORAL_ALL, &c);
    for (unsigned i = 1; i < c.n_rungs; i++) {
        CHECK(c.rungs[i].bps >= c.rungs[i - 1].bps);
    }
    CHECK_INT(UINT32_MAX, c.rungs[c.n_rungs - 1].bps);
}

TEST(sfu_allocator, finds_the_rung_of_a_layer) {
    static const struct {
        const char *name;
        int tier;
        uint8_t temporal;
        int rung;
    } rows[] = {
        { "the first", 0, 0, 0 },
        { "half", 1, 1, 3 },
        { "whole", 1, SFU_TEMPORAL_ALL, 4 },
        { "all", 2, SFU_TEMPORAL_ALL, 6 },
        { "none of that: the next below", 1, 0, 2 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_claim c;
        sfu_allocator_ladder(&supply, 2, SFU_TEMPORAL_ALL, &c);
        CHECK_INT(r->rung, sfu_allocator_rung(&c, r->tier, r->temporal));
    }
    struct sfu_claim none = { .n_rungs = 0 };
    CHECK_INT(SFU_RUNG_NONE, sfu_allocator_rung(&none, 2, 0));
}

/* Claims as they are written in the tables below. */
struct given {
    uint8_t rank, tier; /* wanted */
    bool may_pause;
    int8_t now, given; /* rungs: 0 1 2 of the lowest, 3 4, 5 6 */
};
enum { FRESH = -2 };
#define CLAIMS 4

TEST(sfu_allocator, shares) {
    enum { SCREEN = SFU_RANK_SCREEN, SPEAKER = SFU_RANK_SPEAKER, CAMERA = SFU_RANK_CAMERA };
    static const struct {
        const char *name;
        uint64_t budget;
        bool late; /* no time to rise */
        uint64_t sum;
        struct given all[CLAIMS];
    } rows[] = {
        { "enough for all", 10000000, false, 2000000,
            { { CAMERA, 2, false, 6, 6 }, { CAMERA, 2, false, 6, 6 } } },
        { "no more than is wanted", 10000000, false, 400000,
            { { CAMERA, 1, false, FRESH, 4 }, { CAMERA, 0, false, FRESH, 2 } } },
        { "300 kbit/s: not the whole of a layer above, with its margin", 300000, false, 180000,
            { { CAMERA, 2, false, FRESH, 3 } } },
        { "300 kbit/s: it stays where it just fits", 300000, false, 300000,
            { { CAMERA, 2, false, 4, 4 } } },
        { "equal ones get equal", 450000, false, 360000,
            { { CAMERA, 2, false, FRESH, 3 }, { CAMERA, 2, false, FRESH, 3 } } },
        { "the lowest layer of all before more of some", 480000, false, 400000,
            { { SPEAKER, 2, false, FRESH, 2 }, { CAMERA, 2, false, FRESH, 2 },
                { CAMERA, 2, false, FRESH, 2 }, { CAMERA, 0, false, FRESH, 2 } } },
        { "but a screen is to be read", 480000, false, 420000,
            { { SCREEN, 2, false, FRESH, 4 }, { CAMERA, 2, false, FRESH, 0 },
                { CAMERA, 2, false, FRESH, 0 }, { CAMERA, 0, false, FRESH, 0 } } },
        { "it need not move much", 900000, false, 800000,
            { { SCREEN, 2, false, FRESH, 5 }, { CAMERA, 2, false, FRESH, 2 },
                { CAMERA, 2, false, FRESH, 2 } } },
        { "a screen before cameras", 1400000, false, 1200000,
            { { CAMERA, 2, false, FRESH, 2 }, { SCREEN, 2, false, FRESH, 6 },
                { CAMERA, 2, false, FRESH, 2 } } },
        { "a speaker before others", 720000, false, 580000,
            { { CAMERA, 2, false, FRESH, 3 }, { SPEAKER, 1, false, FRESH, 4 },
                { CAMERA, 1, false, FRESH, 2 } } },
        { "as the client says, before all", 1320000, false, 1180000,
            { { SPEAKER, 2, false, FRESH, 3 }, { 7, 2, false, FRESH, 6 } } },
        { "falls at once", 200000, true, 180000, { { CAMERA, 2, false, 6, 3 } } },
        { "falls to the least, and no further", 1000, true, 80000,
            { { CAMERA, 2, false, 6, 0 }, { CAMERA, 2, false, 6, 0 } } },
        { "does not rise before its time", 10000000, true, 40000, { { CAMERA, 2, false, 0, 0 } } },
        { "a new one does", 10000000, true, 1040000,
            { { CAMERA, 2, false, 0, 0 }, { CAMERA, 2, false, FRESH, 6 } } },
        { "rises when the margin is there", 1100000, false, 1000000,
            { { CAMERA, 2, false, 4, 6 } } },
        { "and not before", 1099000, false, 600000, { { CAMERA, 2, false, 4, 5 } } },
        { "pauses what may be paused", 50000, true, 40000,
            { { CAMERA, 2, true, 6, 0 }, { CAMERA, 2, true, 6, -1 } } },
        { "pauses all", 30000, true, 0,
            { { CAMERA, 2, true, 2, -1 }, { SCREEN, 2, true, 2, -1 } } },
        { "pauses the least important", 90000, true, 80000,
            { { CAMERA, 2, true, 2, -1 }, { SPEAKER, 2, true, 2, 0 }, { SCREEN, 2, true, 2, 0 } } },
        { "what may not be paused comes first", 50000, true, 40000,
            { { SCREEN, 2, true, 2, -1 }, { CAMERA, 2, false, 2, 0 } } },
        { "goes on late", 10000000, true, 0, { { CAMERA, 2, true, -1, -1 } } },
        { "goes on in time", 10000000, false, 1000000, { { CAMERA, 2, true, -1, 6 } } },
        { "goes on with a margin", 43000, false, 0, { { CAMERA, 2, true, -1, -1 } } },
        { "without a bound", UINT64_MAX, false, 1000000, { { CAMERA, 2, false, 0, 6 } } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_claim claims[CLAIMS] = { { .rank = 0 } };
        size_t n = 0;
        for (const struct given *g = r->all;
             g < r->all + CLAIMS && (g == r->all || g->now != 0 || g->given != 0 || g->rank != 0);
             g++) {
            struct sfu_claim *c = &claims[n++];
            c->rank = g->rank;
            c->may_pause = g->may_pause;
            c->fresh = g->now == FRESH;
            c->now = g->now == FRESH ? SFU_RUNG_NONE : g->now;
            sfu_allocator_ladder(&supply, g->tier, SFU_TEMPORAL_ALL, c);
        }
        CHECK_INT(r->sum, sfu_allocate(claims, n, purse_of(r->budget, !r->late)));
        for (size_t i = 0; i < n; i++) {
            CHECK_INT(r->all[i].given, claims[i].given);
        }
    }
}

/* The lowest rung is 40,000. */
TEST(sfu_allocator, what_lacks_for_a_moment_pauses_nothing_that_is_seen) {
    static const struct {
        const char *name;
        uint64_t now_bps, lasting_bps, sum;
        int8_t now, given;
    } rows[] = {
        { "a queue empties", 30000, 50000, 40000, 0, 0 },
        { "more than the first rung must go", 30000, 500000, 40000, 6, 0 },
        { "it lasts", 30000, 30000, 0, 0, SFU_RUNG_NONE },
        { "it was paused before", 30000, 500000, 0, SFU_RUNG_NONE, SFU_RUNG_NONE },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_claim c = { .rank = SFU_RANK_CAMERA, .may_pause = true, .now = r->now };
        sfu_allocator_ladder(&supply, 2, SFU_TEMPORAL_ALL, &c);
        struct sfu_purse purse = { r->now_bps, r->lasting_bps, true };
        CHECK_INT(r->sum, sfu_allocate(&c, 1, purse));
        CHECK_INT(r->given, c.given);
    }
}

TEST(sfu_allocator, says_what_all_would_cost) {
    struct sfu_claim claims[3] = { { .n_rungs = 0 } };
    sfu_allocator_ladder(&supply, 2, SFU_TEMPORAL_ALL, &claims[1]);
    sfu_allocator_ladder(&supply, 0, SFU_TEMPORAL_ALL, &claims[2]);
    CHECK_INT(1100000, sfu_allocator_all(claims, 3));
    CHECK_INT(0, sfu_allocator_all(claims, 0));
    CHECK_INT(0, sfu_allocate(claims, 0, purse_of(1000, true)));
}

/* Whatever is claimed: never above the budget unless all are at their least, and more room never
 * gives less. */
TEST(sfu_allocator, more_room_never_gives_less) {
    uint64_t random = 88172645463325252U;
    for (unsigned round = 0; round < 300; round++) {
        struct sfu_claim claims[12];
        uint64_t before = 0;
        memset(claims, 0, sizeof(claims));
        for (size_t i = 0; i < 12; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            claims[i].rank = (uint8_t)(random >> 8 & 3);
            claims[i].may_pause = random >> 12 & 1;
            claims[i].now = SFU_RUNG_NONE;
            claims[i].fresh = true;
            sfu_allocator_ladder(
                &supply, random >> 16 & 3, (uint8_t)(random >> 20 & 7), &claims[i]);
        }
        for (uint64_t budget = 10000; budget < 20000000; budget = budget * 5 / 4) {
            uint64_t sum = sfu_allocate(claims, 12, purse_of(budget, true));
            bool least = true;
            for (size_t i = 0; i < 12; i++) {
                least = least && claims[i].given <= 0;
            }
            CHECK(sum <= budget || least);
            CHECK(sum + 400000 >= before); /* a dear rung of the first may cost others theirs */
            before = sum;
        }
    }
}
