/*
 * News of all rooms of a directory, for whoever is in none of them: webhooks, the audit.
 *
 *     static struct room_watcher w = { .told = heard, .arg = x };
 *     room_directory_watch(d, &w);  …  room_directory_unwatch(d, &w);
 *
 * Watchers are called on main, in the order in which things happen and in which they were added;
 * none may end a member or a room (it defers that to the loop's next turn). What a call is about is
 * borrowed for the call.
 */
#ifndef ROOMS_WATCHER_H
#define ROOMS_WATCHER_H

#include "rooms/model.h"

enum room_news {
    ROOM_NEWS_STARTED,        /* the room was made */
    ROOM_NEWS_FINISHED,       /* nobody is in it any more, and it ends with the call */
    ROOM_NEWS_JOINED,         /* the member's connections stand: it is ACTIVE */
    ROOM_NEWS_LEFT,           /* one that was ACTIVE is GONE, for `member->reason` */
    ROOM_NEWS_ABORTED,        /* the same of one that never was */
    ROOM_NEWS_PUBLISHED,      /* the track stands */
    ROOM_NEWS_UNPUBLISHED,    /* it ends with the call; before its member leaves */
    ROOM_NEWS_DATA_PUBLISHED, /* a data track: the same two */
    ROOM_NEWS_DATA_UNPUBLISHED,
    ROOM_NEWS_MUTED,
    ROOM_NEWS_UNMUTED,
    ROOM_NEWS_MEASURED,  /* figures: of the track, or of all that the member receives */
    ROOM_NEWS_DELIVERED, /* figures: of what the member has got of the track, which is another's */
    ROOM_NEWS_POOR,      /* the member has been badly served for ROOM_POOR_US */
    ROOM_NEWS_RECOVERED, /* … and is not any more */
    ROOM_NEWS_TYPES
};

struct room_told {
    enum room_news type;
    const struct room *room;
    const struct room_member *member;           /* NULL in news of a room */
    const struct room_publication *publication; /* NULL except in news of a track */
    const struct room_data_track *data_track;   /* … of a data track */
    bool forced;                        /* unpublished, muted: not by the publisher itself */
    const struct room_measure *measure; /* measured, delivered */
};

struct room_watcher {
    void (*told)(void *arg, const struct room_told *news);
    void *arg;
    struct room_watcher *prev, *next; /* the directory's */
};

/** Borrows `w` until room_directory_unwatch, or the directory's end. */
void room_directory_watch(struct room_directory *d, struct room_watcher *w);
void room_directory_unwatch(struct room_directory *d, struct room_watcher *w);

#endif
