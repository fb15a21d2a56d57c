/*
 * Who is joined to a room, and may anybody join it: asked of the homeserver, kept for 60 s, dropped on any m.room.member
 * (matrix-calls 2.4, 4.7). A homeserver that does not answer within the short time-out leaves the room unknown for 10 s: calls are
 * recorded all the same.  Thread: main.
 */
#ifndef MATRIX_MEMBERSHIP_H
#define MATRIX_MEMBERSHIP_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct mx_client;
struct mx_membership;

MUST_CHECK enum err mx_membership_create(struct mx_client *client, const char *server_name, bool masquerade,
    struct mx_membership **ret);
void mx_membership_destroy(struct mx_membership *m);

struct mx_room_people {
    const char *room_id;
    const char *const *joined;  /* sorted by strcmp; cut at MX_MEMBERSHIP_MAX */
    size_t n_joined;
    bool known;
    bool joinable;              /* join_rule public */
};
/** `people` has `n` entries in the order asked; borrowed for the call. */
typedef void mx_membership_done(void *arg, const struct mx_room_people *people, size_t n);

/** Called later, also when all is cached. At most 2 s. */
MUST_CHECK enum err mx_membership_ask(struct mx_membership *m, const char *const *room_ids, size_t n,
    mx_membership_done *done, void *arg);
/** An m.room.member or m.room.join_rules event of this room went by. */
void mx_membership_forget(struct mx_membership *m, const char *room_id);

/** Is `user_id` of server `server_name`? Pure. */
bool mx_user_is_local(const char *user_id, const char *server_name);
/** Grammar of a user id: @localpart:server, at most 255 bytes, no control characters. Historical localparts pass. Pure. */
bool mx_user_id_valid(const char *user_id);
bool mx_room_id_valid(const char *room_id);

#endif
