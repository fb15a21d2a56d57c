/*
 * Every statement that `serve` sends, by name. Their texts are made once, from the tables of
 * columns where there are any. Thread: main.
 */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

#include "core/err.h"

struct arena;

enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_ROLLBACK,
    /* opening a unit */
    STORE_LOCK_ROOMS,
    STORE_CLAIM_DUE,
    STORE_FIND_TXN,
    STORE_FIND_EVENTS,
    STORE_FIND_CALLS,
    STORE_LOAD_CALLS,
    STORE_LOAD_PARTICIPANTS,
    STORE_LOAD_KEPT,
    /* before writing */
    STORE_LOCK_HEADS,
    STORE_LAST_HEAD,
    STORE_STRAYS_OF_DAY,
    STORE_FIND_REPEATS,
    /* writing */
    STORE_SAVE_CALLS,
    STORE_SAVE_PARTICIPANTS,
    STORE_DROP_KEPT,
    STORE_SAVE_KEPT,
    STORE_SAVE_EVENTS,
    STORE_SAVE_STRAYS,
    STORE_SAVE_HEADS,
    STORE_SAVE_SEEN,
    STORE_SAVE_TXN,
    /* single questions */
    STORE_OUTLOOK,
    STORE_LIVE_ROOMS,
    STORE_ROOM_IS_LIVE,
    STORE_CLAIM_TASK,
    STORE_COUNT_LIVE,
    STORE_LIST_TASKS,
    STORE_LIST_LIVE_CALLS,
    STORE_LIST_LIVE_PEOPLE,
    /* delegations */
    STORE_SAVE_DELEGATION,
    STORE_REMOVE_DELEGATION,
    STORE_TAKE_DELEGATIONS,
    STORE_RENEW_DELEGATIONS,
    STORE_LIST_DELEGATIONS,
    STORE_TAKE_DELEGATION,
    /* identities */
    STORE_SAVE_IDENTITY,
    STORE_DROP_IDENTITIES,
    STORE_FIND_IDENTITY,
    STORE_BAR_IDENTITIES,
    /* removals */
    STORE_SAVE_REMOVALS,
    STORE_DROP_REMOVAL,
    STORE_TAKE_REMOVALS,
    /* stays in the SFU */
    STORE_SAVE_STAYS,
    STORE_END_STAYS,
    STORE_FIND_STAYS,
    /* news */
    STORE_SAVE_NEWS,
    STORE_CLAIM_NEWS,
    STORE_NEWS_TOLD,
    STORE_NOTICE_OVER,
    STORE_NEWS_FAILED,
    STORE_ABANDON_NEWS,
    STORE_COUNT_NEWS,
    /* watches */
    STORE_ADD_WATCHES,
    STORE_DROP_WATCHES,
    STORE_CLAIM_WATCHES,
    STORE_CLAIM_VISITS,
    STORE_SETTLE_WATCHES,
    STORE_SETTLE_VISITS,
    STORE_HURRY_WATCHES,
    STORE_PLAN_VISIT,
    STORE_PLAN_VISITS,
    /* nodes and their rooms */
    STORE_BEAT_NODE,
    STORE_SWEEP_NODES,
    STORE_LIST_NODES,
    STORE_DROP_NODE,
    STORE_CLAIM_ROOMS,
    STORE_FIND_ROOMS,
    STORE_RELEASE_ROOMS,
    STORE_RELEASE_OTHER_ROOMS,
    STORE_STATEMENTS
};

/** Writes the texts into the arena. ERR_NOMEM. */
MUST_CHECK enum err store_statements_build(struct arena *arena, const char *ret[STORE_STATEMENTS]);
/** "lock_rooms": the name it is prepared under, and that logs show. */
const char *store_statement_name(enum store_statement s);

#endif
