/* What main is told of voices, quality and figures in a simulated world, kept for looking at. */
#ifndef TESTS_SIM_EARS_H
#define TESTS_SIM_EARS_H

#include "world.h"

#define EARS_STREAMS 512

struct ears_client {
    uint8_t eighths; /* how loud it is said to speak */
    enum sfu_quality quality;
    float mos;
    unsigned voices_told, qualities_told;
};

/* Figures of a stream: the latest, but of freezes all. */
struct ears_stream {
    sfu_id id;
    struct sfu_stats stats;
};

struct ears {
    struct world *world;
    struct ears_client clients[WORLD_CLIENTS];
    struct ears_stream streams[EARS_STREAMS];
};

/** Hears what the world's SFU tells, and checks its form. */
void ears_init(struct ears *e, struct world *w);
const struct ears_client *ears_of(const struct ears *e, const struct world_client *c);
/** All zero where nothing was told. */
const struct sfu_stats *ears_track(const struct ears *e, const struct world_track *t);
const struct sfu_stats *ears_sink(const struct ears *e, const struct peer_sink *s);

#endif
