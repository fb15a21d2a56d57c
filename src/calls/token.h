/*
 * What the token service did, and who came to the SFU and went, in the audit of the call that it
 * concerns. Moves no call: who got a token may never use it, and members are who says so in the
 * room.  Thread: main.  See: matrix-calls 3.5, 3.8, 4.3.
 */
#ifndef CALLS_TOKEN_H
#define CALLS_TOKEN_H

#include "calls/batch.h"
#include "core/err.h"

#include <stdbool.h>

#define CALL_TOKEN_AFTER_MS INT64_C(60000) /* the SFU waits 20 s for who may come back, 6.4 */

bool call_token_is(const struct call_input *in);
/** One audit row: of the live call in the slot, or of no call. What ends in the SFU is of the call
 * that was over CALL_TOKEN_AFTER_MS ago at most, where no other has begun. ERR_NOMEM only. */
MUST_CHECK enum err call_token_apply(struct call_batch *b, const struct call_input *in);

#endif
