/*
 * One batch of a purge: who is found, and the short transactions in which they go. Shared by
 * store/purge (what comes after what) and store/purge_batch (this).  Thread: the purge's.
 */
#ifndef STORE_PURGE_BATCH_H
#define STORE_PURGE_BATCH_H

#include "core/buf.h"
#include "core/clock.h"
#include "store/purge_steps.h"
#include "store/query_wait.h"
#include "store/tombstone.h"

#define STORE_PURGE_ROWS_MAX                                                                       \
    5000 /* rows of call_events of a batch; a longer chain is a batch of its own */
#define STORE_PSEUDONYM_BYTES 6

struct store_purger {
    struct store_session *s;
    const struct store_audit_key *key;
    const struct store_purge *p;
    struct store_purge_totals *totals;
    const struct store_purge_step *step;
    const char *scope; /* $4 */
    char before[CLOCK_TEXT_SIZE];
    struct buf pattern;
    char pseudonym[sizeof("erased:") + 2 * (size_t)STORE_PSEUDONYM_BYTES];
    char what[STORE_TOMBSTONE_TEXT_MAX + 1];
    struct store_removed *found;
    size_t n_found;
    struct store_removed *items; /* of the tombstone */
    size_t n_items;
    char cursor_id[UUID_TEXT_SIZE];
    char cursor[CLOCK_TEXT_SIZE + 16];
    int64_t rows_found; /* of the chains found */
    size_t calls_max;   /* of the next batch */
    int64_t left;       /* calls of this batch whose room was in use */
};

/** Fills `found` from the cursor on and moves the cursor; n_found 0 = there is no more. */
MUST_CHECK enum err store_purge_find(struct store_purger *w);
/** Only counts what the step would find, into the totals. */
MUST_CHECK enum err store_purge_count(struct store_purger *w);
/** Tells of the progress; false = the purge is to end. */
bool store_purge_goes_on(struct store_purger *w);
/** Does the step's action to what was found; tries again while rooms are in use, unless the purge
 * is to end. */
MUST_CHECK enum err store_purge_act(struct store_purger *w);
/** The number that a question answers. */
MUST_CHECK enum err store_purge_ask(
    struct store_purger *w, const char *sql, const char *const *params, size_t n, int64_t *ret);

#endif
