/*
 * Calls that go on, with who is in them: what an admin looks at. Outside a unit of work, so it may
 * be a moment old.  Thread: main.
 */
#ifndef STORE_LIVE_CALLS_H
#define STORE_LIVE_CALLS_H

#include "core/err.h"
#include "store/call_rows.h"

#include <stddef.h>

#define STORE_LIVE_CALLS_MOST  500  /* calls of one answer: what fits a screen, and our memory */
#define STORE_LIVE_PEOPLE_MOST 5000 /* their people, all together */

struct store;

/* Which ones; NULL = whatever. Borrowed for the call. */
struct store_live_filter {
    const char *session_id;
    const char *room_id;
    const char *user_id; /* is in it, or called, or is called */
    const char *kind;    /* "legacy" or "rtc" */
    size_t most;         /* 1 to STORE_LIVE_CALLS_MOST */
};
struct store_live_call {
    struct store_call row;
    struct store_participant *people; /* who has not left, by n */
    size_t n_people;
};
struct store_live_calls {
    struct store_live_call *calls; /* the newest first */
    size_t n;
    bool more;       /* there are more than `most` */
    bool incomplete; /* people were left out: more than STORE_LIVE_PEOPLE_MOST */
};

/** Borrowed for the call; NULL on an error: ERR_DATABASE, ERR_NOMEM. */
typedef void store_live_calls_told(void *arg, enum err e, const struct store_live_calls *found);
/** Ids of at most 255 bytes. */
MUST_CHECK enum err store_live_calls_ask(struct store *s, const struct store_live_filter *filter,
    store_live_calls_told *told, void *arg);

#endif
