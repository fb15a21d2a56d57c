/*
 * The rows of rtc_identities: whom a participant of the SFU stands for (matrix-calls 4.3).
 *
 * Texts are copied. Times are Unix milliseconds.  Thread: main.
 */
#ifndef STORE_IDENTITIES_H
#define STORE_IDENTITIES_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_IDENTITIES_KEPT_MS                                                                   \
    INT64_C(172800000) /* two days: a token lives an hour, few connections longer than a day */
#define STORE_IDENTITIES_BARRED_MOST 100 /* of one user in one room, at once */

struct store_identity {
    const char *alias;
    const char *identity;
    const char *room_id;
    const char *slot_id;
    const char *user_id;
    const char *device_id;
    const char *member_id;
    const char *dialect;
    int64_t minted_at;
    int64_t barred_at; /* 0 = not */
};

/* Who got a token and never tells, because no webhook does, is looked for after this. */
#define STORE_IDENTITIES_LOOK_MS INT64_C(75000)

/** Adds a row, or takes it over with all its columns; old ones of anybody go. `done` with OK: it is
 * on disk. */
typedef void store_identities_done(void *arg, enum err e);
MUST_CHECK enum err store_identities_put(
    struct store *s, const struct store_identity *row, store_identities_done *done, void *arg);

/** The rows, borrowed for the call. */
typedef void store_identities_found(
    void *arg, enum err e, const struct store_identity *rows, size_t n);
/** One or none. */
MUST_CHECK enum err store_identities_find(struct store *s, const char *alias, const char *identity,
    store_identities_found *found, void *arg);
/** Bars all that the user has in the room and whose token is not younger than `at_ms`; gives them,
 * those too that were barred before. `device_id`: of that device and of those that did not say
 * which they are; "" = of all. */
MUST_CHECK enum err store_identities_bar(struct store *s, const char *room_id, const char *user_id,
    const char *device_id, int64_t at_ms, store_identities_found *found, void *arg);

#endif
