/*
 * Who may begin and join calls in a room, by its power levels.  Pure, any thread.
 * See: Matrix client-server API, m.room.power_levels; room version 12 for creators.
 */
#ifndef DOCTOR_POWER_H
#define DOCTOR_POWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of a room decides; all may be NULL: the homeserver did not tell, or the room has none. */
struct doctor_room {
    const json_t *levels; /* content of m.room.power_levels */
    const json_t *create; /* the whole event m.room.create */
    const json_t *joined; /* {"@user:server": …} */
    bool encrypted;
};

/* How many of those who are joined may write, but not call. Who may not even write is in a room for
 * announcements, where that is meant so. */
struct doctor_power {
    size_t people;
    size_t no_group_calls;           /* may not send org.matrix.msc3401.call.member */
    size_t no_legacy;                /* may not send m.call.invite, in a room without encryption */
    int64_t need_group, need_legacy; /* the levels it takes */
};

/** Counts. What is not a number, or out of range, counts as the homeserver counts it: as the
 * default. */
struct doctor_power doctor_power_of(const struct doctor_room *r);
/** May this user write the entries of calls, also other people's (matrix-calls 3.2)? */
bool doctor_power_may_end(const struct doctor_room *r, const char *user_id);

#endif
