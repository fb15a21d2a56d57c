/* People in a room, over good and bad ways, in virtual time. */
#include "unit/test.h"
#include "world.h"

#include <stdlib.h>

#define SECOND 1000000

static const struct world_kind microphone = { .layers = 1 };
static const struct world_kind camera = { .video = true, .layers = 1 };
static const struct world_kind simulcast = { .video = true, .layers = 3 };

static void check_two_people(bool passive) {
    uint64_t live = mem_live();
    struct world *w = world_create(1);
    w->passive = passive;
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    CHECK(a->connected && b->connected);
    struct world_track *voice = world_publish(a, 0, &microphone);
    struct world_track *face = world_publish(a, 1, &camera);
    struct peer_sink *hears = world_subscribe(b, voice, NULL),
                     *sees = world_subscribe(b, face, NULL);
    world_run(w, 5 * SECOND);
    CHECK(hears->stats.packets > 200);
    CHECK(sees->stats.frames > 130);
    CHECK_INT(0, peer_sink_faults(hears));
    CHECK_INT(0, peer_sink_faults(sees));
    CHECK_INT(0, peer_sink_missing(hears));
    CHECK_INT(0, peer_sink_missing(sees));
    CHECK_INT(0, sees->stats.duplicates + hears->stats.duplicates);
    CHECK_INT(0, sees->stats.picture_jumps);
    CHECK(hears->stats.reports >= 1 && sees->stats.reports >= 1);
    CHECK_INT(2, b->started_subscriptions);
    world_destroy(w);
    CHECK_INT(live, mem_live());
}

TEST(sim_meeting, two_people_hear_and_see_each_other) {
    static const struct {
        const char *name;
        bool passive;
    } rows[] = {
        { "they begin the handshake", false },
        { "we do, as pion's clients want it of who is ICE-lite", true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check_two_people(r->passive);
    }
}

TEST(sim_meeting, who_comes_late_begins_with_a_key_frame) {
    struct world *w = world_create(2);
    struct world_client *a = world_join(w, 0);
    world_run(w, SECOND);
    struct world_track *face = world_publish(a, 0, &simulcast);
    world_run(w, 3 * SECOND);
    CHECK_INT(3, w->layers_told);
    struct world_client *b = world_join(w, 1);
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe(b, face, NULL);
    world_run(w, 3 * SECOND);
    CHECK_INT(2, sees->stats.layer);
    CHECK(sees->stats.frames > 60);
    CHECK_INT(0, peer_sink_faults(sees));
    CHECK_INT(0, peer_sink_missing(sees));
    world_destroy(w);
}

TEST(sim_meeting, loss_is_recovered) {
    struct world *w = world_create(3);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, 2 * SECOND);
    struct world_track *voice = world_publish(a, 0, &microphone);
    struct world_track *face = world_publish(a, 1, &simulcast);
    struct peer_sink *hears = world_subscribe(b, voice, NULL),
                     *sees = world_subscribe(b, face, NULL);
    world_run(w, SECOND);
    w->net.up = w->net.down = (struct net_way){ 20000, 50000, 100 };
    world_run(w, 20 * SECOND);
    w->net.up = w->net.down = (struct net_way){ 20000, 0, 0 };
    world_run(w, 3 * SECOND);
    CHECK(sees->stats.recovered > 50);
    CHECK_INT(0, peer_sink_faults(hears));
    CHECK_INT(0, peer_sink_faults(sees));
    CHECK(peer_sink_missing(sees) * 1000 < sees->stats.packets * 5);
    CHECK(peer_sink_missing(hears) * 100 < hears->stats.packets * 3);
    world_destroy(w);
}

TEST(sim_meeting, a_listener_changes_layers) {
    static const struct {
        const char *name;
        struct sfu_wanted wanted;
        int layer;
    } rows[] = {
        { "the low one by size", { .width = 320, .height = 180 }, 0 },
        { "a size between", { .width = 500, .height = 281 }, 1 },
        { "the high one", { .width = 1280, .height = 720 }, 2 },
        { "by quality", { .spatial = 0 }, 0 },
        { "by quality, up", { .spatial = 1 }, 1 },
    };
    struct world *w = world_create(4);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_track *face = world_publish(a, 0, &simulcast);
    struct peer_sink *sees = world_subscribe(b, face, NULL);
    world_run(w, 2 * SECOND);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        world_want(b, sees, &r->wanted);
        world_run(w, 3 * SECOND);
        CHECK_INT(r->layer, sees->stats.layer);
        CHECK_INT(0, peer_sink_faults(sees));
        CHECK_INT(0, sees->stats.picture_jumps);
        CHECK_INT(0, peer_sink_missing(sees));
    }
    ROW("nothing");
    struct sfu_wanted nothing = { .disabled = true };
    world_want(b, sees, &nothing);
    world_run(w, SECOND);
    uint64_t before = sees->stats.packets;
    world_run(w, 2 * SECOND);
    CHECK_INT(before, sees->stats.packets);
    ROW("back again");
    world_want(b, sees, &rows[0].wanted);
    world_run(w, 2 * SECOND);
    CHECK(sees->stats.packets > before + 40);
    CHECK_INT(0, peer_sink_faults(sees));
    ROW("the layer stops");
    peer_source_set_layers(face->source, 4);
    world_run(w, 4 * SECOND);
    CHECK_INT(2, sees->stats.layer);
    CHECK_INT(0, peer_sink_faults(sees));
    world_destroy(w);
}

TEST(sim_meeting, counters_wrap) {
    struct world *w = world_create(5);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_kind voice = microphone, face = simulcast;
    voice.first_seq = face.first_seq = 65530;
    voice.first_ts = UINT32_MAX - 48000;
    face.first_ts = UINT32_MAX - 90000;
    struct peer_sink *hears = world_subscribe(b, world_publish(a, 0, &voice), NULL);
    struct peer_sink *sees = world_subscribe(b, world_publish(a, 1, &face), NULL);
    world_run(w, 5 * SECOND);
    CHECK(hears->stats.packets > 200 && sees->stats.frames > 100);
    CHECK_INT(0, peer_sink_faults(hears) + peer_sink_faults(sees));
    CHECK_INT(0, peer_sink_missing(hears) + peer_sink_missing(sees));
    world_destroy(w);
}

TEST(sim_meeting, who_falls_silent_is_lost_and_then_gone) {
    struct world *w = world_create(6);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_track *voice = world_publish(a, 0, &microphone);
    struct peer_sink *hears = world_subscribe(b, voice, NULL);
    world_run(w, SECOND);
    a->dead = true;
    world_run(w, 16 * SECOND);
    CHECK_INT(SFU_TRANSPORT_LOST, a->state);
    world_run(w, 5 * SECOND);
    CHECK_INT(SFU_TRANSPORT_ENDED, a->state);
    CHECK_INT(SFU_END_SILENCE, a->end);
    CHECK_INT(1, b->ended_subscriptions);
    CHECK_INT(0, peer_sink_faults(hears));
    CHECK(b->connected);
    world_destroy(w);
}
