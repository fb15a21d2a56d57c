/*
 * Rooms and who is in them, as far as packets care: what is closed together.
 * Thread: the room's worker.
 */
#ifndef SFU_ROOM_H
#define SFU_ROOM_H

#include "core/err.h"
#include "core/wheel.h"
#include "sfu/data_cache.h"
#include "sfu/object.h"

struct sfu_data;
struct sfu_data_subscription;
struct sfu_data_track;
struct sfu_transport;
struct sfu_worker;

struct sfu_room {
    struct sfu_object object;
    struct sfu_worker *worker;
    struct sfu_room *prev, *next; /* of the worker */
    struct sfu_participant *participants;
    struct wheel_timer speakers, stats; /* sfu/rounds */
    struct sfu_data_cache cache;        /* reliable messages */
    unsigned behind;                    /* participants whose messages wait */
};

struct sfu_participant {
    struct sfu_object object;
    struct sfu_room *room;
    struct sfu_participant *prev, *next;
    struct sfu_transport *transports;
    int64_t rtt_us;        /* there and back, smoothed, as its latest report says; 0 = not known */
    uint8_t eighths;       /* how loud it speaks, as main was told last */
    uint8_t quality;       /* enum sfu_quality, likewise; where `tenths` is 0, nothing was */
    uint8_t tenths;        /* of its MOS, likewise */
    struct sfu_data *data; /* NULL: has no part in messages */
    struct sfu_data_track *data_tracks;
    struct sfu_data_subscription *data_subscriptions;
};

MUST_CHECK enum err sfu_room_create(struct sfu_worker *w, sfu_id id);
/** With everything in it. */
void sfu_room_destroy(struct sfu_room *r);
MUST_CHECK enum err sfu_participant_create(struct sfu_room *r, sfu_id id);
void sfu_participant_destroy(struct sfu_participant *p);

#endif
