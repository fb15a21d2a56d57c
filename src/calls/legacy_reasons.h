/*
 * What a hangup means, by its reason, its sender and whether the call had been answered
 * (matrix-calls 2.3). Pure.
 */
#ifndef CALLS_LEGACY_REASONS_H
#define CALLS_LEGACY_REASONS_H

#include "calls/machine.h"

/** State that a hangup leads to; CALL_SAME = no change (that device only). `reason` NULL =
 * user_hangup; an unknown one is an error of the client. */
enum call_state call_reason_before_answer(const char *reason, bool from_caller);
enum call_state call_reason_after_answer(const char *reason, bool from_caller);
/** Is it a technical failure? */
bool call_reason_is_error(const char *reason);
/** Does another call go on in place of this one (replaced, transferred, new_session)? */
bool call_reason_is_replacement(const char *reason);
/** What column end_reason holds. */
const char *call_reason_text(const char *reason);

#endif
