/*
 * One unit of work against the call tables: read under lock, decide (calls/ does), write, commit.
 * Two round trips.
 *
 *     store_calls_open   -> BEGIN, lock the rooms, what is known, the sessions -> opened(snapshot)
 *     store_calls_commit -> rows, chain, heads, dedupe, COMMIT -> done
 *     store_calls_abort  -> ROLLBACK
 *
 * Rooms are locked by advisory transaction locks in sorted order, so all work on a room is serial
 * over all nodes, also the creation of its first call. The database is the only truth: nothing is
 * cached between units, so a crash, a second node or a failed commit leaves nothing wrong behind.
 * Thread: main.
 */
#ifndef STORE_CALLS_H
#define STORE_CALLS_H

#include "core/err.h"
#include "store/call_rows.h"
#include "store/removals.h"
#include "store/stays.h"

struct arena;
struct store;
struct store_work;      /* an open unit: a leased connection inside a transaction */
struct store_audit_key; /* store/chain.h: the HMAC key of the audit chain and its epoch */

/** What a unit needs to see. All borrowed until `opened` is called. */
struct store_legacy_key {
    const char *room_id;
    const char *call_id;
};
struct store_scope {
    const char *const
        *rooms; /* sorted and unique by the caller's pleasure; store sorts the locks */
    size_t n_rooms;
    const struct store_legacy_key *legacy; /* calls wanted whatever their state */
    size_t n_legacy;
    const char *const *event_ids; /* which of these were seen before? */
    size_t n_event_ids;
    const char *txn_id;      /* NULL = not an application-service transaction */
    const uint8_t *txn_hash; /* SHA256_SIZE bytes over its event ids */
    int64_t now_ms;
};

/** What was found. All in the arena given to store_calls_open. */
struct store_loaded_call {
    struct store_call row;
    struct store_participant
        *participants; /* live ones, and of each entry that left its last stay; by n */
    size_t n_participants;
    int last_n; /* highest participant number ever used */
    struct store_kept *kept;
    size_t n_kept;
};
struct store_snapshot {
    bool txn_known;   /* this txn id with this hash was committed before: nothing to do */
    bool *event_seen; /* one per scope.event_ids */
    struct store_loaded_call *calls; /* all not final in these rooms; rtc sessions closed less than
                                        10 min ago; and the legacy keys asked for */
    size_t n_calls;
};

/** What to write. Borrowed until `done` is called. */
struct store_changed_call {
    struct store_call *row; /* chain_rows and chain_mac are updated in place */
    bool created;
    struct store_participant *const *participants; /* new or changed ones (upsert by n) */
    size_t n_participants;
    const struct store_kept *kept; /* the full list when kept_changed */
    size_t n_kept;
    bool kept_changed;
    struct store_event *const *events; /* in order */
    size_t n_events;
    bool final; /* its head goes into call_heads when it has new events */
};
struct store_changes {
    struct store_changed_call *calls;
    size_t n_calls;
    struct store_event *const
        *strays; /* events of no call (malformed, unmatched): chained per UTC day */
    size_t n_strays;
    const char *const *event_ids; /* to remember as seen */
    size_t n_event_ids;
    const char *txn_id; /* to remember; NULL = none */
    const uint8_t *txn_hash;
    const struct store_removal *removals; /* who left, and must not be in the SFU any more */
    size_t n_removals;
    const struct store_stay *stays; /* who came into our SFU, and rooms that began there */
    size_t n_stays;
    const char *const *stays_over; /* their connections */
    size_t n_stays_over;
    const struct store_news *news; /* in order */
    size_t n_news;
    const char *const *receivers; /* the webhooks, by their names in call_news */
    size_t n_receivers;
    int64_t now_ms;
};

/** `w` is NULL on an error; else it must be committed or aborted. */
typedef void store_calls_opened(
    void *arg, enum err e, struct store_work *w, const struct store_snapshot *snapshot);
typedef void store_calls_done(void *arg, enum err e);

/** `opened` is called later, never from inside. Errors there: ERR_DATABASE (not reachable,
 * statement failed), ERR_NOMEM. Returns an error only when nothing was begun. */
MUST_CHECK enum err store_calls_open(struct store *s, struct arena *arena,
    const struct store_scope *scope, store_calls_opened *opened, void *arg);

/** Like store_calls_open for the sessions whose due_at has passed: at most `limit` rooms, skipping
 * rooms that another unit holds (so several nodes share the timers). The snapshot holds everything
 * live in those rooms. */
MUST_CHECK enum err store_calls_open_due(struct store *s, struct arena *arena, int64_t now_ms,
    size_t limit, store_calls_opened *opened, void *arg);

/** Writes and commits. Takes w. `key` follows the key that the database names (store/chain.h); when
 * it cannot be had, nothing is written. A unit that was open while the key was rotated fails once
 * with ERR_DATABASE. */
void store_calls_commit(struct store_work *w, struct store_audit_key *key,
    const struct store_changes *changes, store_calls_done *done, void *arg);
/** Takes w. */
void store_calls_abort(struct store_work *w);

/** What is to come, and what goes on; calls of replayed history and stubs nobody is shown are not
 * live. */
struct store_calls_outlook {
    int64_t due_at; /* the earliest of all sessions, 0 = none: when the timer must be armed */
    int64_t live_legacy, live_rtc;
};
/** `o` is borrowed for the call, and all 0 on an error. */
typedef void store_calls_told(void *arg, enum err e, const struct store_calls_outlook *o);
MUST_CHECK enum err store_calls_look_ahead(struct store *s, store_calls_told *told, void *arg);

/** Rooms with a session that is not final: what reconcile looks at. `rooms` borrowed for the call.
 */
typedef void store_calls_rooms(void *arg, enum err e, const char *const *rooms, size_t n);
MUST_CHECK enum err store_calls_live_rooms(struct store *s, store_calls_rooms *found, void *arg);

/** Is a user of `server_name` in a live MatrixRTC call of the room? `live` is false on an error. */
typedef void store_calls_is_live(void *arg, enum err e, bool live);
MUST_CHECK enum err store_calls_room_is_live(struct store *s, const char *room_id,
    const char *server_name, store_calls_is_live *told, void *arg);

/** May this node reconcile now? One node at a time (advisory lock, decision 15): notes `now_ms` as
 * the latest run when the last one is older than `interval_ms`, and says whether it did. */
typedef void store_calls_claimed(void *arg, enum err e, bool claimed);
MUST_CHECK enum err store_calls_claim_reconcile(
    struct store *s, int64_t now_ms, int64_t interval_ms, store_calls_claimed *claimed, void *arg);

/** What an admin asks first: calls that are not final, and when work that one node does for all (by
 * name: "reconcile") was begun last. Borrowed for the call; NULL on an error. */
struct store_task {
    const char *name;
    int64_t at_ms;
};
struct store_overview {
    int64_t live_calls;
    const struct store_task *tasks;
    size_t n_tasks;
};
typedef void store_calls_overviewed(void *arg, enum err e, const struct store_overview *o);
MUST_CHECK enum err store_calls_overview(struct store *s, store_calls_overviewed *told, void *arg);

#endif
