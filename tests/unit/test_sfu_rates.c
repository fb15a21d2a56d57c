/* From packets to rates. */
#include "sfu/rates.h"
#include "test.h"

#define SECOND 1000000

TEST(sfu_rates, come_from_what_is_sent) {
    struct sfu_rates r = { .known = false };
    int64_t now = 5 * SECOND;
    sfu_rates_look(&r, now);
    for (unsigned i = 0; i < 100; i++) {
        sfu_rates_note(&r, 1, i % 2, 984, now);
    }
    sfu_rates_look(&r, now + SECOND / 2); /* too early */
    CHECK(!r.known);
    now += SECOND;
    sfu_rates_look(&r, now);
    CHECK(r.known);
    CHECK_INT(400000, r.bps[1][0]);
    CHECK_INT(400000, r.bps[1][1]);
    CHECK_INT(0, r.bps[0][0]);
    sfu_rates_note(&r, 1, 0, 24984, now);
    now += 2 * SECOND;
    sfu_rates_look(&r, now);
    CHECK_INT(250000, r.bps[1][0]);     /* half of 400,000 and half of 100,000 */
    CHECK_INT(0, r.bps[1][1]);          /* ceased */
    sfu_rates_note(&r, 0, 9, 984, now); /* more temporal layers than are counted apart */
    now += SECOND;
    sfu_rates_look(&r, now);
    CHECK_INT(8000, r.bps[0][SFU_TEMPORALS_COUNT - 1]);
}

TEST(sfu_rates, know_which_layers_are_sent) {
    struct sfu_rates r = { .known = false };
    CHECK_INT(0, sfu_rates_live(&r, SECOND));
    sfu_rates_note(&r, 0, 0, 100, 5 * SECOND);
    sfu_rates_note(&r, 2, 0, 100, 5 * SECOND + SECOND / 2);
    CHECK_INT(5, sfu_rates_live(&r, 5 * SECOND + SECOND / 2));
    CHECK_INT(4, sfu_rates_live(&r, 6 * SECOND));
    CHECK_INT(0, sfu_rates_live(&r, 7 * SECOND));
}

TEST(sfu_rates, begin_as_announced) {
    static const struct {
        const char *name;
        uint32_t announced[SFU_TIERS_MAX];
        uint32_t known, want[SFU_TIERS_MAX];
    } rows[] = {
        { "announced", { 1, 2, 3 }, 0, { 1, 2, 3 } },
        { "nothing was", { 0 }, 0, { 150000, 500000, 1700000 } },
        { "measured", { 1, 2, 3 }, 77, { 77, 2, 3 } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_rates rates = { .bps = { { r->known } } };
        struct sfu_supply s;
        sfu_rates_supply(&rates, r->announced, &s);
        for (unsigned i = 0; i < SFU_TIERS_MAX; i++) {
            CHECK_INT(r->want[i], s.bps[i][0]);
            CHECK_INT(0, s.bps[i][1]);
        }
    }
}
