/*
 * Delayed leaves that clients leave with us, between SFU and homeserver: which participant one is
 * of, what the SFU says of that participant, and how the homeserver is asked. When what happens is
 * calls/delegation's.
 *
 * Element Call may be in the SFU under the old name of its device and yet hand over the leave as a
 * member: both names are looked for (matrix-calls 4.2).  Thread: main.  See: matrix-calls 4.9.
 */
#ifndef LIVEKIT_DELEGATE_H
#define LIVEKIT_DELEGATE_H

#include "calls/delegations.h"
#include "core/err.h"
#include "livekit/refusal.h"

#include <stdint.h>

struct lk_rooms;
struct lk_webhook;
struct mx_delayed;

#define LK_DELEGATE_STEPS_MAX  20000 /* under way: a request each */
#define LK_DELEGATE_MINTED_MAX 4096  /* latest tokens whose names are remembered */

struct lk_delegate;
/** Borrows both for its life. */
MUST_CHECK enum err lk_delegate_create(
    struct mx_delayed *delayed, struct lk_rooms *rooms, struct lk_delegate **ret);
/** After the jobs, before what it borrows. What is under way ends without its callback. */
void lk_delegate_destroy(struct lk_delegate *d);
/** For the jobs that are set then. */
struct call_delegations_ports lk_delegate_ports(struct lk_delegate *d);
/** NULL (at first): none are taken. Set NULL when they are destroyed. */
void lk_delegate_set_jobs(struct lk_delegate *d, struct call_delegations *jobs);

struct lk_delegate_ask {
    struct call_delegated what; /* with the name that the request leads to */
    const char *other_identity; /* that it may be in the SFU under; NULL = none */
};
/** LK_FINE: it is kept. */
typedef void lk_delegate_done(void *arg, enum lk_refusal r);
/** Copies its texts. `done` is called once, maybe from inside. ERR_NOMEM, ERR_LIMIT: it is not. */
MUST_CHECK enum err lk_delegate_take(
    struct lk_delegate *d, const struct lk_delegate_ask *ask, lk_delegate_done *done, void *arg);
/** No more callback to this `arg`. */
void lk_delegate_forget(struct lk_delegate *d, const void *arg);

/** A token of this name leaves. */
void lk_delegate_minted(struct lk_delegate *d, const char *alias, const char *identity);
/** The SFU says who came or went. */
void lk_delegate_heard(struct lk_delegate *d, const struct lk_webhook *w);

#endif
