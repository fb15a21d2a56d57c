/*
 * How well a track came to us, or all that a member receives: the SFU's figures of every few
 * seconds, summed up, and told to watchers as ROOM_NEWS_MEASURED once in ROOM_MEASURE_US and at the
 * end.  How well each track came to each of those who get it: the same as ROOM_NEWS_DELIVERED, once
 * in ROOM_DELIVERY_US, since these are many, and at the end.  And whether a member is badly served
 * for long: ROOM_NEWS_POOR, ROOM_NEWS_RECOVERED.
 *
 * Thread: main.
 */
#ifndef ROOMS_MEASURE_H
#define ROOMS_MEASURE_H

#include "rooms/model.h"

/** One figure more, of the track, or of something that its member receives. */
void room_measure_track(struct room_publication *p, const struct sfu_stats *s);
void room_measure_delivery(struct room_subscription *d, const struct sfu_stats *s);
/** It is paused, or goes on; `flow` still says the opposite. */
void room_measure_pause(struct room_subscription *d, bool paused);
/** The track ends, the member leaves, or it gets no more of the track: what is not told yet is
 * told. */
void room_measure_end_track(struct room_publication *p);
void room_measure_end_received(struct room_member *m);
void room_measure_end_delivery(struct room_subscription *d);

/** The member's quality is another than before. */
void room_measure_quality(struct room_member *m);

/** The SFU talks to `remote` for it ("address:port", with "/tcp"). */
void room_measure_path(struct room_member *m, enum room_way way, const char *remote);

/* For doors. */

/** A relay (TURN) that the member's client may use, as it says. The latest ROOM_RELAYS_MAX are
 * remembered. */
void room_relay_add(struct room_member *m, const struct rtc_addr *relay);
/** Does its media, of this way, come through one of them? */
bool room_is_relayed(const struct room_member *m, enum room_way way);

#endif
