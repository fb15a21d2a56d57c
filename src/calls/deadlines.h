/*
 * The timer of deadlines: looks when the next call is due, and runs what is due through the queue
 * of calls/work.
 *
 * The deadlines themselves are a column of the calls (2.6 rule 6), so that a restart or another
 * node loses none; this is only the alarm clock. It is set by what this process commits, and every
 * 15 s by asking the database, which knows of other nodes. Thread: main.
 */
#ifndef CALLS_DEADLINES_H
#define CALLS_DEADLINES_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct calls;
struct store;

struct call_deadlines {
    uv_timer_t timer; /* `data` is the calls; closed by calls/work */
    struct calls *calls;
    struct store *store;
    int64_t due_at; /* the earliest we know of, 0 = none */
    bool started;
    bool stopped;
    bool running; /* a unit of ours is in the queue */
    bool asking;  /* the store has a question of ours */
};

void call_deadlines_init(
    struct call_deadlines *d, uv_loop_t *loop, struct calls *c, struct store *s);
void call_deadlines_start(struct call_deadlines *d);
/** From here on it starts nothing more; a question under way is waited for by calls/work
 * (`asking`). */
void call_deadlines_stop(struct call_deadlines *d);
/** A unit was committed; `due_at` is the earliest of the calls it changed, 0 = none. */
void call_deadlines_note(struct call_deadlines *d, int64_t due_at);
/** Our unit is over: `found` calls were in rooms where something was due. */
void call_deadlines_ran(struct call_deadlines *d, enum err e, size_t found);

#endif
