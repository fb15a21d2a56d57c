/*
 * Members whose media is gone, in the audit of their call: that they are held to be gone, and what
 * came of ending their membership. Moves no call: the end itself comes back as an event.
 * Thread: main.  See: matrix-calls 3.5, 3.7.
 */
#ifndef CALLS_STALE_H
#define CALLS_STALE_H

#include "calls/batch.h"
#include "core/err.h"

#include <stdbool.h>

/** Is it one of IN_MEMBERSHIP_STALE to IN_MEMBERSHIP_NOT_ENDED? */
bool call_stale_is(const struct call_input *in);
/** An audit row of the session that is meant; none where it is over for longer than the batch
 * remembers, or where who is held to be gone has left or written again. ERR_NOMEM only. */
MUST_CHECK enum err call_stale_apply(struct call_batch *b, const struct call_input *in);

#endif
