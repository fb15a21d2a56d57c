/* Windows from counters. */
#include "sfu/tally.h"
#include "test.h"

TEST(sfu_tally, says_what_came_since_the_last_look) {
    static const struct {
        const char *name;
        int64_t expected, lost; /* totals */
        uint32_t came, gone;
    } rows[] = {
        { "the first look", 100, 2, 100, 2 },
        { "more", 250, 12, 150, 10 },
        { "nothing", 250, 12, 0, 0 },
        { "resends of before", 300, 5, 50, 0 },
        { "the source began anew", 10, 1, 10, 1 },
        { "more lost than sent, says a liar", 20, 5000, 10, 10 },
        { "less lost than nothing", 30, -5000, 10, 0 },
        { "a number of 2^40", INT64_C(1) << 40, 0, UINT32_MAX, 5000 },
    };
    struct sfu_tally t = { 0 };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_window w = { .video = true };
        sfu_tally_packets(&t, r->expected, r->lost, &w);
        CHECK_INT(r->came, w.expected);
        CHECK_INT(r->gone, w.lost);
        CHECK(w.video);
    }
}

TEST(sfu_tally, tells_the_rate) {
    struct sfu_tally t = { .octets = 5000 };
    CHECK_INT(8000, sfu_tally_bps(&t, 1000000));
    t.octets += 1250000;
    CHECK_INT(2000000, sfu_tally_bps(&t, 6000000));
    CHECK_INT(0, sfu_tally_bps(&t, 11000000));
    t.octets += 1;
    CHECK_INT(0, sfu_tally_bps(&t, 11000000)); /* no time went by */
    t.octets += UINT64_C(1) << 50;
    CHECK_INT(UINT32_MAX, sfu_tally_bps(&t, 16000000));
}
