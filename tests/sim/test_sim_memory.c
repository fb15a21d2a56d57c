/* A worker that gets no memory: in each of its turns one allocation fails, the first, or the second
 * … Whatever cannot be made then, nothing breaks, nothing stays behind, and once there is memory
 * everything works again. */
#include "unit/test.h"
#include "world.h"

#define SECOND 1000000
#define NTHS   40

static const struct world_kind microphone = { .layers = 1 };
static const struct world_kind simulcast = { .video = true, .layers = 3 };

static uint64_t call(struct world *w, unsigned first) {
    struct world_client *a = world_join(w, first), *b = world_join(w, first + 1);
    world_run(w, SECOND);
    struct peer_sink *hears = world_subscribe(b, world_publish(a, 0, &microphone), NULL),
                     *sees = world_subscribe(b, world_publish(a, 1, &simulcast), NULL);
    world_run(w, SECOND);
    world_restart(a);
    world_run(w, SECOND);
    CHECK_INT(0, peer_sink_faults(hears) + peer_sink_faults(sees));
    return hears->stats.packets + sees->stats.packets;
}

TEST(sim_memory, failing_at_every_point_leaves_nothing_behind) {
    uint64_t live = mem_live();
    unsigned worked = 0;
    for (unsigned nth = 1; nth <= NTHS; nth++) {
        struct world *w = world_create(1000 + nth);
        world_run(w, 1000); /* the room is there */
        w->fail_nth = nth;
        worked += call(w, 0) > 0;
        w->fail_nth = 0;
        CHECK(call(w, 2) > 150);
        world_destroy(w);
    }
    CHECK(worked > 0 && worked < NTHS);
    CHECK_INT(live, mem_live());
}
