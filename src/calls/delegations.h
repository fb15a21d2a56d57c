/*
 * The delayed leaves that clients left with us, all of this node's: their timers, their rows, and
 * the way to the homeserver and the SFU, which whoever makes this brings along.
 *
 *     call_delegations_add       a client asks; told when it is on disk
 *     call_delegations_tell      the SFU says that somebody came, left or was lost
 *     ports.act, ports.look  ->  call_delegations_answer
 *     ports.list             ->  call_delegations_listed, for each room of the SFU now and then
 *
 * With a store the jobs survive a restart, and a node that dies is followed by another. Without one
 * they live in memory.  Thread: main.  See: calls/delegation.h, matrix-calls 4.9.
 */
#ifndef CALLS_DELEGATIONS_H
#define CALLS_DELEGATIONS_H

#include "calls/delegation.h"
#include "core/err.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct call_delegations;
struct store;

#define CALL_DELEGATIONS_MOST       20000 /* of a node */
#define CALL_DELEGATIONS_LISTS_MOST 4     /* questions who is in a room, under way at once */
#define CALL_DELEGATIONS_USER_MOST  100   /* as many delayed events Synapse keeps of a user */

/* What a client left with us. */
struct call_delegated {
    const char *alias;    /* the room in the SFU */
    const char *identity; /* the participant in the SFU */
    const char *user_id;
    const char *room_id;
    const char *delay_id; /* whoever knows it can send that event: never logged */
    int64_t delay_ms;
};

/* How to act; the outcome comes by call_delegations_answer with the same ticket, at any time but
 * not from inside. An error means that nothing was begun. The texts are borrowed for the call. */
struct call_delegations_ports {
    /* Restarts or sends the delayed event: DONE, GONE or LATER. */
    enum err (*act)(void *arg, uint64_t ticket, enum call_delegation_action action,
        const struct call_delegated *what);
    /* Is the participant in the SFU: FOUND or MISSING; no answer where nobody knows. NULL = cannot
     * be asked. */
    enum err (*look)(void *arg, uint64_t ticket, const struct call_delegated *what);
    /* Who is in that room of the SFU: call_delegations_listed. NULL = cannot be asked. */
    enum err (*list)(void *arg, uint64_t ticket, const char *alias);
    void *arg;
};

struct call_delegations_config {
    struct store *store;    /* borrowed; NULL = in memory only */
    const char *node;       /* how the rows name us; the same after a restart. Copied */
    int64_t check_every_us; /* those who are in the SFU are looked for so often; 0 = never */
    struct call_delegations_ports ports;
};
MUST_CHECK enum err call_delegations_create(
    uv_loop_t *loop, const struct call_delegations_config *cfg, struct call_delegations **ret);
/** The jobs end here and stay in the database. Before the store is destroyed; the loop must turn
 * afterwards. */
void call_delegations_destroy(struct call_delegations *d);

/** Takes up what an earlier process or another node left, now and every few seconds. Once the
 * database was reached. */
void call_delegations_start(struct call_delegations *d);

/** `done` with OK when it is kept, or with the reason why it is not: maybe before this returns, and
 * also when the jobs are destroyed meanwhile. ERR_LIMIT: too many; ERR_TOO_LARGE; ERR_NOMEM. */
typedef void call_delegations_done(void *arg, enum err e);
MUST_CHECK enum err call_delegations_add(struct call_delegations *d,
    const struct call_delegated *what, call_delegations_done *done, void *arg);

/** From the SFU: FOUND, LEFT, LOST, TIMED_OUT or FAILED. A job that another node holds is taken
 * over. */
void call_delegations_tell(struct call_delegations *d, const char *alias, const char *identity,
    enum call_delegation_input in);
/** The outcome of an action. `after_ms`: what a LATER asked us to wait, 0 = nothing. */
void call_delegations_answer(
    struct call_delegations *d, uint64_t ticket, enum call_delegation_input in, int64_t after_ms);

/** Who is in a room of the SFU, borrowed for the call; NULL: nobody knows. */
struct call_delegations_people {
    const char *const *identities;
    size_t n;
};
void call_delegations_listed(
    struct call_delegations *d, uint64_t ticket, const struct call_delegations_people *people);

size_t call_delegations_count(const struct call_delegations *d);

#endif
