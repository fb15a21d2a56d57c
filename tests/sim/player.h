/*
 * What a listener's decoder makes of a synthetic track: which pictures it could show in time, and
 * how long the sound is away. The network may do what it likes; this is what a person notices.
 *
 * Everything is played so long after it was sent: a jitter buffer of fixed length. A picture counts
 * when it and all that it refers to have come by then; one that comes later is decoded all the
 * same, for those behind it. Where one never comes, the next key frame goes on.
 */
#ifndef TESTS_SIM_PLAYER_H
#define TESTS_SIM_PLAYER_H

#include "sink.h"
#include "source.h"

#define PLAYER_KEPT    2048 /* frames remembered of a layer: a minute of video, 40 s of sound */
#define PLAYER_SECONDS 64

/* What came of one frame. */
struct player_frame {
    uint32_t number; /* 0 = free */
    uint32_t sent_us;
    uint64_t came; /* a bit a packet */
    int64_t whole_us;
    bool key;
};

struct player {
    struct player_frame frames[RTC_ENCODINGS_MAX][PLAYER_KEPT];
    int64_t delay_us;
    int64_t base_us; /* the first second begins */
    /* Video: what was decoded last. */
    uint32_t number, sent_us;
    int64_t ready_us; /* when it could be */
    int layer;        /* -1 = none yet */
    unsigned shown[PLAYER_SECONDS];
    /* Sound. */
    uint32_t first, newest;
};

/** Plays what the sink takes from now on, `delay_us` after it was sent. */
void player_begin(struct player *p, struct peer_sink *sink, int64_t delay_us);
/** Seconds are counted from now on. */
void player_mark(struct player *p, int64_t now_us);
/** How many of the first `n` seconds had no more than `most` pictures. Of video without temporal
 * layers, which refers to the picture before. */
unsigned player_poor_seconds(const struct player *p, unsigned n, unsigned most);
/** Pictures of the first `n` seconds. */
unsigned player_shown(const struct player *p, unsigned n);
/** Of sound: the most packets in a row that did not come in time, `packet_us` each. `older`: each
 * has so many of those before it in itself (RED). */
unsigned player_longest_gap(const struct player *p, int64_t packet_us, unsigned older);

#endif
