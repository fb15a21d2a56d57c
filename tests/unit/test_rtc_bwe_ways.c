/*
 * The estimate over ways that people have: what it gets of them, and how long packets wait for it.
 * How those of other makers fare is in "Analysis and Design of the Google Congestion Control for
 * WebRTC" (MMSys 2016): the whole way where it is alone, a fair share beside TCP, both within
 * some 20 percent, and queues of some 50 ms.
 *
 * BWE_FIGURES=1 in the environment prints what came out, BWE_SEEDS=16 takes more seeds.
 */
#include "bwe_path.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND  INT64_C(1000000)
#define MS      INT64_C(1000)
#define SEEDS   3
#define RUN_US  (60 * SECOND)
#define STEP_US (100 * MS)

static struct path path;

struct want {
    unsigned least_percent; /* of what there is to be had: in the mean */
    int64_t queue_median_us, queue_worst_us;
};

struct got {
    double could, had; /* sums of bits per second */
};

static unsigned seeds(void) {
    const char *said = getenv("BWE_SEEDS");
    return said == NULL ? SEEDS : (unsigned)strtoul(said, NULL, 10);
}

/* What there is to be had now: without heads, stalls, and what is fair to leave to another. */
static double could(const struct path *p) {
    double bps = (double)p->way.bps * PACKET / (PACKET + HEADS);
    if (p->way.stall_every_us > 0) {
        bps *= 1 - (double)p->way.stall_us / (double)p->way.stall_every_us;
    }
    bps = p->way.tcp ? bps / 2 : bps;
    return bps < (double)p->source.most_bps ? bps : (double)p->source.most_bps;
}

static void note(struct got *got, const struct path *p) {
    double bps = (double)rtc_bwe_bps(p->bwe, p->now_us);
    got->could += could(p);
    got->had += bps < could(p) ? bps : could(p);
}

static void check(const char *name, unsigned seed, const struct want *want, const struct got *got) {
    struct path_figures f = path_figures(&path, 10 * SECOND, RUN_US, path.way.bps);
    double percent = 100 * got->had / got->could;
    if (getenv("BWE_FIGURES") != NULL) {
        printf("%-40s %u  had %3.0f %%  queue: median %3d ms, 95th %3d ms  lost %.1f %%\n", name,
            seed, percent, (int)(f.queue_median_us / MS), (int)(f.queue_worst_us / MS),
            100.0 * (double)path.lost / (double)path.sent);
    }
    CHECK(percent >= want->least_percent);
    CHECK(f.queue_median_us <= want->queue_median_us);
    CHECK(f.queue_worst_us <= want->queue_worst_us);
}

/* A step from `at_us`, noted from `since_us` on, when the way is known. Gives whether it was. */
static bool go_on(struct got *got, int64_t at_us, int64_t since_us) {
    path_run(&path, at_us + STEP_US);
    if (at_us >= since_us) {
        note(got, &path);
    }
    return at_us >= since_us;
}

TEST(rtc_bwe_ways, all_that_there_is_without_a_queue) {
    static const struct {
        const char *name;
        struct path_way way;
        uint64_t most_bps;
        struct want want;
    } rows[] = {
        { "DSL with room for a second", { .bps = 1000000, .queue_us = SECOND, .delay_us = 20 * MS },
            2500000, { 85, 60 * MS, 150 * MS } },
        { "Wi-Fi: bursts of loss, stalls, ample",
            { .bps = 20000000,
                .queue_us = 200 * MS,
                .delay_us = 10 * MS,
                .jitter_us = 3 * MS,
                .bursts_permil = 30,
                .stall_us = 30 * MS,
                .stall_every_us = 300 * MS },
            2500000, { 95, 30 * MS, 60 * MS } },
        { "Wi-Fi: bursts of loss, stalls, narrow",
            { .bps = 2000000,
                .queue_us = 200 * MS,
                .delay_us = 10 * MS,
                .jitter_us = 3 * MS,
                .bursts_permil = 30,
                .stall_us = 30 * MS,
                .stall_every_us = 300 * MS },
            5000000, { 80, 60 * MS, 150 * MS } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (unsigned seed = 1; seed <= seeds(); seed++) {
            struct got got = { 0 };
            path_init(&path, &r->way, &(struct path_source){ r->most_bps, false }, seed);
            for (int64_t at_us = 0; at_us < RUN_US; at_us += STEP_US) {
                go_on(&got, at_us, 10 * SECOND);
            }
            check(r->name, seed, &r->want, &got);
            path_finish(&path);
        }
    }
}

/* From 1 to 8 Mbit/s, and other every two to five seconds. Where it becomes an eighth, what is
 * under way in a round trip and until a report is a second's worth: that queue is nobody's fault.
 */
TEST(rtc_bwe_ways, mobile_radio_that_changes_all_the_time) {
    static const struct {
        const char *name;
        uint64_t most_bps;
        int64_t jitter_us;
        struct want want;
    } rows[] = {
        { "a camera", 2500000, 0, { 80, 30 * MS, 200 * MS } },
        { "many cameras", 8000000, 0, { 60, 30 * MS, 700 * MS } },
        { "many cameras, jitter", 8000000, 10 * MS, { 55, 30 * MS, 700 * MS } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (unsigned seed = 1; seed <= seeds(); seed++) {
            struct got got = { 0 };
            struct path_way way = {
                .bps = 4000000, .queue_us = SECOND, .delay_us = 30 * MS, .jitter_us = r->jitter_us
            };
            path_init(&path, &way, &(struct path_source){ r->most_bps, false }, seed);
            int64_t next_us = 0;
            for (int64_t at_us = 0; at_us < RUN_US; at_us += STEP_US) {
                if (at_us >= next_us) {
                    path.way.bps = 1000000 + draw(&path, 7000000);
                    next_us = at_us + 2 * SECOND + (int64_t)draw(&path, 3 * SECOND);
                }
                go_on(&got, at_us, 10 * SECOND);
            }
            check(r->name, seed, &r->want, &got);
            path_finish(&path);
        }
    }
}

/* TCP fills whatever queue there is: packets wait as long as it holds, whoever sends what. Who gave
 * way to it until the queue were empty would have nothing. */
TEST(rtc_bwe_ways, a_share_beside_somebodys_download) {
    static const struct {
        const char *name;
        struct path_way way;
        uint64_t most_bps;
        unsigned least_percent; /* of half the way */
    } rows[] = {
        { "1 Mbit/s, room for a second",
            { .bps = 1000000, .queue_us = SECOND, .delay_us = 20 * MS, .tcp = true }, 2500000, 60 },
        { "6 Mbit/s, room for a second",
            { .bps = 6000000, .queue_us = SECOND, .delay_us = 20 * MS, .tcp = true }, 2500000, 50 },
        { "3 Mbit/s, room for 300 ms",
            { .bps = 3000000, .queue_us = 300 * MS, .delay_us = 20 * MS, .tcp = true }, 5000000,
            60 },
        { "3 Mbit/s, room for 100 ms",
            { .bps = 3000000, .queue_us = 100 * MS, .delay_us = 20 * MS, .tcp = true }, 5000000,
            15 },
        { "10 Mbit/s, room for 60 ms",
            { .bps = 10000000, .queue_us = 60 * MS, .delay_us = 20 * MS, .tcp = true }, 5000000,
            30 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (unsigned seed = 1; seed <= seeds(); seed++) {
            struct got got = { 0 };
            struct want want = { r->least_percent, r->way.queue_us, r->way.queue_us + 20 * MS };
            path_init(&path, &r->way, &(struct path_source){ r->most_bps, false }, seed);
            uint64_t before = 0;
            for (int64_t at_us = 0; at_us < RUN_US; at_us += STEP_US) {
                if (go_on(&got, at_us, 20 * SECOND)) {
                    before = before == 0 ? path.rival.bytes : before;
                }
            }
            check(r->name, seed, &want, &got);
            double his = (double)(path.rival.bytes - before) * BITS / 40;
            CHECK(his > (double)r->way.bps / 6); /* nor does he starve */
            path_finish(&path);
        }
    }
}
