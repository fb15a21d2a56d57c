/* Asked for again: how often is it given? */
#include "sfu/resends.h"
#include "test.h"

#define MS 1000

TEST(sfu_resends, give_a_packet_five_times_and_not_at_once) {
    static const struct {
        const char *name;
        uint16_t seq;
        int64_t rtt_us;
        int64_t at_ms[6];
        bool allowed[6];
    } rows[] = {
        { "repeated at once", 7, 0, { 10000, 10000, 10001, 10099, 10100, 10150 },
            { true, false, false, false, true, false } },
        { "five times", 7, 0, { 10000, 10100, 10200, 10300, 10400, 11000 },
            { true, true, true, true, true, false } },
        { "a long way", 7, 400 * MS, { 10000, 10150, 10299, 10300, 10500, 10600 },
            { true, false, false, true, false, true } },
        { "next door", 7, 20 * MS, { 10000, 10059, 10060, 10119, 10120, 10180 },
            { true, false, true, false, true, true } },
        { "number 0", 0, 0, { 10000, 10001, 10100, 10200, 10300, 10400 },
            { true, false, true, true, true, true } },
        { "long ago: another round of the numbers", 7, 0,
            { 10000, 10100, 10200, 12199, 14199, 14200 }, { true, true, true, true, true, false } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_resends s = { 0 };
        for (int i = 0; i < 6; i++) {
            CHECK_INT(r->allowed[i], sfu_resends_allow(&s, r->seq, r->rtt_us, r->at_ms[i] * MS));
        }
    }
}

TEST(sfu_resends, everything_again_and_again_is_five_of_each) {
    struct sfu_resends s = { 0 };
    unsigned given = 0;
    for (int64_t ms = 0; ms < 1900; ms++) {
        for (unsigned i = 0; i < SFU_RESENDS_KEPT; i++) {
            given += sfu_resends_allow(&s, (uint16_t)(65500 + i), 0, (5000 + ms) * MS);
        }
    }
    CHECK_INT(SFU_RESENDS_TIMES * SFU_RESENDS_KEPT, given);
}

TEST(sfu_resends, newer_numbers_take_the_place_of_older_ones) {
    struct sfu_resends s = { 0 };
    CHECK(sfu_resends_allow(&s, 65535, 0, 5000 * MS));
    CHECK(sfu_resends_allow(&s, (uint16_t)(65535 + SFU_RESENDS_KEPT), 0, 5001 * MS));
    CHECK(!sfu_resends_allow(&s, 65535, 0, 5200 * MS)); /* out of every history by now */
}
