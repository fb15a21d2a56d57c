/*
 * Whom the participants of the SFU stand for: written down before a token leaves, looked up when
 * the SFU speaks of them, barred when the user leaves the Matrix room.
 *
 * What cannot be asked because the database is away waits, in order, up to a limit; a token does
 * not wait for it (decision 14).  Thread: main.
 */
#ifndef LIVEKIT_PARTICIPANTS_H
#define LIVEKIT_PARTICIPANTS_H

#include "core/err.h"
#include "store/identities.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define LK_PARTICIPANTS_WAITING_MAX 10000 /* questions; about 1 KiB each */
#define LK_PARTICIPANTS_RETRY_MS    2000

struct lk_participants;
MUST_CHECK enum err lk_participants_create(uv_loop_t *loop, struct lk_participants **ret);
/** What waits is lost. The loop must turn once more before it is closed. */
void lk_participants_destroy(struct lk_participants *p);
/** Where they are kept; NULL (at first): questions wait. Set NULL before the store goes. */
void lk_participants_set_store(struct lk_participants *p, struct store *store);
/** What was asked with this `arg` goes on, without its callback; a look-up that waits ends. */
void lk_participants_forget(struct lk_participants *p, const void *arg);

/* All copy their texts. The callbacks are called once, maybe from inside. ERR_NOMEM, ERR_LIMIT:
 * nothing was begun. */

/** It is written, or it was tried and will be later. */
typedef void lk_participants_noted(void *arg);
MUST_CHECK enum err lk_participants_note(struct lk_participants *p,
    const struct store_identity *row, lk_participants_noted *noted, void *arg);
/** Rows are borrowed for the call. */
typedef void lk_participants_found(void *arg, const struct store_identity *rows, size_t n);
/** One, or none: nobody whom we gave a token. */
MUST_CHECK enum err lk_participants_find(struct lk_participants *p, const char *alias,
    const char *identity, lk_participants_found *found, void *arg);
/** All that the user, or this device of theirs ("" = all), has in the room by tokens not younger
 * than `at_ms`. */
MUST_CHECK enum err lk_participants_bar(struct lk_participants *p, const char *room_id,
    const char *user_id, const char *device_id, int64_t at_ms, lk_participants_found *found,
    void *arg);

#endif
