/*
 * Who receives what: the wishes of subscribers, the permission of publishers, and the negotiated
 * result.
 *
 * A track is received when its subscriber wants it (by itself, or because of auto_subscribe), may
 * subscribe at all, and its publisher lets it.  Thread: main.  See: livekit-protocol 3.7, 3.8.
 */
#ifndef ROOMS_SUBSCRIPTION_H
#define ROOMS_SUBSCRIPTION_H

#include "rooms/model.h"

/** Wants the track, or does not; an unknown one is remembered for ROOM_UNKNOWN_US. ERR_LIMIT over
 * ROOM_SUBSCRIPTIONS_MAX; ERR_NOMEM. */
MUST_CHECK enum err room_subscribe(struct room_member *m, const char *sid, bool wish);
/** How it is wanted; may come before the subscription. ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err room_want(
    struct room_member *m, const char *sid, const struct room_wanted *wanted);
/** The negotiation has come to this; again with the same section changes nothing. The client is
 * sent packets from now on. ERR_CONFLICT: not live, no connection, or bound to another section;
 * ERR_NOMEM. */
MUST_CHECK enum err room_subscription_bind(
    struct room_subscription *s, const struct rtc_rtp_params *params);
/** The section serves something else now; nothing is sent until it is bound again. */
void room_subscription_unbind(struct room_subscription *s);
/** The live subscription of this number; NULL = none. */
struct room_subscription *room_subscription_find(const struct room_member *m, uint32_t number);

/* Who may receive the member's tracks; borrowed for the call. */
struct room_listener {
    const char *sid, *identity; /* one of them; "" or NULL = not said */
    bool all;
    const char *const *tracks;
    size_t n_tracks;
};
/** Replaces what held before; `everybody` needs no listeners. ERR_LIMIT over ROOM_AUDIENCE_MAX or
 * ROOM_AUDIENCE_TRACKS_MAX; ERR_NOMEM. */
MUST_CHECK enum err room_set_audience(
    struct room_member *m, bool everybody, const struct room_listener *listeners, size_t n);

#endif
