/*
 * Where calls were of late, and whose: for the checks of `parley doctor`.  Thread: main; waits.
 */
#ifndef STORE_CALL_PLACES_H
#define STORE_CALL_PLACES_H

#include "core/err.h"

#include <stddef.h>

struct store_session;

/** Borrows the id for the call; an error ends the list and is passed on. */
typedef enum err store_call_place(void *arg, const char *id);

/** The rooms of the newest calls, each once, the newest first, at most `most`. */
MUST_CHECK enum err store_call_rooms(
    struct store_session *s, size_t most, store_call_place *one, void *arg);
/** The callers of the newest calls, each once, at most `most`. */
MUST_CHECK enum err store_callers(
    struct store_session *s, size_t most, store_call_place *one, void *arg);

#endif
