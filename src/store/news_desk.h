/*
 * What an admin may see and do of the news that were not told: `parley webhooks`.
 *
 * Blocking: for the command line.  Thread: one, the caller's.
 */
#ifndef STORE_NEWS_DESK_H
#define STORE_NEWS_DESK_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

/** seq, id, receiver, state, type, room_id, session_id, at, due_at, attempts, problem. */
#define STORE_NEWS_DESK_COLUMNS 11
extern const char *const store_news_desk_columns[STORE_NEWS_DESK_COLUMNS];
typedef enum err store_news_desk_row(void *arg, const char *const *values);

/** What waits or was given up, of webhooks and notices, oldest first; at most `most` rows. Values
 * are borrowed for the call. ERR_DATABASE, ERR_INVALID, or what `row` gives. */
MUST_CHECK enum err store_news_desk_list(
    const char *url, size_t most, store_news_desk_row *row, void *arg);
/** Webhooks' news that were given up are tried again, now and for the whole time; those that wait
 * are tried now. `ret` says how many rows that were. */
MUST_CHECK enum err store_news_desk_retry(const char *url, int64_t now_ms, int64_t *ret);

#endif
