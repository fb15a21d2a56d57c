/*
 * Who is in a room: joining, states, the connections, what is known of them, leaving.
 *
 *     room_join (JOINING) → the door tells its client of the room → room_joined (JOINED: all others
 *     hear of it, subscriptions begin) → connections stand (ACTIVE) → room_leave (GONE)
 *
 * Thread: main.
 */
#ifndef ROOMS_MEMBER_H
#define ROOMS_MEMBER_H

#include "rooms/model.h"
#include "rooms/observer.h"

struct room_config; /* rooms/directory.h */

/* Borrowed for the call; texts NULL = "". */
struct room_member_config {
    const char *identity, *name, *metadata;
    const struct room_attribute *attributes;
    size_t n_attributes;
    enum room_kind kind;
    struct room_grant grant;
    bool auto_subscribe, auto_subscribe_data;
    bool may_pause; /* videos, where there is no room; else their least is sent all the same */
    bool single;    /* one connection for everything */
    int32_t protocol;
    uint32_t capabilities;
    const struct room_observer *observer; /* borrowed for life */
    void *arg;
};

/**
 * Joins, and makes the room where that is allowed (`config` for a new one, may be NULL). Who had
 * the identity is gone before that (ROOM_REPLACED). Errors: those of room_directory_check;
 * ERR_INVALID for an empty or too long identity; ERR_TOO_LARGE, ERR_NOMEM.
 */
MUST_CHECK enum err room_join(struct room_directory *d, const char *name,
    const struct room_config *config, const struct room_member_config *cfg,
    struct room_member **ret);
/** The door's client knows the room: others are told, and what is published is subscribed to. */
void room_joined(struct room_member *m);
/** Ends the membership; its observer's `leave` is called, then `m` is gone. */
void room_leave(struct room_member *m, enum room_reason reason);
/** The member of this identity; NULL = none. */
struct room_member *room_find_member(const struct room *room, const char *identity);
/** Does `viewer` see `m`? Itself always, hidden ones never. */
bool room_sees(const struct room_member *viewer, const struct room_member *m);
/** Of egress, agents and recorders: not counted. */
bool room_is_dependent(const struct room_member *m);

/* --- connections: sfu/control.h for a member --- */

/** Once for each way the member has. ERR_NOMEM. */
MUST_CHECK enum err room_transport_open(
    struct room_member *m, enum room_way way, const struct rtc_ice_cred *local);
void room_transport_connect(struct room_member *m, enum room_way way,
    const struct rtc_ice_params *remote, const struct rtc_dtls_params *dtls);
void room_transport_restart(struct room_member *m, enum room_way way,
    const struct rtc_ice_cred *local, const struct rtc_ice_params *remote);
bool room_transport_is_open(const struct room_member *m, enum room_way way);

/* --- what is known of it --- */

/** NULL = unchanged. An attribute of value "" goes; the others are added or replaced. All are told
 * at once. ERR_TOO_LARGE over a limit (nothing has changed then); ERR_NOMEM. */
MUST_CHECK enum err room_member_set(struct room_member *m, const char *name, const char *metadata,
    const struct room_attribute *attributes, size_t n_attributes);
/** New rights: what is not allowed any more ends at once. */
void room_member_permit(struct room_member *m, const struct room_grant *grant);

#endif
