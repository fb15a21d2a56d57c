/*
 * The rows of rtc_removals: who is to be taken out of the SFU (matrix-calls 4.7).
 *
 * A row is written with the leave it follows from, in the same transaction (store_changes), or by
 * itself. Only for people who have a token: the others cannot be there. Whoever writes or takes one
 * has it to itself for a while; then another node may take it. Two that do it at once do no harm.
 *
 * Texts are copied. Times are Unix milliseconds.  Thread: main.
 */
#ifndef STORE_REMOVALS_H
#define STORE_REMOVALS_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_REMOVALS_MOST    100            /* taken at once */
#define STORE_REMOVALS_HELD_MS INT64_C(10000) /* by who wrote it: usually done in milliseconds */

struct store_removal {
    const char *room_id;
    const char *user_id;
    const char *device_id; /* "" = all */
    const char *reason;
    const char *actor; /* NULL: themselves */
    int64_t left_at;   /* whoever got a token later stays */
};

typedef void store_removals_done(void *arg, enum err e);
/** Writes it down, held until STORE_REMOVALS_HELD_MS from `now_ms`. One of the same people with a
 * later `left_at` stays as it is. */
MUST_CHECK enum err store_removals_put(struct store *s, const struct store_removal *r,
    int64_t now_ms, store_removals_done *done, void *arg);
/** It is done: removes it, unless a later one has taken its place. */
MUST_CHECK enum err store_removals_drop(
    struct store *s, const struct store_removal *r, store_removals_done *done, void *arg);

/** The rows, borrowed for the call. */
typedef void store_removals_found(
    void *arg, enum err e, const struct store_removal *rows, size_t n);
/** Takes what nobody holds at `now_ms`, until `until_ms`. */
MUST_CHECK enum err store_removals_take(
    struct store *s, int64_t now_ms, int64_t until_ms, store_removals_found *found, void *arg);

#endif
