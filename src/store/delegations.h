/*
 * The rows of rtc_delegations: delayed leaves that clients left with us (matrix-calls 4.9).
 *
 * A row belongs to a node for a while. The node renews that for all of its rows at once, and takes
 * over rows whose time ran out, or which it hears of from the SFU itself. A node that lost a row
 * learns it by the next renewal, and forgets the job; until then both may act, which is harmless: a
 * second restart restarts, a second send finds nothing.
 *
 * Texts are copied. Times are Unix milliseconds.  Thread: main.
 */
#ifndef STORE_DELEGATIONS_H
#define STORE_DELEGATIONS_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct store;

struct store_delegation {
    const char *alias;
    const char *identity;
    const char *delay_id;
    int64_t delay_ms;
    const char *user_id;
    const char *room_id;
    const char *state;
    int64_t created_at;
    int64_t restarted_at;
};

/* Who holds a row, and until when. */
struct store_holder {
    const char *node;
    int64_t now_ms;
    int64_t until_ms;
};

typedef void store_delegations_done(void *arg, enum err e);
/** Adds a row, or takes it over with all its columns; held by us. `done` with OK: it is on disk. */
MUST_CHECK enum err store_delegations_put(struct store *s, const struct store_delegation *d,
    const struct store_holder *h, store_delegations_done *done, void *arg);
/** Removes it, unless another delegation has taken its place: `delay_id` must be the same. */
MUST_CHECK enum err store_delegations_remove(struct store *s, const char *alias,
    const char *identity, const char *delay_id, store_delegations_done *done, void *arg);

#define STORE_DELEGATIONS_MOST 1000 /* taken over at once */
/** The rows, borrowed for the call; `held` is how many are ours now, these included. */
typedef void store_delegations_found(
    void *arg, enum err e, const struct store_delegation *rows, size_t n, int64_t held);
/** Renews what is ours and takes what nobody holds any more, at most STORE_DELEGATIONS_MOST: gives
 * what was taken. With `all` it gives what was ours already, too: for a process that begins. */
MUST_CHECK enum err store_delegations_hold(struct store *s, const struct store_holder *h, int all,
    store_delegations_found *found, void *arg);
/** Takes one over from whoever holds it: gives it, or nothing when there is none. */
MUST_CHECK enum err store_delegations_take(struct store *s, const char *alias, const char *identity,
    const struct store_holder *h, store_delegations_found *found, void *arg);

#endif
