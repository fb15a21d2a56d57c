/*
 * A batch: the calls of some rooms in memory, the inputs applied to them, and what came of it.
 *
 * Pure: no database, no clock, no network; so the scenarios and the unit tests drive it as it is.
 * calls/work loads a batch from the database, applies the inputs of one transaction, and writes
 * back what changed; a batch lives no longer than that. Everything in it is allocated from its
 * arena.  Thread: main.
 */
#ifndef CALLS_BATCH_H
#define CALLS_BATCH_H

#include "calls/input.h"
#include "calls/news.h"
#include "core/err.h"
#include "core/mem.h"
#include "store/call_rows.h"

struct call_session;
struct store_snapshot;
struct store_changes;

/* Settings the machine asks for. */
struct call_policy {
    int64_t max_duration_ms;      /* calls.max_duration */
    int64_t ring_lifetime_max_ms; /* calls.ring_lifetime_max; 0 = what invite and ring say */
    const char *server_name;      /* which users are local */
    bool keep_sdp;                /* audit.sdp */
    struct call_news_policy news; /* webhooks:, calls.missed_notice */
};

/* What is known of a room's people (matrix/membership); asked before the batch, never during it. */
struct call_room_view {
    const char *room_id;
    const char *const *joined; /* user ids, sorted by strcmp */
    size_t n_joined;
    bool known;    /* false: nobody could be asked; the callee is then unknown (2.4) */
    bool joinable; /* join rule public: clients ignore invites there */
};

/* What listeners are told after the commit (the "push" of the state tables). */
enum call_push_type {
    PUSH_INCOMING_CALL,
    PUSH_CALL_ACCEPTED,
    PUSH_CALL_REJECTED,
    PUSH_CALL_ENDED,
    PUSH_CALL_MISSED,
    PUSH_MEDIA_STATE,
    PUSH_USER_JOINED,
    PUSH_USER_LEFT,
    PUSH_COUNT
};
struct call_push {
    enum call_push_type type;
    const char *session_id;
    const char *room_id;
    const char *call_id;
    const char *user_id; /* for whom; NULL = everybody in the call */
    const char *actor;   /* who caused it; NULL = time */
};
/** "incoming-call" … as call-api.md names them. */
const char *call_push_name(enum call_push_type t);

struct call_batch {
    struct arena *arena;
    const struct call_policy *policy;
    int64_t now_ms;
    const struct call_room_view *rooms;
    size_t n_rooms;
    struct call_session *sessions; /* list, in order of creation */
    struct store_event **strays;   /* events of no call */
    size_t n_strays, cap_strays;
    struct call_push *pushes;
    size_t n_pushes, cap_pushes;
    const char **rechecks; /* rooms whose state must be asked: an entry came out of order (3.5) */
    size_t n_rechecks, cap_rechecks;
};

/** Borrows all three for its life. */
void call_batch_init(
    struct call_batch *b, struct arena *arena, const struct call_policy *policy, int64_t now_ms);
/** Takes over the sessions of a snapshot (its memory is the same arena). */
MUST_CHECK enum err call_batch_load(struct call_batch *b, const struct store_snapshot *s);
/** Applies one input; moves the sessions it concerns. ERR_NOMEM is the only error: whatever a peer
 * sends ends in a row, a counter or nothing. After an error the batch is to be thrown away. */
MUST_CHECK enum err call_batch_apply(struct call_batch *b, const struct call_input *in);
/** Asks for the state of a room to be read again after the commit; once a room. */
MUST_CHECK enum err call_batch_recheck(struct call_batch *b, const char *room_id);
/** Applies IN_DEADLINE to every session whose due_at is not later than now_ms, until none is left.
 */
MUST_CHECK enum err call_batch_run_deadlines(struct call_batch *b);
/** What is to be written: the changed sessions in the order of `sessions`, their rows, events and
 * kept inputs; computes due_at. txn and event ids are left for the caller to fill in. */
MUST_CHECK enum err call_batch_changes(struct call_batch *b, struct store_changes *ret);

/** Room for one more in a list of the batch: gives `items`, or a copy in a list twice as long. NULL
 * on no memory. */
void *call_batch_grow(struct call_batch *b, void *items, size_t n, size_t *cap, size_t size);

#endif
