/* What a subscriber's way takes is found from its reports: through a bottleneck, and over ways that
 * lose and delay. The estimate by itself is tests/unit/test_rtc_bwe. */
#include "player.h"
#include "sfu/budget.h"
#include "sfu/transport.h"
#include "sfu/worker.h"
#include "unit/test.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND 1000000
#define MS     1000

static const struct world_kind microphone = { .layers = 1 };
/* Some 230, 470 and 940 kbit/s with their heads. */
static const struct world_kind camera = {
    .video = true, .layers = 3, .payload = 900, .no_temporal = true
};

static struct sfu_transport *transport_of(const struct world_client *c) {
    struct sfu_worker *worker = c->world->sfu->seats[0].worker;
    return sfu_registry_find(&worker->registry, SFU_TRANSPORT, c->transport);
}

static uint64_t budget_of(const struct world_client *c) {
    return sfu_transport_budget(transport_of(c), c->world->now_us);
}

/* Runs until the sink gets this layer; gives how long that took, at most `most_us`. */
static int64_t until_layer(struct world *w, const struct peer_sink *s, int layer, int64_t most_us) {
    int64_t since = w->now_us;
    while (s->stats.layer != layer && w->now_us - since < most_us) {
        world_run(w, SECOND / 20);
    }
    return w->now_us - since;
}

static void print_figures(const char *what, int64_t us) {
    if (getenv("BWE_FIGURES") != NULL) {
        printf("%s: %d ms\n", what, (int)(us / MS));
    }
}

TEST(sim_budgets, a_bottleneck_is_found_and_its_end_too) {
    static const struct {
        const char *name;
        uint64_t bps;
        int64_t queue_us, jitter_us;
        int layer;
    } rows[] = {
        { "300 kbit/s", 300000, 300 * MS, 0, 0 },
        { "400 kbit/s, long queue", 400000, 2000 * MS, 0, 0 },
        { "300 kbit/s, short queue", 300000, 50 * MS, 0, 0 },
        { "300 kbit/s, jitter", 300000, 300 * MS, 20 * MS, 0 },
        { "700 kbit/s", 700000, 300 * MS, 0, 1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(1);
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1), *c = world_join(w, 2);
        b->wide = c->wide = true;
        w->net.down.jitter_us = r->jitter_us;
        world_run(w, SECOND);
        struct world_track *track = world_publish(a, 0, &camera),
                           *mic = world_publish(a, 1, &microphone);
        struct peer_sink *narrow = world_subscribe(b, track, NULL),
                         *hears = world_subscribe(b, mic, NULL);
        struct peer_sink *wide = world_subscribe(c, track, NULL);
        world_run(w, 4 * SECOND);
        CHECK_INT(2, narrow->stats.layer);
        CHECK(budget_of(b) == SFU_BUDGET_UNKNOWN);
        uint64_t switches = wide->stats.switches;
        struct net_narrow *way = net_narrow(&w->net, &b->path, r->bps, r->queue_us);
        int64_t took = until_layer(w, narrow, r->layer, 10 * SECOND);
        print_figures(r->name, took);
        CHECK(took <= 3 * SECOND);
        world_run(w, 5 * SECOND);
        way->longest_us = 0;
        uint64_t heard = hears->stats.packets, seen = narrow->stats.frames;
        unsigned over = 0; /* more is tried now and then: half as much again as arrives */
        for (unsigned i = 0; i < 20; i++) {
            world_run(w, SECOND / 2);
            CHECK_INT(r->layer, narrow->stats.layer);
            over += budget_of(b) >= r->bps * 115 / 100;
        }
        CHECK(over <= 5);
        CHECK(hears->stats.packets - heard > 480);
        CHECK(narrow->stats.frames - seen > 280);
        CHECK(way->longest_us < 300 * MS);
        (void)net_narrow(&w->net, &b->path, 0, 0);
        took = until_layer(w, narrow, 2, 20 * SECOND);
        print_figures("and back", took);
        CHECK(took <= 10 * SECOND);
        world_run(w, 5 * SECOND);
        CHECK_INT(2, narrow->stats.layer);
        CHECK_INT(2, wide->stats.layer);
        CHECK_INT(switches, wide->stats.switches);
        CHECK(budget_of(c) == SFU_BUDGET_UNKNOWN);
        CHECK(w->sfu->seats[0].worker->stats.padded > 0);
        /* Where packets overtake each other, a key frame's may come behind the next. */
        CHECK(r->jitter_us > 0 || peer_sink_faults(narrow) + peer_sink_faults(wide) == 0);
        CHECK_INT(0, peer_sink_faults(hears));
        CHECK_INT(0, b->unknown);
        CHECK_INT(0, b->times_wrong + c->times_wrong);
        world_destroy(w);
    }
}

/* Where the only video pauses nothing is sent any more, and so nothing is reported: also then it is
 * seen that the way is free. */
TEST(sim_budgets, what_is_paused_goes_on) {
    static const struct {
        const char *name;
        int64_t queue_us;
        unsigned loss_permil, growth_percent;
        int64_t within_us;
    } rows[] = {
        { "a short queue", 50 * MS, 0, 0, 10 * SECOND },
        { "a long queue", 1000 * MS, 0, 0, 10 * SECOND },
        { "loss", 200 * MS, 50, 0, 10 * SECOND },
        { "he estimates himself", 200 * MS, 0, 100, 15 * SECOND },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(2);
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        const struct sfu_wanted wanted = { .spatial = 2, .may_pause = true };
        b->wide = r->growth_percent == 0;
        b->estimate.growth_percent = r->growth_percent;
        w->net.down.loss_permil = r->loss_permil;
        world_run(w, SECOND);
        struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &camera), &wanted);
        world_run(w, 4 * SECOND);
        (void)net_narrow(&w->net, &b->path, 60000, r->queue_us);
        for (unsigned i = 0; i < 40 && b->paused_subscriptions == 0; i++) {
            world_run(w, SECOND / 4);
        }
        CHECK_INT(1, b->paused_subscriptions);
        world_run(w, 10 * SECOND);
        CHECK_INT(b->paused_subscriptions - 1, b->resumed_subscriptions);
        (void)net_narrow(&w->net, &b->path, 0, 0);
        int64_t since_us = w->now_us;
        while (b->resumed_subscriptions < b->paused_subscriptions &&
               w->now_us - since_us < 20 * SECOND) {
            world_run(w, SECOND / 20);
        }
        print_figures(r->name, w->now_us - since_us);
        CHECK(w->now_us - since_us <= r->within_us);
        uint64_t seen = sees->stats.frames;
        world_run(w, 5 * SECOND);
        CHECK(sees->stats.frames > seen + 100);
        CHECK_INT(2, sees->stats.layer);
        world_destroy(w);
    }
}

/* While a line's queue empties, after a probe that did not fit, and where jitter looks like too
 * much, less is sent; but what fits but for that is not paused, which would last three seconds. And
 * sound beside it waits little. */
TEST(sim_budgets, what_fits_is_not_paused) {
    /* Low layers of some 150 and 200 kbit/s with their heads; sound has 45. */
    static const struct world_kind small = {
        .video = true, .layers = 3, .payload = 590, .no_temporal = true
    };
    static const struct world_kind medium = {
        .video = true, .layers = 3, .payload = 790, .no_temporal = true
    };
    static const struct {
        const char *name;
        const struct world_kind *video;
        int64_t queue_us, jitter_us;
        unsigned loss_permil;
        int64_t longest_us; /* that packets wait when all has settled */
    } rows[] = {
        { "a long queue", &small, 1000 * MS, 0, 0, 120 * MS },
        { "a queue", &small, 300 * MS, 0, 0, 120 * MS },
        { "a short queue", &small, 50 * MS, 0, 0, 60 * MS },
        { "jitter", &small, 300 * MS, 20 * MS, 0, 120 * MS },
        { "loss", &small, 300 * MS, 0, 50, 120 * MS },
        { "jitter and loss", &small, 50 * MS, 20 * MS, 10, 60 * MS },
        { "it just fits, a queue", &medium, 300 * MS, 0, 0, 150 * MS },
        { "it just fits, a short queue", &medium, 100 * MS, 0, 0, 110 * MS },
        { "it just fits, some jitter", &medium, 300 * MS, 5 * MS, 0, 150 * MS },
        { "it just fits, jitter", &medium, 300 * MS, 20 * MS, 0, 150 * MS },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct world *w = world_create(seed);
            struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
            const struct sfu_wanted wanted = { .spatial = 2, .may_pause = true };
            b->wide = true;
            w->net.down.jitter_us = r->jitter_us;
            w->net.down.loss_permil = r->loss_permil;
            world_run(w, SECOND);
            struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, r->video), &wanted);
            (void)world_subscribe(b, world_publish(a, 1, &microphone), NULL);
            world_run(w, 4 * SECOND);
            struct net_narrow *way = net_narrow(&w->net, &b->path, 300000, r->queue_us);
            world_run(w, 10 * SECOND);
            way->longest_us = 0;
            world_run(w, 10 * SECOND);
            print_figures(r->name, way->longest_us);
            CHECK_INT(0, b->paused_subscriptions);
            CHECK_INT(0, sees->stats.layer);
            CHECK(way->longest_us <= r->longest_us);
            CHECK(w->sfu->seats[0].worker->stats.padded > 0); /* more was looked for meanwhile */
            world_destroy(w);
        }
    }
}

/* What is written on a screen is to be read: its highest layer, at half the pictures where not all
 * of them fit, before cameras have more than some pictures of their lowest. */
TEST(sim_budgets, a_screen_beside_cameras_on_a_narrow_way) {
    /* Some 230, 470 and 940 kbit/s with their heads; every second picture is half of that. */
    static const struct world_kind halves = { .video = true, .layers = 3, .payload = 900 };
    static const struct world_kind screen = {
        .video = true, .layers = 3, .payload = 900, .screen = true
    };
    static const struct {
        const char *name;
        bool may_pause, wide;
        int64_t jitter_us;
    } rows[] = {
        { "pausing is allowed", true, true, 0 },
        { "it is not", false, true, 0 },
        { "jitter", true, true, 20 * MS },
        { "he estimates himself", true, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct world *w = world_create(seed);
            struct world_client *a = world_join(w, 0), *b = world_join(w, 1), *c = world_join(w, 2);
            const struct sfu_wanted wanted = { .spatial = 2, .may_pause = r->may_pause };
            b->wide = r->wide;
            b->estimate.growth_percent = r->wide ? 0 : 8; /* the draft's */
            w->net.down.jitter_us = r->jitter_us;
            world_run(w, SECOND);
            struct peer_sink *faces[2] = { world_subscribe(
                                               b, world_publish(a, 0, &halves), &wanted),
                world_subscribe(b, world_publish(c, 0, &halves), &wanted) };
            struct peer_sink *hears = world_subscribe(b, world_publish(a, 1, &microphone), NULL);
            world_run(w, 2 * SECOND);
            struct net_narrow *way = net_narrow(&w->net, &b->path, 1000000, 300 * MS);
            world_run(w, 8 * SECOND);
            struct peer_sink *shown = world_subscribe(b, world_publish(a, 2, &screen), &wanted);
            print_figures("shown after", until_layer(w, shown, 2, 20 * SECOND));
            world_run(w, 5 * SECOND);
            way->longest_us = 0;
            uint64_t heard = hears->stats.packets, read = shown->stats.frames;
            unsigned high = 0;
            for (unsigned second = 0; second < 20; second++) {
                world_run(w, SECOND);
                high += shown->stats.layer == 2;
                CHECK(faces[0]->stats.layer < 2 && faces[1]->stats.layer < 2);
            }
            print_figures("sound waits", way->longest_us);
            CHECK(high >= 18);
            CHECK(shown->stats.frames - read >= 270);
            CHECK(hears->stats.packets - heard >= 990);
            CHECK(way->longest_us <= 250 * MS);
            CHECK_INT(0, peer_sink_faults(hears));
            world_destroy(w);
        }
    }
}

/* Who reports on no numbers says himself what he can receive, and that grows by what comes alone.
 */
TEST(sim_budgets, who_estimates_himself_gets_the_best_again) {
    static const struct {
        const char *name;
        unsigned growth_percent;
        int64_t queue_us, within_us;
    } rows[] = {
        { "as fast as packets come", 100, 300 * MS, 10 * SECOND },
        { "a short queue", 100, 100 * MS, 10 * SECOND },
        { "by 8 % a second, the draft's growth", 8, 300 * MS, 25 * SECOND },
    };
    /* Some 200, 400 and 800 kbit/s with their heads. */
    const struct world_kind medium = {
        .video = true, .layers = 3, .payload = 800, .no_temporal = true
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(5);
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        b->estimate.growth_percent = r->growth_percent;
        world_run(w, SECOND);
        struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &medium), NULL);
        struct peer_sink *hears = world_subscribe(b, world_publish(a, 1, &microphone), NULL);
        world_run(w, 4 * SECOND);
        CHECK_INT(2, sees->stats.layer);
        struct net_narrow *way = net_narrow(&w->net, &b->path, 300000, r->queue_us);
        CHECK(until_layer(w, sees, 0, 10 * SECOND) <= 3 * SECOND);
        world_run(w, 5 * SECOND);
        way->longest_us = 0;
        uint64_t heard = hears->stats.packets, seen = sees->stats.frames;
        world_run(w, 10 * SECOND);
        CHECK_INT(0, sees->stats.layer);
        CHECK(hears->stats.packets - heard > 480);
        CHECK(sees->stats.frames - seen > 280);
        print_figures("sound waits", way->longest_us);
        CHECK(way->longest_us < 200 * MS);
        (void)net_narrow(&w->net, &b->path, 0, 0);
        int64_t took = until_layer(w, sees, 2, 60 * SECOND);
        print_figures(r->name, took);
        CHECK(took <= r->within_us);
        world_run(w, 3 * SECOND);
        uint64_t padded = w->sfu->seats[0].worker->stats.padded;
        CHECK(padded > 0);
        ROW("and nothing more is looked for");
        world_run(w, 2 * SECOND);
        CHECK_INT(padded, w->sfu->seats[0].worker->stats.padded);
        CHECK_INT(2, sees->stats.layer);
        CHECK_INT(0, peer_sink_faults(sees) + peer_sink_faults(hears) + b->unknown);
        world_destroy(w);
    }
}

/* Where the lowest layer and sound have next to all of a line, a queue that was filled once stands
 * for ever if what is lost before it is sent again. */
TEST(sim_budgets, a_queue_drains_for_who_estimates_himself) {
    static const struct {
        const char *name;
        uint64_t bps; /* of which some 276,000 are needed */
        unsigned growth_percent;
    } rows[] = {
        { "99.5 %", 277500, 8 },
        { "99.5 %, as fast as packets come", 277500, 100 },
        { "98 %", 281600, 8 },
        { "98 %, as fast as packets come", 281600, 100 },
    };
    static const struct world_kind medium = {
        .video = true, .layers = 3, .payload = 800, .no_temporal = true
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct world *w = world_create(seed);
            struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
            b->estimate.growth_percent = r->growth_percent;
            world_run(w, SECOND);
            (void)world_subscribe(b, world_publish(a, 0, &medium), NULL);
            struct peer_sink *hears = world_subscribe(b, world_publish(a, 1, &microphone), NULL);
            world_run(w, 4 * SECOND);
            struct net_narrow *way = net_narrow(&w->net, &b->path, r->bps, 300 * MS);
            world_run(w, 40 * SECOND);
            uint64_t lost = way->lost, heard = hears->stats.packets;
            int64_t sum_us = 0;
            for (unsigned i = 0; i < 40; i++) {
                world_run(w, SECOND / 2);
                sum_us += way->busy_us > w->now_us ? way->busy_us - w->now_us : 0;
            }
            print_figures(r->name, sum_us / 40);
            CHECK(sum_us / 40 < 150 * MS);
            CHECK(way->lost - lost < 20);
            CHECK(hears->stats.packets - heard > 980);
            world_destroy(w);
        }
    }
}

TEST(sim_budgets, where_there_is_no_rtx_there_is_no_padding) {
    struct world *w = world_create(6);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    const struct world_listener plain = { .no_rtx = true, .wanted = { .spatial = 2 } };
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe_as(b, world_publish(a, 0, &camera), &plain);
    b->remb_bps = 300000;
    world_run(w, 10 * SECOND);
    CHECK_INT(0, sees->stats.layer);
    CHECK_INT(0, w->sfu->seats[0].worker->stats.padded);
    b->remb_bps = 50000000;
    world_run(w, 10 * SECOND);
    CHECK_INT(2, sees->stats.layer);
    world_destroy(w);
}

/* Above 20 pictures a second, and no hole in the sound that a decoder does not bridge: 60 ms, as
 * ITU-T G.711, Appendix I, which fades out over them. What is played so long after it was sent is
 * a conversation still (ITU-T G.114: 400 ms at most). A second may be poorer: the one in which a
 * packet and all its resends were lost, until the key frame. */
#define SEEN_AFTER_US  (400 * MS)
#define HEARD_AFTER_US (300 * MS)
#define CONCEALED      3 /* packets of 20 ms */
#define LOSSY_S        30

TEST(sim_budgets, a_tenth_lost_and_50_ms_of_jitter) {
    static struct player eye, ear, red_ear;
    static const struct world_kind red = { .layers = 1, .codec = WORLD_RED };
    for (uint64_t seed = 2; seed < 6; seed++) {
        struct world *w = world_create(seed);
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        b->wide = true;
        world_run(w, SECOND);
        struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &camera), NULL);
        struct peer_sink *hears = world_subscribe(b, world_publish(a, 1, &microphone), NULL);
        struct peer_sink *hears_red = world_subscribe(b, world_publish(a, 2, &red), NULL);
        player_begin(&eye, sees, SEEN_AFTER_US);
        player_begin(&ear, hears, HEARD_AFTER_US);
        player_begin(&red_ear, hears_red, HEARD_AFTER_US);
        world_run(w, 2 * SECOND);
        player_mark(&eye, w->now_us);
        w->net.up = w->net.down = (struct net_way){ 20 * MS, 50 * MS, 100 };
        unsigned high = 0;
        for (unsigned second = 0; second < LOSSY_S; second++) {
            world_run(w, SECOND);
            high += sees->stats.layer == 2;
        }
        w->net.up = w->net.down = (struct net_way){ 20 * MS, 0, 0 };
        world_run(w, SECOND);
        print_figures("the best layer, of 30 s", (int64_t)high * SECOND);
        CHECK(high >= 20);
        CHECK(player_shown(&eye, LOSSY_S) > 25 * LOSSY_S);
        CHECK(player_poor_seconds(&eye, LOSSY_S, 20) <= 2);
        CHECK(player_longest_gap(&ear, 20 * MS, 0) <= CONCEALED);
        CHECK(player_longest_gap(&red_ear, 20 * MS, 1) <= CONCEALED);
        CHECK(peer_sink_missing(sees) <= 8); /* of 3,000 or so */
        CHECK_INT(
            0, peer_sink_faults(sees) + peer_sink_faults(hears) + peer_sink_faults(hears_red));
        world_destroy(w);
    }
}

TEST(sim_budgets, who_does_not_report_is_not_limited) {
    struct world *w = world_create(3);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &camera), NULL);
    world_run(w, 2 * SECOND);
    CHECK(transport_of(b)->budget.bwe == NULL); /* it costs nothing either */
    CHECK(budget_of(b) == SFU_BUDGET_UNKNOWN);
    CHECK_INT(2, sees->stats.layer);
    CHECK_INT(0, w->sfu->seats[0].worker->stats.padded);
    world_destroy(w);
}

/* Packets that wait for the pacer when what they belong to goes. */
TEST(sim_budgets, who_leaves_in_the_middle_of_a_burst_leaves_nothing) {
    struct world *w = world_create(4);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1), *c = world_join(w, 2);
    b->wide = c->wide = true;
    world_run(w, SECOND);
    struct world_track *first = world_publish(a, 0, &camera),
                       *second = world_publish(a, 1, &camera);
    struct peer_sink *one = world_subscribe(b, first, NULL);
    (void)world_subscribe(b, second, NULL);
    (void)world_subscribe(c, first, NULL);
    world_run(w, 2 * SECOND);
    (void)net_narrow(&w->net, &b->path, 100000, 200 * MS); /* less than the lowest layers have */
    (void)net_narrow(&w->net, &c->path, 60000, 200 * MS);
    world_run(w, 4 * SECOND);
    CHECK(budget_of(b) < 120000);
    CHECK(media_outbox_next_us(w->media->outbox) != INT64_MAX);
    world_unsubscribe(b, one);
    world_run(w, SECOND / 10);
    world_unpublish(a, 1);
    world_run(w, SECOND / 10);
    world_leave(c);
    world_run(w, SECOND / 10);
    world_destroy(w);
}
