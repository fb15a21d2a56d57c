/*
 * What goes on in the rooms, in numbers: metrics, without a label per room.  Thread: main.
 */
#ifndef ROOMS_CENSUS_H
#define ROOMS_CENSUS_H

#include "rooms/model.h"

void room_census_register(void);

/** Came, is connected, went (`m->reason`). */
void room_census_came(void);
void room_census_connected(void);
void room_census_went(const struct room_member *m);
/** Tracks and subscriptions: 1 more, or -1. */
void room_census_track(int more);
void room_census_subscription(int more);
/** A video was stopped for want of room. */
void room_census_paused(void);
/** It was badly served for long enough to be told. */
void room_census_poor(void);
/** Its quality was `before` (with mos 0: not known), and is another. */
void room_census_quality(const struct room_member *m, enum sfu_quality before, float mos_before);
/** What became of a stream in the last while. */
void room_census_stats(const struct sfu_stats *s);

#endif
