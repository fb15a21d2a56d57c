/*
 * What a door is told on behalf of one of its members. All are called on main, in the order in
 * which things happen; none may end a member or a room (a door that must do so defers it to its
 * next turn). Before room_joined nothing is told.
 */
#ifndef ROOMS_OBSERVER_H
#define ROOMS_OBSERVER_H

#include "rooms/model.h"

#define ROOM_VITALS_TOLD 32 /* of one call; where there are more, another follows */
struct room_voice {
    const struct room_member *who;
    uint8_t eighths; /* 1 … 8: how loud; 0 = speaks no more */
};

struct room_observer {
    /** Somebody (or the member itself) joined, changed, or is GONE: all of `about`, never less.
     * Versions of one member only rise. */
    void (*member)(void *arg, const struct room_member *about);
    /** Metadata or numbers of the room changed. */
    void (*room)(void *arg);
    /** This track is to be received: negotiate it, then call room_subscription_bind. The
     * publisher, with the track, was told of before. */
    void (*subscribe)(void *arg, struct room_subscription *s);
    /** Not any more: take it out of the negotiation. */
    void (*unsubscribe)(void *arg, struct room_subscription *s);
    /** May the member receive this track? On first sight of it and on each change. */
    void (*permission)(void *arg, const struct room_publication *p, bool allowed);
    /** The member takes no codec of the track. */
    void (*unfit)(void *arg, const struct room_subscription *s);
    /** A video that the member receives begins to flow, stops for want of room, goes on. */
    void (*flow)(void *arg, const struct room_subscription *s, bool flows);
    /** The first one receives this track of the member's. */
    void (*subscribed)(void *arg, const struct room_publication *p);
    /** What somebody wants of it at most: 0 low … 2 high, or ROOM_QUALITY_OFF. */
    void (*quality)(void *arg, const struct room_publication *p, int quality);
    /** This track of the member's was taken from it; `p` ends with the call. */
    void (*unpublished)(void *arg, const struct room_publication *p);
    /** Somebody with the right to do so has muted this track of the member's: it should stop. */
    void (*silenced)(void *arg, const struct room_publication *p);
    /** Which data tracks the member receives, or by which handles, has changed: look at
     * `data_subscriptions`. */
    void (*data_handles)(void *arg);
    /** This data track of the member's was taken from it; `t` ends with the call. */
    void (*data_unpublished)(void *arg, const struct room_data_track *t);
    /** The member's own name, metadata, attributes or rights changed. */
    void (*self)(void *arg);
    /** Nothing has come from the member for a while, by one of its connections: it may come back.
     */
    void (*silent)(void *arg);
    /** The number of the last reliable data message of the member's, as room_ask_sequence asked;
     * 0 = none came. */
    void (*sequence)(void *arg, uint32_t last);
    /** Whose voice has risen, fallen or ceased: the member's own, or of whom it receives. */
    void (*voices)(void *arg, const struct room_voice *voices, size_t n);
    /** The quality of these, itself or of whom it receives, has changed. */
    void (*qualities)(void *arg, const struct room_member *const *of, size_t n);
    /** The member is GONE; its struct ends with the call. */
    void (*leave)(void *arg, enum room_reason reason);
};

#endif
