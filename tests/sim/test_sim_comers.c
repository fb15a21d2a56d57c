/* Who comes when others are there already: a picture at once, and no request for each of them. */
#include "scene.h"
#include "sfu/replay.h"
#include "unit/test.h"

#define COMERS     8
#define APART_US   90000 /* much less than between two requests to the publisher */
#define AT_ONCE_US 70000 /* a way there, two turns of the wheel */

TEST(sim_comers, see_the_latest_key_frame_and_what_followed) {
    static const struct {
        const char *name;
        struct world_kind kind;
        struct net_way way; /* up */
        unsigned missed;    /* of the comers, who may have to wait for a key frame of their own */
    } rows[] = {
        { "VP8", { .video = true, .layers = 1 }, { 10000, 0, 0 }, 0 },
        { "H.264", { .video = true, .layers = 1, .codec = WORLD_H264 }, { 10000, 0, 0 }, 0 },
        { "three layers", { .video = true, .layers = 3 }, { 10000, 0, 0 }, 0 },
        { "numbers and timestamps wrap",
            { .video = true, .layers = 1, .first_seq = 65500, .first_ts = UINT32_MAX - 90000 },
            { 10000, 0, 0 }, 0 },
        { "with loss", { .video = true, .layers = 1 }, { 20000, 0, 50 }, COMERS },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(400 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *comers[COMERS];
        for (unsigned i = 0; i < COMERS; i++) {
            comers[i] = world_join(w, 1 + i);
        }
        world_run(w, SECOND);
        w->net.up = r->way;
        const struct world_track *track = world_publish(a, 0, &r->kind);
        world_run(w, 3 * SECOND);
        struct sfu_worker *worker = w->sfu->seats[0].worker;
        uint64_t asked = worker->stats.keyframes_asked;
        struct peer_sink *sees[COMERS];
        int64_t came_us[COMERS];
        for (unsigned i = 0; i < COMERS; i++) {
            came_us[i] = w->now_us;
            sees[i] = world_subscribe(comers[i], track, NULL);
            world_run(w, APART_US);
        }
        world_run(w, 2 * SECOND);
        unsigned waited = 0;
        for (unsigned i = 0; i < COMERS; i++) {
            waited += sees[i]->stats.first_us - came_us[i] > AT_ONCE_US;
            CHECK(sees[i]->stats.first_us != 0 && sees[i]->stats.frames > 40);
            CHECK_INT(0, peer_sink_faults(sees[i]));
            CHECK_INT(0, sees[i]->stats.picture_jumps * (r->missed == 0));
            CHECK_INT(0, sees[i]->stats.duplicates * (r->missed == 0));
        }
        CHECK(waited <= r->missed);
        CHECK(worker->stats.keyframes_asked - asked <= 3); /* in 720 ms; one of each layer */
        w->net.up = (struct net_way){ 10000, 0, 0 };
        world_destroy(w);
    }
}

/* What a muted camera went on sending is seen by nobody, also not by who comes when it is back. */
TEST(sim_comers, see_nothing_of_what_was_muted) {
    static const struct world_kind camera = { .video = true, .layers = 1 };
    struct world *w = world_create(450);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1), *c = world_join(w, 2);
    struct world_track *track = world_publish(a, 0, &camera);
    world_run(w, SECOND);
    struct peer_sink *first = world_subscribe(b, track, NULL);
    world_run(w, SECOND);
    sfu_track_mute(w->sfu, track->id, true); /* and it sends on */
    world_run(w, SECOND);
    sfu_track_mute(w->sfu, track->id, false);
    int64_t back_us = w->now_us;
    struct peer_sink *second = world_subscribe(c, track, NULL);
    world_run(w, 2 * SECOND);
    CHECK(first->stats.frames > 30 && second->stats.frames > 30);
    CHECK((uint32_t)second->stats.sent_us - (uint32_t)back_us < 3 * SECOND);
    CHECK(second->stats.first_us - back_us > 20000); /* the publisher had to be asked */
    CHECK_INT(0, peer_sink_faults(first) + peer_sink_faults(second));
    world_destroy(w);
}
