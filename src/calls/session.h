/*
 * One call in memory during a batch: its row, its people, its new audit rows.  Thread: main.
 */
#ifndef CALLS_SESSION_H
#define CALLS_SESSION_H

#include "calls/batch.h"
#include "calls/machine.h"

/* One stay of one device (a row of call_participants), or an answer of a legacy call. */
struct call_member {
    struct store_participant row;
    bool changed;
    struct call_member *next;
};

struct call_session {
    struct store_call row;
    enum call_state state;       /* row.state as a number; call_session_enter keeps both */
    struct call_member *members; /* by n */
    int last_n;
    struct store_kept *kept; /* stub: inputs waiting for the beginning */
    size_t n_kept, cap_kept;
    struct store_event **events; /* new audit rows of this batch */
    size_t n_events, cap_events;
    struct {
        const char *status; /* NULL: nobody was shown it */
        bool answered;
        bool final;
    } before; /* the batch, for calls/census */
    bool created;
    bool changed;
    bool kept_changed;
    struct call_session *next;
};

/** A new session of kind "legacy" or "rtc" in state CALL_NONE, linked into the batch; NULL on no
 * memory. */
struct call_session *call_session_create(struct call_batch *b, const char *kind,
    const struct call_input *in, const char *call_id, const char *natural_key);

/* Directory: finding sessions of the batch. NULL = none. */
struct call_session *call_session_find_legacy(
    const struct call_batch *b, const char *room_id, const char *call_id);
/** The live rtc session of a slot (ASCII case ignored), else the one that closed last. */
struct call_session *call_session_find_slot(
    const struct call_batch *b, const char *room_id, const char *slot);
/** The session (any kind) in which `event_id` began the call, a stay, an answer or the ring, or is
 * the latest of a stay, or kept. */
struct call_session *call_session_find_event(
    const struct call_batch *b, const char *room_id, const char *event_id);

/** Moves the state and the public status with it, marks changed; entering a final state sets
 * closed_at, ended_at and final_origin_at from `in` when they are unset. */
void call_session_enter(
    struct call_batch *b, struct call_session *s, enum call_state to, const struct call_input *in);
bool call_session_final(const struct call_session *s);
/** When the timer must look at it: the earliest of deadline_at, the expiry of live members, and
 * what its kind adds; 0 = never. */
int64_t call_session_due(const struct call_batch *b, const struct call_session *s);
/** The origin time of `in`, clamped to [created_at, received] (2.6 rule 1): what durations are made
 * of. */
int64_t call_session_when(const struct call_session *s, const struct call_input *in);

/* Members. */
struct call_member *call_session_add_member(struct call_batch *b, struct call_session *s,
    const char *user_id, const char *party, const char *role);
struct call_member *call_session_find_party(
    const struct call_session *s, const char *user_id, const char *party);
/** The stay (live, else the last) of an entry key. */
struct call_member *call_session_find_entry(const struct call_session *s, const char *entry_key);
size_t call_session_live(const struct call_session *s);       /* devices still in */
size_t call_session_live_users(const struct call_session *s); /* different users among them */
/** Ends a stay. */
void call_session_leave(struct call_batch *b, struct call_session *s, struct call_member *m,
    int64_t at_ms, const char *reason, const char *actor);

/* Timeline. */
/** Appends an audit row about `s` caused by `in` (NULL source event for deadlines). ERR_NOMEM only.
 * `ret` may be NULL. */
MUST_CHECK enum err call_session_record(struct call_batch *b, struct call_session *s,
    const char *type, const struct call_input *in, struct store_event **ret);
/** An audit row of no call. */
MUST_CHECK enum err call_batch_record_stray(
    struct call_batch *b, const char *type, const struct call_input *in, struct store_event **ret);
MUST_CHECK enum err call_event_text(
    struct call_batch *b, struct store_event *e, const char *key, const char *value);
MUST_CHECK enum err call_event_int(
    struct call_batch *b, struct store_event *e, const char *key, int64_t value);
MUST_CHECK enum err call_event_bool(
    struct call_batch *b, struct store_event *e, const char *key, bool value);

/** Tells `user_id` (NULL = everybody in the call) after the commit; nothing for historic sessions,
 * inputs that were reconciled, and finals closed over 5 minutes late (2.6 rule 6). */
MUST_CHECK enum err call_session_push(struct call_batch *b, struct call_session *s,
    enum call_push_type type, const struct call_input *in, const char *user_id);

/** What is known of the room's people; NULL = nothing was asked. */
const struct call_room_view *call_batch_room(const struct call_batch *b, const char *room_id);

#endif
