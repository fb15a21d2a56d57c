/* An SSRC goes on where it ended; memory of it goes with its track. */
#include "sfu/spent.h"

#include "test.h"

static const struct rtc_srtp_sender used = { .next = 70000 }, never = { 0 };

TEST(sfu_spent, remembers_until_the_track_ends) {
    struct sfu_spents s = { 0 };
    CHECK_ERR(OK, sfu_spents_reserve(&s, 4));
    sfu_spents_keep(&s, 1, 100, &used);
    sfu_spents_keep(&s, 2, 100, &never); /* nothing was sent: nothing to remember */
    sfu_spents_keep(&s, 3, 200, &used);
    CHECK_INT(2, s.n);
    CHECK(sfu_spents_take(&s, 1).next == 70000);
    CHECK(sfu_spents_take(&s, 1).next == 0); /* it is in use now */
    CHECK(sfu_spents_take(&s, 2).next == 0);
    sfu_spents_keep(&s, 1, 100, &used);
    sfu_spents_keep(&s, 2, 100, &used);
    sfu_spents_forget(&s, 100);
    CHECK_INT(1, s.n);
    CHECK(sfu_spents_take(&s, 1).next == 0);
    CHECK(sfu_spents_take(&s, 3).next == 70000);
    sfu_spents_finish(&s);
}

TEST(sfu_spent, has_a_limit) {
    struct sfu_spents s = { 0 };
    for (uint32_t i = 0; i < SFU_SPENT_MAX; i++) {
        CHECK_ERR(OK, sfu_spents_reserve(&s, 1));
        sfu_spents_keep(&s, i + 1, i, &used);
    }
    CHECK_ERR(ERR_LIMIT, sfu_spents_reserve(&s, 1));
    CHECK_INT(SFU_SPENT_MAX, s.n);
    CHECK(sfu_spents_take(&s, 17).next == 70000);
    CHECK_ERR(OK, sfu_spents_reserve(&s, 1));
    sfu_spents_finish(&s);
}

TEST_ALLOC(sfu_spent, survives_no_memory) {
    struct sfu_spents s = { 0 };
    const enum err e = sfu_spents_reserve(&s, 2);
    sfu_spents_finish(&s);
    return e;
}
