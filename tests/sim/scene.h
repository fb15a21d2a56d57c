/*
 * Two people in a call, and who means them harm: the call must go on as if nothing was.
 */
#ifndef TESTS_SIM_SCENE_H
#define TESTS_SIM_SCENE_H

#include "world.h"

#define SECOND 1000000

/* `a` speaks and is seen (its tracks 0 and 1), `b` listens; `bad` has joined, or is NULL. */
struct scene {
    struct world *w;
    struct media_worker *media;
    struct sfu_worker *worker;
    struct world_client *a, *b, *bad;
    struct peer_sink *hears, *sees;
};

void scene_begin(struct scene *s, uint64_t seed, bool bad_joins);
/** Checks that the call goes on unharmed; then everything ends. */
void scene_end(struct scene *s);

#endif
