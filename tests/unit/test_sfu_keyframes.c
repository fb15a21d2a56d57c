/* Many wishes, few requests. */
#include "sfu/keyframes.h"
#include "test.h"

#define MS 1000

TEST(sfu_keyframes, are_asked_for_no_more_often_than_a_publisher_can_stand) {
    static const struct {
        const char *name;
        unsigned layer;
        int64_t first_ms, again_ms;
        bool came, due;
    } rows[] = {
        { "the low layer, too soon", 0, 1000, 1499, false, false },
        { "the low layer", 0, 1000, 1500, false, true },
        { "the middle one, too soon", 1, 1000, 1999, false, false },
        { "the middle one", 1, 1000, 2000, false, true },
        { "the high one", 2, 1000, 2000, false, true },
        { "one came, and another is wanted soon", 0, 1000, 1100, true, false },
        { "one came, and another is wanted later", 0, 1000, 1600, true, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_keyframes k = { 0 };
        CHECK(!sfu_keyframes_due(&k, r->layer, r->first_ms * MS)); /* nobody wants one */
        CHECK(sfu_keyframes_next_us(&k, r->layer) == INT64_MAX);
        for (int i = 0; i < 100; i++) {
            sfu_keyframes_want(&k);
            CHECK_INT(i == 0, sfu_keyframes_due(&k, r->layer, r->first_ms * MS));
        }
        if (r->came) {
            sfu_keyframes_came(&k);
            CHECK(!sfu_keyframes_due(&k, r->layer, (r->first_ms + 5000) * MS));
            sfu_keyframes_want(&k);
        }
        CHECK_INT(r->due, sfu_keyframes_next_us(&k, r->layer) <= r->again_ms * MS);
        CHECK_INT(r->due, sfu_keyframes_due(&k, r->layer, r->again_ms * MS));
    }
}

TEST(sfu_keyframes, are_asked_for_again_until_one_comes) {
    struct sfu_keyframes k = { 0 };
    sfu_keyframes_want(&k);
    unsigned asked = 0;
    for (int64_t ms = 1; ms < 5000; ms += 10) {
        asked += sfu_keyframes_due(&k, 0, ms * MS);
    }
    CHECK_INT(10, asked);
}
