/*
 * The estimate over ways of all kinds, in virtual time, each with several seeds.
 *
 * BWE_FIGURES=1 in the environment prints what came out, BWE_SEEDS=16 takes more seeds.
 */
#include "bwe_path.h"
#include "rtc/rtcpfb.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MS     INT64_C(1000)
#define SEEDS  3

static struct path path;

static unsigned seeds(void) {
    const char *said = getenv("BWE_SEEDS");
    return said == NULL ? SEEDS : (unsigned)strtoul(said, NULL, 10);
}

static void say(const char *name, unsigned seed, const struct path_figures *f) {
    if (getenv("BWE_FIGURES") != NULL) {
        printf(
            "%-36s %u  error: median %4.1f %%, 95th %4.1f %%  queue: median %3d ms, 95th %3d ms  "
            "lost %4.1f %%  padding %3.1f %%\n",
            name, seed, f->median, f->worst, (int)(f->queue_median_us / MS),
            (int)(f->queue_worst_us / MS), 100.0 * (double)path.lost / (double)path.sent,
            100.0 * (double)path.padding_bytes / (double)path.bytes);
    }
}

TEST_ALLOC(rtc_bwe, survives_no_memory) {
    struct rtc_bwe *b = NULL;
    TRY(rtc_bwe_create(&b));
    rtc_bwe_destroy(b);
    return OK;
}

TEST(rtc_bwe, knows_no_bound_until_there_is_one) {
    struct rtc_bwe *b = NULL;
    CHECK_ERR(OK, rtc_bwe_create(&b));
    rtc_bwe_useful(b, 1000000);
    CHECK(rtc_bwe_bps(b, SECOND) == RTC_BWE_NONE);
    CHECK_INT(INT64_MAX, rtc_bwe_tick(b, SECOND));
    CHECK_INT(0, rtc_bwe_padding(b, SECOND));
    ROW("the receiver's estimate is one, for a while");
    rtc_bwe_remb(b, 400000, 2 * SECOND);
    CHECK_INT(400000, rtc_bwe_bps(b, 3 * SECOND));
    rtc_bwe_remb(b, 300000, 4 * SECOND);
    CHECK_INT(300000, rtc_bwe_bps(b, 5 * SECOND));
    CHECK(rtc_bwe_bps(b, 4 * SECOND + RTC_BWE_REMB_US) == RTC_BWE_NONE);
    ROW("nonsense says nothing");
    static const uint8_t nonsense[] = { 0, 0, 0, 9, 1, 2, 3, 4, 0x60, 0, 5 };
    for (size_t n = 0; n <= sizeof(nonsense); n++) {
        CHECK(!rtc_bwe_feedback(b, cur_make(nonsense, n), 6 * SECOND));
    }
    CHECK(rtc_bwe_bps(b, 60 * SECOND) == RTC_BWE_NONE);
    rtc_bwe_destroy(b);
}

TEST(rtc_bwe, finds_the_bottleneck_and_keeps_its_queue_short) {
    static const struct {
        const char *name;
        struct path_way way;
        struct path_source source;
        uint64_t want_bps;
    } rows[] = {
        { "300 kbit/s", { .bps = 300000, .queue_us = 500 * MS, .delay_us = 30 * MS },
            { 2500000, false }, 300000 },
        { "1 Mbit/s", { .bps = 1000000, .queue_us = 300 * MS, .delay_us = 20 * MS },
            { 2500000, false }, 1000000 },
        { "3 Mbit/s", { .bps = 3000000, .queue_us = 300 * MS, .delay_us = 20 * MS },
            { 8000000, false }, 3000000 },
        { "1 Mbit/s, far away", { .bps = 1000000, .queue_us = 300 * MS, .delay_us = 150 * MS },
            { 2500000, false }, 1000000 },
        { "1 Mbit/s, jitter",
            { .bps = 1000000, .queue_us = 300 * MS, .delay_us = 30 * MS, .jitter_us = 20 * MS },
            { 2500000, false }, 1000000 },
        { "1 Mbit/s, a packet in 50 lost",
            { .bps = 1000000, .queue_us = 300 * MS, .delay_us = 20 * MS, .loss_permil = 20 },
            { 2500000, false }, 1000000 },
        { "1 Mbit/s, a packet in 20 lost",
            { .bps = 1000000, .queue_us = 300 * MS, .delay_us = 20 * MS, .loss_permil = 50 },
            { 2500000, false }, 1000000 },
        { "1 Mbit/s, short queue", { .bps = 1000000, .queue_us = 60 * MS, .delay_us = 20 * MS },
            { 2500000, false }, 1000000 },
        { "1 Mbit/s, next to none", { .bps = 1000000, .queue_us = 15 * MS, .delay_us = 20 * MS },
            { 2500000, false }, 1000000 },
        { "1.5 Mbit/s, of which another has 0.5",
            { .bps = 1500000, .queue_us = 300 * MS, .delay_us = 20 * MS, .cross_bps = 500000 },
            { 2500000, false }, 1000000 },
        { "300 kbit/s, layers", { .bps = 300000, .queue_us = 500 * MS, .delay_us = 30 * MS },
            { 2500000, true }, 300000 },
        { "1 Mbit/s, layers", { .bps = 1000000, .queue_us = 300 * MS, .delay_us = 20 * MS },
            { 2500000, true }, 1000000 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (unsigned seed = 1; seed <= seeds(); seed++) {
            path_init(&path, &r->way, &r->source, seed);
            path_run(&path, 40 * SECOND);
            struct path_figures f = path_figures(&path, 10 * SECOND, 40 * SECOND, r->want_bps);
            say(r->name, seed, &f);
            CHECK(f.median < 15);
            CHECK(f.queue_median_us < 60 * MS);
            path_finish(&path);
        }
    }
}

TEST(rtc_bwe, follows_the_way_as_it_changes) {
    static const struct {
        const char *name;
        uint64_t before_bps, after_bps, cross_bps, want_bps;
        bool layers;
        int64_t within_us, jitter_us;
        unsigned loss_permil;
    } rows[] = {
        { "down, 2,000 to 500", 2000000, 500000, 0, 500000, false, 2 * SECOND, 0, 0 },
        { "down, 5,000 to 300, layers", 5000000, 300000, 0, 300000, true, 2 * SECOND, 0, 0 },
        { "down, another comes", 2000000, 2000000, 1500000, 500000, false, 3 * SECOND, 0, 0 },
        { "up, 500 to 2,000", 500000, 2000000, 0, 2000000, false, 10 * SECOND, 0, 0 },
        { "up, 300 to 5,000, layers", 300000, 5000000, 0, 2000000, true, 10 * SECOND, 0, 0 },
        { "up, 100 to 5,000, layers", 100000, 5000000, 0, 2000000, true, 10 * SECOND, 0, 0 },
        { "down, jitter", 2000000, 500000, 0, 500000, false, 2 * SECOND, 20 * MS, 0 },
        { "down, a packet in 50 lost", 2000000, 500000, 0, 500000, false, 2 * SECOND, 0, 20 },
        { "up, jitter", 500000, 2000000, 0, 2000000, false, 10 * SECOND, 20 * MS, 0 },
        { "up, a packet in 50 lost", 500000, 2000000, 0, 2000000, false, 10 * SECOND, 0, 20 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (unsigned seed = 1; seed <= seeds(); seed++) {
            struct path_way way = { .bps = r->before_bps,
                .queue_us = 500 * MS,
                .delay_us = 30 * MS,
                .jitter_us = r->jitter_us,
                .loss_permil = r->loss_permil };
            struct path_source source = { 2500000, r->layers };
            path_init(&path, &way, &source, seed);
            path_run(&path, 30 * SECOND);
            path.way.bps = r->after_bps;
            path.way.cross_bps = r->cross_bps;
            path_run(&path, 55 * SECOND);
            bool up = r->after_bps > r->before_bps;
            int64_t at_us = up ? path_above(&path, 30 * SECOND, r->want_bps / 100 * 85)
                               : path_below(&path, 30 * SECOND, r->want_bps / 100 * 115);
            struct path_figures f = path_figures(&path, 40 * SECOND, 55 * SECOND, r->want_bps);
            say(r->name, seed, &f);
            if (getenv("BWE_FIGURES") != NULL) {
                printf("%-36s %u  after %d ms\n", r->name, seed, (int)((at_us - 30 * SECOND) / MS));
            }
            CHECK(at_us - 30 * SECOND <= r->within_us);
            CHECK(r->layers || f.median < 15);
            path_finish(&path);
        }
    }
}

/* Loss that sending less does not help against must not be answered by sending less. */
TEST(rtc_bwe, random_loss_and_jitter_are_no_bottleneck) {
    static const struct {
        const char *name;
        struct path_way way;
        bool layers;
    } rows[] = {
        { "jitter of 50 ms",
            { .bps = 20000000, .queue_us = 300 * MS, .delay_us = 30 * MS, .jitter_us = 50 * MS },
            false },
        { "a tenth lost",
            { .bps = 20000000, .queue_us = 300 * MS, .delay_us = 30 * MS, .loss_permil = 100 },
            false },
        { "a tenth lost, jitter",
            { .bps = 20000000,
                .queue_us = 300 * MS,
                .delay_us = 30 * MS,
                .jitter_us = 50 * MS,
                .loss_permil = 100 },
            false },
        { "a tenth lost, jitter, layers",
            { .bps = 20000000,
                .queue_us = 300 * MS,
                .delay_us = 30 * MS,
                .jitter_us = 50 * MS,
                .loss_permil = 100 },
            true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        unsigned enough = 0, all = 0;
        for (unsigned seed = 1; seed <= seeds(); seed++) {
            struct path_source source = { 1800000, r->layers };
            path_init(&path, &r->way, &source, seed);
            path_run(&path, 40 * SECOND);
            for (size_t i = 0; i < path.n_samples; i++) {
                bool late = path.samples[i].at_us > 10 * SECOND;
                all += late;
                enough += late && path.samples[i].bps >= 1700000;
            }
            path_finish(&path);
        }
        if (getenv("BWE_FIGURES") != NULL) {
            printf(
                "%-36s enough for the best layer %u %% of the time\n", r->name, 100 * enough / all);
        }
        CHECK(enough * 100 >= all * 85);
    }
}

/* A way that is dead for a while, and comes back as good as it was. */
TEST(rtc_bwe, silence_is_no_room_and_does_not_last) {
    struct path_way way = { .bps = 2000000, .queue_us = 300 * MS, .delay_us = 30 * MS };
    struct path_source source = { 1500000, false };
    path_init(&path, &way, &source, 1);
    path_run(&path, 10 * SECOND);
    path.way.loss_permil = 1000;
    path_run(&path, 14 * SECOND);
    CHECK(rtc_bwe_lasting_bps(path.bwe, path.now_us) >= rtc_bwe_bps(path.bwe, path.now_us));
    CHECK(rtc_bwe_bps(path.bwe, path.now_us) < 400000);
    path.way.loss_permil = 0;
    path_run(&path, 30 * SECOND);
    CHECK(path_above(&path, 14 * SECOND, 1400000) <= 24 * SECOND);
    path_finish(&path);
}
