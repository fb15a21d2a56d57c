/*
 * May this user enter the SFU for this room? Asked of the homeserver, and for strangers of the
 * live calls too (matrix-calls 4.5, 4.7).
 *
 *     joined to the room?   the list of members, kept for a minute and read again before a "no";
 *                           where there is none or it was cut: asked for this one user
 *     restricted user?      only where one of ours is in a call already, or where the call's room
 * is in the SFU
 *
 * Thread: main.
 */
#ifndef LIVEKIT_ADMISSION_H
#define LIVEKIT_ADMISSION_H

#include "core/config.h"
#include "core/err.h"
#include "livekit/refusal.h"

#include <stdbool.h>
#include <uv.h>

struct lk_rooms;
struct mx_client;
struct mx_membership;
struct store;

struct lk_admission_config {
    struct mx_client *client;
    struct mx_membership *membership;
    const char *server_name; /* ours */
    bool masquerade;         /* may we ask in the name of local users? */
    enum rtc_membership policy;
    struct lk_rooms *rooms; /* NULL = nothing is known of the SFU */
};

struct lk_admission;
/** Borrows everything for its life. */
MUST_CHECK enum err lk_admission_create(
    uv_loop_t *loop, const struct lk_admission_config *cfg, struct lk_admission **ret);
/** Questions not yet answered never are. The loop must turn once more before it is closed. */
void lk_admission_destroy(struct lk_admission *a);
/** Where live calls are looked up; NULL (at first): nowhere, and strangers must then be joined to a
 * room that we can see. Questions under way there must have ended before the store goes. */
void lk_admission_set_store(struct lk_admission *a, struct store *store);

struct lk_admission_question {
    const char *room_id;
    const char *user_id;
    const char *with_server; /* must be in the room too; NULL = none */
    bool full_access;
    bool strict;       /* whatever the policy says: who cannot be checked is refused */
    const char *alias; /* the call's room in the SFU; NULL = it is not asked */
};
/** LK_FINE with what is known of the membership ("joined", "unknown", "unchecked"), or why not.
 * Called once, on main, never from inside lk_admission_ask. */
typedef void lk_admission_done(void *arg, enum lk_refusal r, const char *membership);
/** Copies the question. ERR_NOMEM: `done` is not called. */
MUST_CHECK enum err lk_admission_ask(struct lk_admission *a, const struct lk_admission_question *q,
    lk_admission_done *done, void *arg);
/** Ends the question that was given `arg`, without its callback. */
void lk_admission_forget(struct lk_admission *a, const void *arg);

#endif
