/* What subscribers get of the room that they have: layers fall and rise, videos pause and go on,
 * and nobody else notices. */
#include "rtc/bwe.h"
#include "sfu/subscription.h"
#include "sfu/worker.h"
#include "unit/test.h"
#include "world.h"

#define SECOND 1000000
#define AMPLE  INT64_C(50000000)

static const struct world_kind microphone = { .layers = 1 };
/* Some 220, 450 and 900 kbit/s: in whole layers, or with temporal layers, which are half steps. */
static const struct world_kind camera = {
    .video = true, .layers = 3, .payload = 900, .no_temporal = true
};
static const struct world_kind screen = {
    .video = true, .layers = 3, .payload = 900, .no_temporal = true, .screen = true
};
static const struct world_kind halves = { .video = true, .layers = 3, .payload = 900 };

/* Runs until the sink gets this layer; gives how long that took, at most `most_us`. */
static int64_t until_layer(struct world *w, const struct peer_sink *s, int layer, int64_t most_us) {
    int64_t since = w->now_us;
    while (s->stats.layer != layer && w->now_us - since < most_us) {
        world_run(w, SECOND / 20);
    }
    return w->now_us - since;
}

static uint64_t bps_of(struct world *w, struct peer_sink *const *sinks, size_t n, int64_t for_us) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bytes -= sinks[i]->stats.bytes;
    }
    world_run(w, for_us);
    for (size_t i = 0; i < n; i++) {
        bytes += sinks[i]->stats.bytes;
    }
    return bytes * 8 * SECOND / (uint64_t)for_us;
}

TEST(sim_shares, limited_to_300_kbit_a_low_layer_in_three_seconds_and_the_high_one_in_ten) {
    struct world *w = world_create(1);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1), *c = world_join(w, 2);
    world_run(w, SECOND);
    struct world_track *track = world_publish(a, 0, &camera),
                       *mic = world_publish(a, 1, &microphone);
    struct peer_sink *narrow = world_subscribe(b, track, NULL);
    struct peer_sink *wide = world_subscribe(c, track, NULL),
                     *hears = world_subscribe(b, mic, NULL);
    world_run(w, 4 * SECOND);
    CHECK_INT(2, narrow->stats.layer);
    for (unsigned round = 0; round < 3; round++) {
        uint64_t switches = wide->stats.switches, heard = hears->stats.packets;
        b->remb_bps = 300000;
        CHECK(until_layer(w, narrow, 0, 10 * SECOND) <= 3 * SECOND);
        CHECK(bps_of(w, &narrow, 1, 5 * SECOND) < 300000);
        CHECK_INT(0, narrow->stats.layer);
        CHECK(hears->stats.packets - heard > 240);
        b->remb_bps = AMPLE;
        CHECK(until_layer(w, narrow, 2, 20 * SECOND) <= 10 * SECOND);
        world_run(w, 2 * SECOND);
        CHECK_INT(2, narrow->stats.layer);
        CHECK_INT(2, wide->stats.layer);
        CHECK_INT(switches, wide->stats.switches);
    }
    CHECK_INT(0, b->paused_subscriptions);
    CHECK_INT(0, peer_sink_faults(narrow) + peer_sink_faults(wide) + peer_sink_faults(hears));
    CHECK_INT(0, peer_sink_missing(narrow) + peer_sink_missing(wide) + peer_sink_missing(hears));
    world_destroy(w);
}

TEST(sim_shares, half_the_pictures_before_a_whole_layer_less) {
    struct world *w = world_create(2);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &halves), NULL);
    world_run(w, 4 * SECOND);
    b->remb_bps = 560000; /* not the highest layer whole, 900, but half of it, 450 */
    world_run(w, 3 * SECOND);
    uint64_t frames = sees->stats.frames;
    CHECK(bps_of(w, &sees, 1, 4 * SECOND) < 560000);
    CHECK_INT(2, sees->stats.layer);
    CHECK(sees->stats.frames - frames >= 50 && sees->stats.frames - frames <= 70);
    b->remb_bps = AMPLE;
    world_run(w, 10 * SECOND);
    frames = sees->stats.frames;
    world_run(w, 2 * SECOND);
    CHECK(sees->stats.frames - frames >= 58);
    CHECK_INT(0, peer_sink_faults(sees));
    CHECK_INT(0, peer_sink_missing(sees));
    world_destroy(w);
}

TEST(sim_shares, pause_where_allowed_and_go_on) {
    static const struct {
        const char *name;
        bool may_pause;
        unsigned paused;
    } rows[] = { { "allowed", true, 1 }, { "not allowed", false, 0 } };
    struct world_kind shared = halves;
    shared.screen = true;
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(3);
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        struct sfu_wanted wanted = { .spatial = 2, .may_pause = r->may_pause };
        world_run(w, SECOND);
        struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &halves), &wanted);
        struct peer_sink *shown = world_subscribe(b, world_publish(a, 1, &shared), &wanted);
        struct peer_sink *hears = world_subscribe(b, world_publish(a, 2, &microphone), &wanted);
        world_run(w, 4 * SECOND);
        for (unsigned round = 1; round <= 2; round++) {
            b->remb_bps = 80000; /* a quarter of a low layer's pictures: 55 */
            world_run(w, 3 * SECOND);
            uint64_t seen = sees->stats.packets, heard = hears->stats.packets;
            CHECK(bps_of(w, &shown, 1, 2 * SECOND) > 40000);
            CHECK(r->may_pause ? sees->stats.packets == seen : sees->stats.packets > seen + 10);
            CHECK(hears->stats.packets - heard > 95);
            CHECK_INT(r->paused * round, b->paused_subscriptions);
            b->remb_bps = AMPLE;
            CHECK(until_layer(w, shown, 2, 20 * SECOND) <= 10 * SECOND);
            world_run(w, SECOND);
            CHECK_INT(2, sees->stats.layer);
            CHECK_INT(r->paused * round, b->resumed_subscriptions);
        }
        CHECK_INT(0, peer_sink_faults(sees) + peer_sink_faults(shown) + peer_sink_faults(hears));
        CHECK_INT(0, peer_sink_missing(sees) + peer_sink_missing(shown) + peer_sink_missing(hears));
        world_destroy(w);
    }
}

TEST(sim_shares, a_new_one_and_one_that_ends) {
    struct world *w = world_create(4);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_track *cam = world_publish(a, 0, &camera), *share = world_publish(a, 1, &screen);
    struct peer_sink *sees = world_subscribe(b, cam, NULL);
    b->remb_bps = 1300000;
    world_run(w, 6 * SECOND);
    CHECK_INT(2, sees->stats.layer);
    struct peer_sink *shown = world_subscribe(b, share, NULL);
    world_run(w, 4 * SECOND);
    CHECK_INT(2, shown->stats.layer); /* a screen goes first */
    CHECK_INT(0, sees->stats.layer);
    struct peer_sink *both[2] = { sees, shown };
    CHECK(bps_of(w, both, 2, 4 * SECOND) < 1300000);
    sfu_track_mute(w->sfu, share->id, true);
    peer_source_set_layers(share->source, 0);
    world_run(w, 6 * SECOND);
    CHECK_INT(2, sees->stats.layer); /* its room is free while it is muted */
    sfu_track_mute(w->sfu, share->id, false);
    peer_source_set_layers(share->source, 7);
    world_run(w, 6 * SECOND);
    CHECK_INT(2, shown->stats.layer);
    CHECK_INT(0, sees->stats.layer);
    struct sfu_wanted off = { .disabled = true }, small = { .width = 320, .height = 180 };
    world_want(b, shown, &off);
    world_run(w, 6 * SECOND);
    CHECK_INT(2, sees->stats.layer);
    world_want(b, shown, &small);
    world_run(w, 6 * SECOND);
    CHECK_INT(0, shown->stats.layer); /* no more than is shown, though it goes first */
    CHECK(bps_of(w, both, 2, 4 * SECOND) < 1300000);
    CHECK_INT(0, peer_sink_faults(sees) + peer_sink_faults(shown));
    world_destroy(w);
}

TEST(sim_shares, who_speaks_is_seen_better) {
    struct world *w = world_create(5);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1), *c = world_join(w, 2);
    world_run(w, SECOND);
    struct world_client *talkers[2] = { a, b };
    struct peer_sink *sees[2];
    for (unsigned i = 0; i < 2; i++) {
        sees[i] = world_subscribe(c, world_publish(talkers[i], 0, &camera), NULL);
        peer_source_set_level(world_publish(talkers[i], 1, &microphone)->source, 127);
    }
    world_run(w, SECOND);
    c->remb_bps = 1300000;
    for (unsigned round = 0; round < 4; round++) {
        unsigned loud = round % 2;
        peer_source_set_level(talkers[loud]->tracks[1].source, 20);
        peer_source_set_level(talkers[1 - loud]->tracks[1].source, 127);
        world_run(w, 8 * SECOND);
        CHECK_INT(2, sees[loud]->stats.layer);
        CHECK_INT(0, sees[1 - loud]->stats.layer);
    }
    CHECK(bps_of(w, sees, 2, 4 * SECOND) < 1300000);
    CHECK_INT(0, peer_sink_faults(sees[0]) + peer_sink_faults(sees[1]));
    world_destroy(w);
}

TEST(sim_shares, many_tracks_fit) {
    static const struct {
        const char *name;
        uint64_t room;
        int least, most; /* layers */
    } rows[] = {
        { "for the lowest layers", 3800000, 0, 0 },
        { "for some more", 6000000, 0, 1 },
        { "for the middle ones", 8200000, 1, 1 },
        { "for all", 40000000, 2, 2 },
    };
    enum { PUBLISHERS = 8, EACH = 2, ALL = PUBLISHERS * EACH };
    struct world *w = world_create(6);
    struct world_client *listener = world_join(w, PUBLISHERS);
    struct peer_sink *sees[ALL];
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        (void)world_join(w, i);
    }
    world_run(w, SECOND);
    listener->remb_bps = 3800000;
    for (unsigned i = 0; i < ALL; i++) {
        struct world_client *of = &w->clients[i / EACH];
        sees[i] = world_subscribe(listener, world_publish(of, i % EACH, &camera), NULL);
    }
    FOR_ROWS (rows, r) {
        ROW(r->name);
        listener->remb_bps = r->room;
        world_run(w, 8 * SECOND);
        CHECK(bps_of(w, sees, ALL, 4 * SECOND) < r->room);
        int least = 2, most = 0;
        for (unsigned i = 0; i < ALL; i++) {
            least = sees[i]->stats.layer < least ? sees[i]->stats.layer : least;
            most = sees[i]->stats.layer > most ? sees[i]->stats.layer : most;
            CHECK_INT(0, peer_sink_faults(sees[i]));
        }
        CHECK(least >= r->least);
        CHECK(most <= r->most);
    }
    world_destroy(w);
}

TEST(sim_shares, nobody_is_limited_who_says_nothing) {
    struct world *w = world_create(7);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &camera), NULL);
    b->remb_bps = 300000;
    world_run(w, 6 * SECOND);
    CHECK_INT(0, sees->stats.layer);
    b->remb_bps = 0; /* and after a while the old word does not hold any more */
    world_run(w, RTC_BWE_REMB_US + 5 * SECOND);
    CHECK_INT(2, sees->stats.layer);
    CHECK_INT(0, w->sfu->seats[0].worker->stats.messages_failed);
    world_destroy(w);
}
