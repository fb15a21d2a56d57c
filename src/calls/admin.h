/*
 * What an admin does to a call: which session an input means, and its audit row.  Thread: main.
 */
#ifndef CALLS_ADMIN_H
#define CALLS_ADMIN_H

#include "calls/session.h"

/** Is it one of IN_ENDED_BY_ADMIN, IN_KICKED_BY_ADMIN, IN_MUTED_BY_ADMIN? */
bool call_admin_is(const struct call_input *in);
/** Moves the session that is meant; none where it is over for longer than the batch remembers.
 * ERR_NOMEM. */
MUST_CHECK enum err call_admin_apply(struct call_batch *b, const struct call_input *in);
/** An effect: `call_ended_by_admin`, `participant_kicked_by_admin` or `participant_muted_by_admin`,
 * with actor and reason. */
MUST_CHECK enum err call_admin_record(
    struct call_batch *b, struct call_session *s, const struct call_input *in);

#endif
