/*
 * Ends memberships of MatrixRTC calls in Matrix (matrix-calls 3.7), for members who cannot or shall
 * not do so themselves.
 *
 *     entry in the room's state    `{}` at its state key, in the name of the local user, else as
 * our own user, where it is in the room and has the power sticky entry                 a leave with
 * the same sticky key: by the local user alone
 *
 * What comes of it in the call comes back as events. A key that held a list is cleared as a whole,
 * so it ends all memberships that are listed there.  Thread: main.
 */
#ifndef CALLS_ENDING_H
#define CALLS_ENDING_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

struct mx_client;

#define CALL_ENDING_PARALLEL 8 /* requests at a time: the homeserver has others to serve */

struct call_ending_config {
    struct mx_client *client;
    const char *server_name; /* whose users we may speak for */
    bool masquerade;         /* appservice.masquerade */
};                           /* all borrowed */

enum call_ending_by { CALL_ENDING_FAILED, CALL_ENDING_BY_USER, CALL_ENDING_BY_SENDER };

#define CALL_ENDING_PROBLEM_SIZE 320

/* One membership, and what came of it. */
struct call_ending_member {
    const char *room_id;
    const char *user_id; /* whose it is */
    const char *device_id;
    const char *generation; /* as in store_participant; likewise the next two */
    const char *entry_key;
    const char *membership_id;
    const char *slot; /* sticky: named in the leave; NULL = not */
    enum call_ending_by by;
    char problem[CALL_ENDING_PROBLEM_SIZE]; /* for people, where it failed */
};

struct call_ending;
/** All have been tried. `c` is gone afterwards; the members are the caller's. */
typedef void call_ending_done(void *arg);
/** Borrows members and what they point to until `done`, which is called later, or at once when
 * there is nothing to ask the homeserver. An error means that nothing was begun: ERR_NOMEM. */
MUST_CHECK enum err call_ending_run(const struct call_ending_config *cfg,
    struct call_ending_member *members, size_t n, call_ending_done *done, void *arg,
    struct call_ending **ret);
/** Ends it without `done`; what is under way may still happen. Takes NULL. */
void call_ending_destroy(struct call_ending *c);

#endif
