/*
 * The unit of work: inputs in, one database transaction, pushes out.
 *
 * Every change of a call goes this way, whoever wants it: application-service transactions,
 * deadlines, reconciling. Units of this process run one after the other, in the order in which they
 * were started.  Thread: main.
 */
#ifndef CALLS_WORK_H
#define CALLS_WORK_H

#include "calls/batch.h"
#include "core/crypto.h"

#include <uv.h>

struct store;
struct store_audit_key;

struct calls; /* the domain's life in this process: policy, queue of units, timer of deadlines,
                 subscribers */

struct calls_config {
    struct call_policy policy; /* strings borrowed for the life of `calls` */
    struct store *store;
    struct store_audit_key *key; /* borrowed */
};

MUST_CHECK enum err calls_create(
    uv_loop_t *loop, const struct calls_config *cfg, struct calls **ret);
/** Starts the timer of deadlines: expired ones run first ("late", without pushes when older than 5
 * minutes). Call it when the start-up reconcile is over (3.5: load, reconcile, then expire). */
void calls_start_deadlines(struct calls *c);
/** Units not yet committed fail with ERR_GONE. */
void calls_destroy(struct calls *c);

struct call_work;
/** A unit to be filled. `now_ms` is its time. */
MUST_CHECK enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret);
/** Where inputs and everything they point to live. */
struct arena *call_work_arena(struct call_work *w);
/** Adds an input (the struct and what it points to are in the arena of the unit). */
MUST_CHECK enum err call_work_add(struct call_work *w, const struct call_input *in);
/** Says what is known of a room; pointers into the arena. */
MUST_CHECK enum err call_work_room(struct call_work *w, const struct call_room_view *view);
/** Makes the unit that of an application-service transaction: done only once. Copies both. */
MUST_CHECK enum err call_work_txn(
    struct call_work *w, const char *txn_id, const uint8_t hash[SHA256_SIZE]);
/** Throws away a unit that was not run. */
void call_work_destroy(struct call_work *w);

struct call_work_report {
    bool txn_known;    /* committed before; nothing was done */
    size_t inputs;     /* applied */
    size_t duplicates; /* inputs whose event had been seen */
    const char *const
        *rechecks; /* rooms whose state should be read again now; borrowed for the call */
    size_t n_rechecks;
};
/** OK: committed. ERR_DATABASE, ERR_NOMEM, ERR_LIMIT (queue full), ERR_GONE: nothing was written.
 */
typedef void call_work_done(void *arg, enum err e, const struct call_work_report *report);
/** Takes w. `done` is called later, once. */
void call_work_run(struct call_work *w, call_work_done *done, void *arg);

/* Who wants to know what came of it: called after the commit, in order. */
typedef void calls_pushed(void *arg, const struct call_push *p);
MUST_CHECK enum err calls_subscribe(struct calls *c, calls_pushed *fn, void *arg);

/* Somebody is no longer in a room. Texts are borrowed for the call. */
struct call_left {
    const char *room_id;
    const char *user_id;
    const char *membership; /* "leave" or "ban" */
    const char *actor;      /* who made them leave; NULL: themselves */
    bool kicked;
    int64_t at_ms; /* when it came about, by the homeserver's clock */
};
/** "left_room", "kicked" or "banned". */
const char *call_left_reason(const char *membership, bool kicked);
typedef void calls_told_left(void *arg, const struct call_left *left);
/** One listener, NULL = none any more. Told after the commit, also of users without a call, and of
 * news that came twice. */
void calls_tell_leaves(struct calls *c, calls_told_left *fn, void *arg);

/** One listener, NULL = none any more. Told after the commit of a unit that left news of calls to
 * be told (calls/news.h). */
typedef void calls_left_news(void *arg);
void calls_tell_news(struct calls *c, calls_left_news *fn, void *arg);

/* A device is no longer in a call of MatrixRTC, in whatever way it left. */
typedef void calls_told_ended(void *arg, const char *room_id, const char *user_id);
/** One listener, NULL = none any more. Told after the commit, of replayed history not at all. */
void calls_tell_ended(struct calls *c, calls_told_ended *fn, void *arg);
/** Has calls_start_deadlines been called: do we know who is in which call? */
bool calls_started(const struct calls *c);

#endif
