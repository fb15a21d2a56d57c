/*
 * Compares who is in a call with who is in the SFU, every few seconds as far as something is due
 * (store/watches), and at once when the SFU has told something.
 *
 *     a member without media     is gone after a minute: calls/cleanup
 *     media without a member     left the call: removed after 10 s; never was in it: after a
 *                                minute media_without_membership, and removed where
 *                                rtc.require_membership asks for it
 *
 * What the SFU tells is only a hint to look; who is in it is what it answers when it is asked. What
 * is due, and what was found, is in the database: a restart loses nothing, and of several nodes one
 * looks. It begins when it is known who is in which call (calls_started).
 *
 * Thread: main.  See: matrix-calls 3.5, 3.7.
 */
#ifndef CALLS_LOOKOUT_H
#define CALLS_LOOKOUT_H

#include "calls/cleanup.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct arena;
struct calls;
struct store;
struct store_identity;
struct store_watch;

#define CALL_LOOKOUT_EVERY_MS  5000
#define CALL_LOOKOUT_PAUSE_MS  200            /* between two rounds, however much is told */
#define CALL_LOOKOUT_LEASE_MS  INT64_C(30000) /* for one round; who dies in it loses it then */
#define CALL_LOOKOUT_PARALLEL  8              /* questions to the SFU at a time */
#define CALL_LOOKOUT_FAILURES  3    /* of a round; after them the SFU is not asked any more in it */
#define CALL_LOOKOUT_PLACES    32   /* names under which a member may be in the SFU */
#define CALL_LOOKOUT_NEWS_MOST 4096 /* news on its way to the database */

/* A participant, somewhere in the SFU. */
struct call_place {
    const char *alias; /* the room in the SFU */
    const char *identity;
};
/* One who is there. */
struct call_occupant {
    const char *identity;
    int64_t since_ms; /* by the SFU's clock; 0 = not said */
};
/** Borrowed for the call. OK; ERR_NOT_FOUND: no such room; else nobody can say. */
typedef void call_lookout_seen(
    void *arg, enum err e, const struct call_occupant *list, size_t n, const char *text);

/* The SFU, as livekit/occupants knows it. */
struct call_lookout_ports {
    /* Where a member must be if they are in the SFU, as far as it can be computed: at most
     * CALL_LOOKOUT_PLACES. In the arena. */
    size_t (*places)(void *arg, const struct store_watch *w, struct arena *a,
        struct call_place ret[CALL_LOOKOUT_PLACES]);
    /* Who is in a room. `seen` comes later, not from inside; an error: nothing was begun. */
    enum err (*list)(void *arg, const char *alias, call_lookout_seen *seen, void *seen_arg);
    void (*forget)(void *arg, const void *seen_arg);
    /* Ends a connection. Copies. */
    void (*remove)(void *arg, const struct store_identity *who, const char *reason);
    void *arg;
};

struct call_lookout_config {
    struct store *store;
    struct calls *calls;
    struct call_cleanup_config cleanup;
    bool require_membership;
    struct call_lookout_ports ports;
}; /* all borrowed */

struct call_lookout;
MUST_CHECK enum err call_lookout_create(
    uv_loop_t *loop, const struct call_lookout_config *cfg, struct call_lookout **ret);
/** Before calls, store and ports. The loop must turn afterwards. Takes NULL. */
void call_lookout_destroy(struct call_lookout *l);

/** The SFU says that a participant came, or went. Copies. */
void call_lookout_heard(struct call_lookout *l, const struct store_identity *who, bool came);
/** A device of the user left a call of the room. Copies. */
void call_lookout_left(struct call_lookout *l, const char *room_id, const char *user_id);

/** Puts its counters on the metrics page, also where there is no SFU to look into. */
void call_lookout_register_metrics(void);

#endif
