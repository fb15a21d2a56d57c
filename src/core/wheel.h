/*
 * Timers of objects that live on a thread with a clock of its own: a worker's turn is told the
 * time, so that tests run it in virtual time. (What lives on a loop uses libuv's timers.)
 *
 * A hashed wheel: arming and disarming cost the same however many there are, and nothing is
 * allocated: the timer lies in the object that wants it. Times are monotonic microseconds; a timer
 * fires at the first turn at or after its time, never before.
 *
 * Thread: the one that owns the wheel.
 */
#ifndef CORE_WHEEL_H
#define CORE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS   512
#define WHEEL_TICK_US 2000 /* the grain of what wheel_next says; one round is a second */

struct wheel_timer;
/** May arm and disarm any timer, also this one, and free the object it lies in. */
typedef void wheel_fn(struct wheel_timer *t, int64_t now_us);

/** Zeroed = not armed. */
struct wheel_timer {
    struct wheel_timer *prev, *next;
    int64_t due_us;
    wheel_fn *fire;
};

struct wheel {
    struct wheel_timer slots[WHEEL_SLOTS]; /* heads of rings */
    struct wheel_timer firing;             /* head of what the running turn still has to fire */
    int64_t tick;                          /* the next slot to look at: time / WHEEL_TICK_US */
    size_t armed;
};

void wheel_init(struct wheel *w, int64_t now_us);

/** Arms or moves `t`; it fires once. `t` must stay in place until it has fired or is disarmed. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t due_us, wheel_fn *fire);
/** Does nothing for a timer that is not armed. */
void wheel_disarm(struct wheel *w, struct wheel_timer *t);
bool wheel_is_armed(const struct wheel_timer *t);

/** Fires what is due, in the order of slots. `now_us` never goes back. */
void wheel_turn(struct wheel *w, int64_t now_us);

/** When to call wheel_turn next, at the earliest a tick too early: INT64_MAX when nothing is armed;
 * at most one round ahead. */
int64_t wheel_next(const struct wheel *w);

#endif
