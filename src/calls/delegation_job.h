/*
 * One delegated delayed leave as calls/delegations keeps it, and what its files share: jobs and
 * their tables are in delegation_job.c, rows in delegation_rows.c, looking for them in the SFU in
 * delegation_round.c.  Thread: main.
 */
#ifndef CALLS_DELEGATION_JOB_H
#define CALLS_DELEGATION_JOB_H

#include "calls/delegations.h"
#include "core/map.h"
#include "core/mem.h"

#include <stdbool.h>

struct store_delegation;

#define CALL_DELEGATION_KEY_SIZE 1024 /* bytes: two names of the SFU, each at most 256 */

struct call_delegation_job {
    struct call_delegations *owner;
    struct arena arena;
    struct call_delegated what;
    const char *key; /* alias, a line end, identity */
    struct call_delegation machine;
    int64_t created_ms;
    uv_timer_t timer;
    uint64_t ticket; /* of the action under way; 0 = none */
    UT_hash_handle hh;
    UT_hash_handle by_ticket;
    int refs;          /* the table, the timer, a write */
    bool writing;      /* the store has a question of it */
    bool changed;      /* since that was asked */
    int64_t heard_us;  /* when the SFU last spoke of it, or the client did */
    int64_t stored_us; /* when its row was last known to be there; 0 = it is not */
    int64_t listed_us; /* the question whose answer listed it last */
    bool dropped;      /* is in no table any more */
    void (*added)(struct call_delegation_job *j, enum err e); /* of an `add` under way, with the
                                                                 two below */
    call_delegations_done *done;
    void *done_arg;
};

/* A walk over the rooms of the SFU: who of ours is there? */
struct call_delegation_round {
    uv_timer_t timer;
    struct arena arena;                 /* of the walk under way */
    struct call_delegation_name *names; /* whom to look for, by room */
    size_t n, next;
    int64_t ticked_us; /* when it began, and when the one before it did */
    uint64_t last_ticket;
    struct {
        uint64_t ticket; /* 0 = free */
        size_t from, n;  /* of the names */
        int64_t asked_us;
    } lists[CALL_DELEGATIONS_LISTS_MOST];
};

struct call_delegations {
    uv_loop_t *loop;
    struct store *store;
    char *node;
    struct call_delegations_ports ports;
    struct call_delegation_job *jobs;
    struct call_delegation_job *tickets;
    uint64_t last_ticket;
    uv_timer_t hold_timer;
    int64_t hold_asked_us;
    int64_t check_every_us;
    struct call_delegation_round round;
    bool holding;
    bool all_known; /* every row of ours is a job */
    bool destroyed;
    int refs; /* the owner, the timers, jobs, questions to the store */
};

/* delegation_job.c */
/** A copy, held by the caller; NULL = no memory. */
struct call_delegation_job *call_delegation_job_create(
    struct call_delegations *d, const struct call_delegated *what);
void call_delegation_job_unref(struct call_delegation_job *j);
void call_delegations_unref(struct call_delegations *d);
struct call_delegation_job *call_delegations_find(
    const struct call_delegations *d, const char *alias, const char *identity);
/** Takes the caller's hold; a job of the same participant makes way. ERR_NOMEM: it was dropped. */
MUST_CHECK enum err call_delegation_job_enter(struct call_delegation_job *j);
/** Takes it out of everything; its row stays. */
void call_delegation_job_drop(struct call_delegation_job *j);
/** Ends the action under way: its answer will find nobody. */
void call_delegation_job_forget_action(struct call_delegation_job *j);
/** One input, and what follows from it. The job may be over and gone afterwards. */
void call_delegation_job_step(
    struct call_delegation_job *j, enum call_delegation_input in, int64_t after_ms);

/** Puts the metrics of all jobs on the page. */
void call_delegation_job_register_metrics(void);

/* delegation_round.c */
/** A walk, unless one is under way. */
void call_delegation_round_walk(struct call_delegations *d);
void call_delegation_round_begin(struct call_delegations *d);
/** Gives the hold of its timer back when that is closed. */
void call_delegation_round_end(struct call_delegations *d);

/* delegation_rows.c: only with a store */
/** Writes the new job's row, then calls `added`. */
MUST_CHECK enum err call_delegation_row_add(
    struct call_delegation_job *j, void (*added)(struct call_delegation_job *j, enum err e));
/** Writes what changed, now or behind the write under way. */
void call_delegation_row_save(struct call_delegation_job *j);
/** The job is over: its row goes, behind the write under way. */
void call_delegation_row_remove(struct call_delegation_job *j);
/** Takes the row of a participant over from whoever holds it, and makes the step. */
void call_delegation_row_take(struct call_delegations *d, const char *alias, const char *identity,
    enum call_delegation_input in);
/** Renews what is ours, takes what nobody holds any more. */
void call_delegation_rows_hold(struct call_delegations *d);

#endif
