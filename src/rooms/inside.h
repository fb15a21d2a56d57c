/* What the files of this folder say to each other.  Thread: main. */
#ifndef ROOMS_INSIDE_H
#define ROOMS_INSIDE_H

#include "rooms/model.h"
#include "rooms/observer.h"
#include "rooms/watcher.h"

struct room_directory {
    struct sfu *sfu; /* NULL = not started, or stopped */
    unsigned rooms_max;
    bool no_create;
    bool winding_down;
    struct room *rooms;
    struct room_part *parts; /* by the SFU's id */
    struct room_watcher *watchers;
    struct wheel wheel;
    int64_t now_us; /* of the running turn; the clock's between turns of a loop */
    uv_timer_t *timer;
};

/* directory.c */
/** The part is found by its id from now on. ERR_NOMEM. */
MUST_CHECK enum err room_part_add(struct room_directory *d, struct room_part *part);
/** Takes it out, if it is in; its id is 0 then. */
void room_part_remove(struct room_directory *d, struct room_part *part);
/** The member of this id of the SFU's; NULL = none. */
struct room_member *room_part_member(const struct room_directory *d, sfu_id id);
/** The SFU's room is there from now on. */
MUST_CHECK enum err room_open(struct room *room);
/** News for the watchers: of a room, of one of its members, of a track. */
void room_tell(enum room_news type, const struct room *room, const struct room_member *m);
void room_tell_track(enum room_news type, const struct room_publication *p, bool forced);
void room_tell_data_track(enum room_news type, const struct room_data_track *t, bool forced);
/** ROOM_NEWS_MEASURED; `p` NULL: of all that the member receives. */
void room_tell_measure(
    const struct room_member *m, const struct room_publication *p, const struct room_measure *x);
/** ROOM_NEWS_DELIVERED. */
void room_tell_delivery(const struct room_subscription *s, const struct room_measure *x);
/** Somebody came or went: the numbers, and the end of an empty room. */
void room_count(struct room *room);

/* member.c */
/** Its version rises, and all who see it are told. */
void room_member_changed(struct room_member *m);
void room_transport_told(struct room_member *m, enum room_way way, const struct sfu_event *event);

/* publication.c */
void room_publication_told(struct room_publication *p, const struct sfu_event *event);
/** What is wanted of it may have changed. */
void room_publication_weigh(struct room_publication *p);
/** Frees all of a member that is going; its subscribers are told. */
void room_publications_end(struct room_member *m);

/* data_track.c */
/** Looks again at which data tracks `m` should receive. */
void room_data_consider_all(struct room_member *m);
/** … at who should receive those of `publisher`. */
void room_data_offer_all(struct room_member *publisher);
/** The member may not have them any more: it is told. */
void room_data_take_all(struct room_member *m);
/** Of a member that is going; others are told. */
void room_data_tracks_end(struct room_member *m);
void room_data_subscriptions_end(struct room_member *m);

/* asker.c */
void room_askers_told(struct room_member *m, const struct sfu_event *event);
/** The member is going. */
void room_askers_end(struct room_member *m);

/* resume.c */
/** It has left; others had seen it. */
void room_departed_add(const struct room_member *m);
void room_departed_end(struct room *room);
void room_member_told(struct room_member *m, const struct sfu_event *event);

/* subscription.c */
void room_subscription_told(struct room_subscription *s, const struct sfu_event *event);
/** Looks again at what `m` should receive: of one publication, or of all. */
void room_consider(struct room_member *m, struct room_publication *p);
void room_consider_all(struct room_member *m);
/** The publication ends: whoever receives it does not any more. */
void room_publication_forsake(struct room_publication *p);
/** Frees all of a member that is going, without telling it. */
void room_subscriptions_end(struct room_member *m);

/* vitals.c */
void room_told(struct room *room, const struct sfu_event *event);
void room_vitals_told(struct room_member *m, const struct sfu_event *event);
/** Does `viewer` receive anything of `m`, or is it itself? */
bool room_hears(const struct room_member *viewer, const struct room_member *m);
/** It begins to hear it, or hears it no more: it is told how that one is. */
void room_vitals_turned(struct room_member *viewer, const struct room_member *of);

#endif
