/*
 * When to try again: exponential back-off with jitter.  Thread: any; pure.
 */
#ifndef HOOKS_TRIES_H
#define HOOKS_TRIES_H

#include "core/clock.h"

#include <stdint.h>

#define HOOKS_TRY_FIRST_MS (1 * SEC_MS)
#define HOOKS_TRY_MOST_MS  (10 * MIN_MS)

/**
 * How long to wait after a failed attempt, in ms.
 * @attempts  how many there were, from 1
 * @random    any number: chooses between half of the back-off and the whole, so that what failed
 *            together is not tried again together
 * @retry_after_ms  what the receiver asked for, 0 = nothing; at most HOOKS_TRY_MOST_MS counts
 */
int64_t hooks_try_after(int attempts, uint32_t random, int64_t retry_after_ms);

#endif
