/*
 * The inputs a stub keeps until its invite comes (matrix-calls 2.6 rule 2), and their form as rows
 * of call_kept_inputs.
 *
 * Each field of an input that has no column of its own goes into `text`, a line each: name=value,
 * with \\ and \n escaped; fields that are NULL, 0 or false are left out; unknown names are skipped
 * when reading.  Thread: main.
 */
#ifndef CALLS_LEGACY_KEPT_H
#define CALLS_LEGACY_KEPT_H

#include "calls/session.h"

#define LEGACY_KEPT_MAX 64 /* inputs a stub; rule 2 */

/** Keeps one more; over the limit a candidates input goes first, and where there is none the new
 * one is dropped. */
MUST_CHECK enum err call_kept_add(
    struct call_batch *b, struct call_session *s, const struct call_input *in);
/** Forgets all. */
void call_kept_clear(struct call_session *s);

/** One input as a row (without its number), and back. ERR_NOMEM only; everything read is in the
 * arena. */
MUST_CHECK enum err call_kept_write(
    struct arena *a, const struct call_input *in, struct store_kept *ret);
MUST_CHECK enum err call_kept_read(struct arena *a, const char *room_id, const char *call_id,
    const struct store_kept *k, struct call_input *ret);

#endif
