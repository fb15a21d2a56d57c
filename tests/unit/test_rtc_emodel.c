/* The E-model against figures worked out by hand, and its shape. */
#include "rtc/emodel.h"
#include "test.h"

static int64_t hundredths(double v) {
    return (int64_t)(v * 100 + 0.5);
}

TEST(rtc_emodel, reckons_what_the_network_did) {
    static const struct {
        const char *name;
        struct rtc_emodel m;
        int64_t r, mos; /* hundredths */
    } rows[] = {
        { "nothing", { RTC_EMODEL_OPUS, 0, 0, 0 }, 9320, 441 },
        { "a fine way", { RTC_EMODEL_OPUS, 0, 40, 5 }, 9248, 439 },
        { "1 % lost", { RTC_EMODEL_OPUS, 0.01, 0, 0 }, 8956, 433 },
        { "10 % lost", { RTC_EMODEL_OPUS, 0.1, 0, 0 }, 6613, 341 },
        { "10 % lost, FEC", { RTC_EMODEL_OPUS_FEC, 0.1, 0, 0 }, 7326, 375 },
        { "10 % lost, RED", { RTC_EMODEL_RED, 0.1, 0, 0 }, 7742, 392 },
        { "10 % lost, both", { RTC_EMODEL_RED_FEC, 0.1, 0, 0 }, 8206, 410 },
        { "a satellite", { RTC_EMODEL_OPUS, 0, 600, 10 }, 6982, 359 },
        { "jitter waits as long as the way", { RTC_EMODEL_OPUS, 0, 0, 160 }, 6982, 359 },
        { "all lost", { RTC_EMODEL_OPUS, 1, 0, 0 }, 1726, 118 },
        { "more than all, and nonsense", { RTC_EMODEL_OPUS, 7, -5, -1 }, 1726, 118 },
        { "an hour away", { RTC_EMODEL_OPUS, 0, 7200000, 0 }, 0, 100 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        double got = rtc_emodel_r(&r->m);
        CHECK_INT(r->r, hundredths(got));
        CHECK_INT(r->mos, hundredths(rtc_emodel_mos(got)));
    }
}

TEST(rtc_emodel, never_leaves_its_scale_nor_falls) {
    double before = 0;
    for (int r = -10; r <= 120; r++) {
        double mos = rtc_emodel_mos(r);
        CHECK(mos >= 1.0 && mos <= 4.5);
        CHECK(mos >= before);
        before = mos;
    }
    CHECK_INT(450, hundredths(rtc_emodel_mos(100)));
    CHECK_INT(100, hundredths(rtc_emodel_mos(0)));
}
