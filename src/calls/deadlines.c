/* The alarm clock of deadlines.  Thread: main. */
#include "calls/deadlines.h"

#include "calls/census.h"
#include "calls/queue.h"
#include "core/clock.h"
#include "core/log.h"
#include "store/calls.h"

#define ASK_MS (15 * SEC_MS) /* other nodes' calls become known to us this late at most */
#define PAUSE_MS                                                                                   \
    INT64_C(200) /* least time between two looks: another node may be at work on what is due */
#define RETRY_MS (5 * SEC_MS) /* after a failed run: the database is away */

static void on_timer(uv_timer_t *timer);

/* Not early: the loop counts from when its turn began, and in whole milliseconds. */
static void arm(struct call_deadlines *d, int64_t in_ms) {
    if (!d->stopped) {
        uv_update_time(d->timer.loop);
        uv_timer_start(&d->timer, on_timer, (uint64_t)in_ms + 1, 0);
    }
}

/* Sleeps until the next call is due, but no longer than until the database is to be asked again. */
static void sleep_until_due(struct call_deadlines *d) {
    int64_t in_ms = d->due_at == 0 ? ASK_MS : d->due_at - clock_wall_ms();
    arm(d, in_ms < PAUSE_MS ? PAUSE_MS : in_ms > ASK_MS ? ASK_MS : in_ms);
}

static void run(struct call_deadlines *d) {
    enum err e = calls_queue_deadlines(d->calls);
    if (e != OK) {
        LOG_ERROR(
            &log_root, "deadlines_not_run", "cause=%s reason=%s", err_name(e), LOG_Q(err_text()));
        arm(d, RETRY_MS);
        return;
    }
    d->running = true;
}

static void on_outlook(void *arg, enum err e, const struct store_calls_outlook *o) {
    struct call_deadlines *d = arg;
    d->asking = false;
    if (d->stopped) {
        calls_release(d->calls);
        return;
    }
    if (e == OK) {
        call_deadlines_note(d, o->due_at);
        call_census_tell(o);
        call_census_next_deadline(d->due_at);
    } else {
        LOG_DEBUG(
            &log_root, "deadlines_not_asked", "cause=%s reason=%s", err_name(e), LOG_Q(err_text()));
    }
    sleep_until_due(d);
}

static void ask(struct call_deadlines *d) {
    if (d->asking) {
        return;
    }
    d->due_at =
        0; /* what is committed meanwhile is noted beside the answer, which may not know of it */
    d->asking = store_calls_look_ahead(d->store, on_outlook, d) == OK;
    if (!d->asking) {
        arm(d, RETRY_MS);
    }
}

static void on_timer(uv_timer_t *timer) {
    struct call_deadlines *d = timer->data;
    if (d->stopped || d->running) {
        return;
    }
    if (d->due_at != 0 && d->due_at <= clock_wall_ms()) {
        run(d);
    } else {
        ask(d);
    }
}

void call_deadlines_init(
    struct call_deadlines *d, uv_loop_t *loop, struct calls *c, struct store *s) {
    *d = (struct call_deadlines){ .calls = c, .store = s };
    uv_timer_init(loop, &d->timer);
    d->timer.data = d;
}

void call_deadlines_start(struct call_deadlines *d) {
    if (!d->started && !d->stopped) {
        d->started = true;
        run(d);
    }
}

void call_deadlines_stop(struct call_deadlines *d) {
    d->stopped = true;
    uv_timer_stop(&d->timer);
}

void call_deadlines_note(struct call_deadlines *d, int64_t due_at) {
    if (due_at == 0 || (d->due_at != 0 && d->due_at <= due_at)) {
        return;
    }
    d->due_at = due_at;
    call_census_next_deadline(due_at);
    if (d->started && !d->running && !d->asking) {
        sleep_until_due(d);
    }
}

void call_deadlines_ran(struct call_deadlines *d, enum err e, size_t found) {
    d->running = false;
    if (d->stopped) {
        return;
    }
    if (e != OK) {
        LOG_WARN(
            &log_root, "deadlines_failed", "cause=%s reason=%s", err_name(e), LOG_Q(err_text()));
        arm(d, RETRY_MS);
    } else if (found > 0) {
        run(d);
    } else {
        d->due_at = 0;
        ask(d);
    }
}
