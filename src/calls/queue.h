/*
 * The inside of struct calls, for calls/work's own parts: deadlines and units.  Thread: main.
 */
#ifndef CALLS_QUEUE_H
#define CALLS_QUEUE_H

#include "calls/work.h"

#define CALLS_QUEUE_MAX                                                                            \
    256 /* units waiting; the homeserver has one transaction under way, reconcile a few */
#define CALLS_DUE_ROOMS_MAX   100 /* rooms of one deadline run: a unit of work stays short */
#define CALLS_SUBSCRIBERS_MAX 8   /* the log, socket pushes, other nodes … */

/** Puts a deadline run into the queue, whatever its length. ERR_NOMEM only. */
MUST_CHECK enum err calls_queue_deadlines(struct calls *c);
/** One of those that keep the memory of `calls` after calls_destroy (handles, a question to the
 * store) is done with it. */
void calls_release(struct calls *c);

#endif
