/* A call of two. */
#include "scene.h"

#include "unit/test.h"

static const struct world_kind microphone = { .layers = 1 };
static const struct world_kind simulcast = { .video = true, .layers = 3 };

void scene_begin(struct scene *s, uint64_t seed, bool bad_joins) {
    s->w = world_create(seed);
    s->media = s->w->media;
    s->worker = s->w->sfu->seats[0].worker;
    s->a = world_join(s->w, 0);
    s->b = world_join(s->w, 1);
    s->bad = bad_joins ? world_join(s->w, 2) : NULL;
    world_run(s->w, SECOND);
    s->hears = world_subscribe(s->b, world_publish(s->a, 0, &microphone), NULL);
    s->sees = world_subscribe(s->b, world_publish(s->a, 1, &simulcast), NULL);
    world_run(s->w, SECOND);
}

void scene_end(struct scene *s) {
    uint64_t heard = s->hears->stats.packets, seen = s->sees->stats.frames;
    world_run(s->w, 2 * SECOND);
    CHECK(s->hears->stats.packets >= heard + 95);
    CHECK(s->sees->stats.frames >= seen + 55);
    CHECK_INT(0, peer_sink_faults(s->hears) + peer_sink_faults(s->sees));
    CHECK_INT(0, peer_sink_missing(s->hears) + peer_sink_missing(s->sees));
    CHECK_INT(0, s->b->unknown);
    CHECK(s->a->connected && s->b->connected);
    world_destroy(s->w);
}
