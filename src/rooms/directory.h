/*
 * The live rooms of this process, by name: made when somebody joins or asks for one, ended when
 * they have been empty for long enough.
 *
 *     room_directory_create → sfu_start(…, room_directory_told, directory, &sfu)
 *     → room_directory_start → … → room_directory_stop → sfu_stop → room_directory_destroy
 *
 * Thread: main.
 */
#ifndef ROOMS_DIRECTORY_H
#define ROOMS_DIRECTORY_H

#include "rooms/model.h"

#include <uv.h>

struct room_directory_config {
    unsigned rooms_max; /* 0 = ROOM_ROOMS_MAX */
    bool no_create;     /* joining makes no room: room_directory_ensure has to */
};

/* What a room is like; zero and NULL: as usual. Borrowed for the call. */
struct room_config {
    uint32_t empty_s, departure_s, max_members;
    const char *metadata;
};

MUST_CHECK enum err room_directory_create(
    const struct room_directory_config *cfg, struct room_directory **ret);
/** From now on people may join. Borrows both until room_directory_stop. With `loop` NULL nothing
 * turns by itself: tests call room_directory_turn. ERR_IO. */
MUST_CHECK enum err room_directory_start(
    struct room_directory *d, struct sfu *sfu, uv_loop_t *loop);
/** No room is made any more; people may still join those that are there. */
void room_directory_wind_down(struct room_directory *d);
/** Is nobody in any room? */
bool room_directory_is_idle(const struct room_directory *d);
/** Ends all rooms (ROOM_SHUTDOWN for who is in them). Nobody joins any more. The loop must run once
 * more. */
void room_directory_stop(struct room_directory *d);
/** Takes NULL. */
void room_directory_destroy(struct room_directory *d);

/** News of the SFU's workers: an sfu_told_fn; `arg` is the directory. */
void room_directory_told(void *arg, const struct sfu_event *event);

/** Timers of rooms, members and doors; a door's are due when they are armed like this. */
void room_timer_arm(
    struct room_directory *d, struct wheel_timer *t, int64_t after_us, wheel_fn *fire);
void room_timer_disarm(struct room_directory *d, struct wheel_timer *t);
/** Their clock: monotonic microseconds. */
int64_t room_directory_now(const struct room_directory *d);
/** Fires what is due. For tests; the loop does it otherwise. */
void room_directory_turn(struct room_directory *d, int64_t now_us);

struct sfu *room_directory_sfu(const struct room_directory *d);
/** NULL = no such room. */
struct room *room_directory_find(const struct room_directory *d, const char *name);
/** Makes the room where there is none; `cfg` is for a new one (NULL = as usual). It ends by itself
 * after `empty_s` without anybody. ERR_LIMIT: too many rooms; ERR_NOMEM. */
MUST_CHECK enum err room_directory_ensure(
    struct room_directory *d, const char *name, const struct room_config *cfg, struct room **ret);
/** Ends the room and everybody's membership (ROOM_DELETED, ROOM_SHUTDOWN …). */
void room_end(struct room *room, enum room_reason reason);
/** Calls `each` for every room; it must not end one. */
typedef void room_visitor(void *arg, struct room *room);
void room_directory_each(struct room_directory *d, room_visitor *each, void *arg);
unsigned room_directory_count(const struct room_directory *d);

/** Could somebody of this identity join now? For an answer before there is a connection.
 * ERR_NOT_FOUND: no such room, and none is made; ERR_LIMIT: it is full, or there are too many;
 * ERR_GONE: we stop, or are about to. */
MUST_CHECK enum err room_directory_check(
    const struct room_directory *d, const char *name, const char *identity);

/** A message of the server's own to the room, as sfu_room_send has it: carried where somebody is
 * in it. */
MUST_CHECK enum err room_send(struct room *room, bool reliable, const uint8_t *bytes, size_t len);

/** Replaces the room's metadata; all are told at once. ERR_TOO_LARGE, ERR_NOMEM. */
MUST_CHECK enum err room_set_metadata(struct room *room, const char *metadata);

#endif
