/*
 * Who is joined to a room, and may anybody join it: asked of the homeserver, kept for 60 s, dropped
 * on any m.room.member (matrix-calls 2.4, 4.7). A homeserver that does not answer within the short
 * time-out leaves the room unknown for 10 s: calls are recorded all the same.  Thread: main.
 */
#ifndef MATRIX_MEMBERSHIP_H
#define MATRIX_MEMBERSHIP_H

#include "core/err.h"
#include "matrix/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct mx_client;
struct mx_membership;

#define MX_MEMBERSHIP_MAX                                                                          \
    1000 /* user ids kept of a room: who may be the callee of a larger one nobody can say anyway   \
          */

/** Borrows loop and client, copies the name. */
MUST_CHECK enum err mx_membership_create(uv_loop_t *loop, struct mx_client *client,
    const char *server_name, bool masquerade, struct mx_membership **ret);
/** Askers not yet answered never are. The loop must turn once more before it is closed. */
void mx_membership_destroy(struct mx_membership *m);

struct mx_room_people {
    const char *room_id;
    const char *const
        *joined; /* sorted by strcmp; cut at MX_MEMBERSHIP_MAX: that many = there may be more */
    size_t n_joined;
    bool known;
    bool joinable; /* join_rule public */
};
/** `people` has `n` entries in the order asked; borrowed for the call. */
typedef void mx_membership_done(void *arg, const struct mx_room_people *people, size_t n);

/** Called later, also when all is cached. At most 2 s. */
MUST_CHECK enum err mx_membership_ask(struct mx_membership *m, const char *const *room_ids,
    size_t n, mx_membership_done *done, void *arg);
/** Ends the questions that were given `arg`, without their callback: for an asker that goes away
 * first. Not for another asker's from inside a callback. */
void mx_membership_leave(struct mx_membership *m, const void *arg);
/** An m.room.member or m.room.join_rules event of this room went by. */
void mx_membership_forget(struct mx_membership *m, const char *room_id);

#endif
