/*
 * The rows of sfu_stays: who is in our own SFU, and which rooms go on there. A row is written and
 * removed with the audit row that tells of it, in the same transaction (store_changes).
 *
 * Texts are copied. Times are Unix milliseconds.  Thread: main.
 */
#ifndef STORE_STAYS_H
#define STORE_STAYS_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_STAYS_MOST 200 /* found at once */

struct store_stay {
    const char *connection; /* the SFU's id of the participant or the room */
    const char *node;       /* who carries it … */
    const char *run;        /* … and which of its processes */
    const char *alias;
    const char *identity;
    bool is_room;
    int64_t since;
};

/** Borrowed for the call; NULL on an error. */
typedef void store_stays_found(void *arg, enum err e, const struct store_stay *rows, size_t n);
/** What the node's other processes than `run` have left, and nodes that sfu_nodes does not know any
 * more, by the connections: those behind `after`
 * ("": from the first). At most STORE_STAYS_MOST; people come before rooms. */
MUST_CHECK enum err store_stays_left(struct store *s, const char *node, const char *run,
    const char *after, store_stays_found *found, void *arg);

#endif
