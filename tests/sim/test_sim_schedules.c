/* A thousand random orders of coming, publishing, subscribing and leaving: nothing stays behind. */
#include "unit/test.h"
#include "world.h"

#define SCHEDULES 1000
#define STEPS     25
#define PEOPLE    6

static const struct world_kind microphone = { .layers = 1 };
static const struct world_kind simulcast = { .video = true, .layers = 3 };

static void subscribe_to_all(struct world *w, unsigned i) {
    for (unsigned k = 0; k < PEOPLE; k++) {
        const struct world_client *other = &w->clients[k];
        if (k != i && other->here && other->tracks[0].source != NULL) {
            (void)world_subscribe(&w->clients[i], &other->tracks[0], NULL);
        }
    }
}

static void step(struct world *w) {
    unsigned i = (unsigned)net_random(&w->net, PEOPLE);
    struct world_client *c = &w->clients[i];
    bool publishes = c->here && c->tracks[0].source != NULL;
    switch (net_random(&w->net, 6)) {
    case 0:
    case 1:
        if (!c->here) {
            (void)world_join(w, i);
        }
        break;
    case 2:
        if (c->here && !publishes) {
            (void)world_publish(c, 0, net_random(&w->net, 2) ? &simulcast : &microphone);
        }
        break;
    case 3:
        if (c->here) {
            subscribe_to_all(w, i);
        }
        break;
    case 4:
        if (publishes) {
            world_unpublish(c, 0);
        }
        break;
    default:
        if (c->here) {
            world_leave(c);
        }
        break;
    }
    world_run(w, (int64_t)net_random(&w->net, 120000));
}

TEST(sim_schedules, leave_nothing_behind) {
    uint64_t live = mem_live();
    for (uint64_t seed = 1; seed <= SCHEDULES; seed++) {
        struct world *w = world_create(seed * 7919);
        for (int i = 0; i < STEPS; i++) {
            step(w);
        }
        world_destroy(w);
    }
    CHECK_INT(live, mem_live());
}
