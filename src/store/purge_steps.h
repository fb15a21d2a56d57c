/*
 * The steps a purge of a scope is made of: who is found, and what is done to them. Only store/purge
 * and store/purge_batch include this.  Thread: the purge's.
 */
#ifndef STORE_PURGE_STEPS_H
#define STORE_PURGE_STEPS_H

#include "store/purge.h"

#include <stddef.h>

enum store_purge_action {
    STORE_DROP_CALLS,   /* found: calls */
    STORE_PURGE_CHAINS, /* found: chains and how many rows they have; a call goes first */
    STORE_ERASE_CALLS,  /* found: calls that name the person */
    STORE_ERASE_ROWS,   /* found: rows of call_events, by chain and n */
    STORE_DROP_NEWS,    /* found: ids of call_news */
    STORE_ERASE_NEWS    /* found: ids of call_news that name the person */
};

/* A step finds rows from a cursor on, in its order: id, number, and the cursor's second value.
 * Parameters: $1 id of the cursor, $2 its second value, $3 how many at most, $4 before, room or
 * user, $5 (USER only) the pattern of store_purge_pattern. */
struct store_purge_step {
    enum store_purge_action action;
    const char *start; /* the cursor's second value before the first row */
    const char *find;
};

struct store_purge_steps {
    const struct store_purge_step *steps;
    size_t n;
    const char *live; /* counts matching calls that are going on; $1 as $4, $2 as $5 above */
    const char *acts; /* counts tombstones that name the person; $1 the pattern; NULL = none */
};

const struct store_purge_steps *store_purge_steps(enum store_purge_scope scope);

/* Replacing a name. Parameters: $1 ids of calls, $2 user, $3 pattern, $4 pseudonym. Only calls that
 * are over, of the rooms in the setting parley.rooms. */
extern const char store_purge_erase_sessions[];
extern const char store_purge_erase_participants[];
extern const char store_purge_erase_kept[];
/* The same of news; $1 their ids. */
extern const char store_purge_erase_news[];

#endif
