/*
 * What is to be looked at because Matrix and the SFU may tell different stories: members of calls,
 * whose media should be in the SFU (rtc_watches), and participants of the SFU, who should be in a
 * call (rtc_identities.look_at).
 *
 * What is due is claimed: one node gets it, and has until `leased_until` to say what it found;
 * after that it is due again, for whoever asks. News from elsewhere makes it due at once, and what
 * the earlier look found is then not written.
 *
 * Texts are copied. Times are Unix milliseconds.  Thread: main.
 */
#ifndef STORE_WATCHES_H
#define STORE_WATCHES_H

#include "core/err.h"
#include "store/identities.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_WATCHES_MOST 200 /* of each kind, claimed at once */
/* A member event that nobody can read (encrypted) counts for so long: sticky events live no longer.
 */
#define STORE_OPAQUE_MEMBER_MS INT64_C(3600000)
/* Stays that began earlier than this are not looked through for who left. */
#define STORE_STAYS_BACK_MS STORE_IDENTITIES_KEPT_MS

/* A member whose media is on our SFU. */
struct store_watch {
    const char *session_id;
    int n;
    const char *room_id;
    const char *slot; /* as first seen */
    const char *user_id;
    const char *device_id; /* NULL = not known */
    const char *generation;
    const char *entry_key;
    const char *membership_id;
    const char *last_event_id;
    const char *places; /* "alias\nidentity\n…": what they had tokens for; NULL = nothing */
    int64_t heard_at;   /* their latest member event */
    int64_t asked_at;   /* their latest token; 0 = none */
    int64_t due_at;     /* when this look was due */
    int64_t leased_until;
    int64_t seen_at;
    int64_t absent_at;
    int64_t stale_at;
    int tries;
    bool in_use;    /* our SFU is the one that their client uses */
    bool delegated; /* their delayed leave is with us */
};

/* A participant of the SFU. */
struct store_visit {
    struct store_identity who;
    int64_t leased_until;
    int64_t left_at; /* when the device left a call of the room; 0 = it was in none */
    bool is_member;  /* in a call of the room, or nobody can tell (encrypted member events) */
};

/* What came of a look. */
struct store_watch_found {
    const char *session_id;
    int n;
    int64_t leased_until; /* as it was claimed */
    int64_t look_at;      /* next */
    int64_t seen_at, absent_at, stale_at;
    int tries;
};
struct store_visit_found {
    const char *alias;
    const char *identity;
    int64_t leased_until;
    int64_t look_at; /* next; 0 = not */
};

struct store_lease {
    int64_t now_ms;
    int64_t until_ms;
};

struct store_due {
    const struct store_watch *watches;
    size_t n_watches;
    const struct store_visit *visits;
    size_t n_visits;
};
/** Borrowed for the call; NULL on an error. */
typedef void store_watches_due(void *arg, enum err e, const struct store_due *due);
/** Begins to watch who came into a call, ends it for who left, and claims what is due. */
MUST_CHECK enum err store_watches_claim(
    struct store *s, const struct store_lease *lease, store_watches_due *due, void *arg);

/** `watches[i]` and `visits[i]`: was the i-th one written, or has other news come meanwhile?
 * Borrowed for the call; NULL on an error. */
typedef void store_watches_settled(void *arg, enum err e, const bool *watches, const bool *visits);
MUST_CHECK enum err store_watches_settle(struct store *s, const struct store_watch_found *watches,
    size_t n_watches, const struct store_visit_found *visits, size_t n_visits,
    store_watches_settled *settled, void *arg);

/** The SFU told of a participant: look at the members that they may be now, and at them at
 * `visit_at`, 0 = need not. Only room, user, alias and identity count. */
typedef void store_watches_done(void *arg, enum err e);
MUST_CHECK enum err store_watches_heard(struct store *s, const struct store_identity *who,
    int64_t now_ms, int64_t visit_at, store_watches_done *done, void *arg);
/** The user left a call of the room: look at what they have in the SFU at `visit_at`. */
MUST_CHECK enum err store_watches_left(struct store *s, const char *room_id, const char *user_id,
    int64_t visit_at, store_watches_done *done, void *arg);

#endif
