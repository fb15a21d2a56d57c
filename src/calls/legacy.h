/*
 * Calls of m.call.* events (matrix-calls 2): the door of the legacy half for calls/batch and
 * calls/session.
 *
 *     legacy_rules     the table of 2.6                    legacy_guards   its conditions
 *     legacy_begin     invite, stub, replay                legacy_answer   answer, select, glare,
 * re-opening legacy_end       reject, hangup, timers, leaving     legacy_media    candidates,
 * negotiate, mute, transfer legacy_reasons   hangup reasons of 2.3               legacy_kept inputs
 * a stub keeps, as rows Thread: main.
 */
#ifndef CALLS_LEGACY_H
#define CALLS_LEGACY_H

#include "calls/session.h"

/** Applies one input of IN_INVITE … IN_REPLACES to its session, which is made when there is none.
 */
MUST_CHECK enum err call_legacy_apply(struct call_batch *b, const struct call_input *in);

/** When the timer must look at a legacy call that is not over. In `answered` deadline_at stays the
 * ring's, because a call may fall back to ringing; the select timer follows from the answers. */
int64_t call_legacy_due(const struct call_batch *b, const struct call_session *s);

#endif
