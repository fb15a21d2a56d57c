/*
 * The rows of delegated delayed leaves: written when the state or the time of the restart changed,
 * one write of a job at a time; renewed every few seconds; taken over from nodes that are gone.
 */
#include "calls/delegation_job.h"

#include "core/clock.h"
#include "core/log.h"
#include "store/delegations.h"

#define HELD_MS (30 * SEC_MS) /* after this another node may follow us: three renewals */

/* --- writing --- */

static struct store_holder holder(const struct call_delegations *d) {
    int64_t now = clock_wall_ms();
    return (struct store_holder){ d->node, now, now + HELD_MS };
}

static struct store_delegation row_of(const struct call_delegation_job *j) {
    return (struct store_delegation){ .alias = j->what.alias,
        .identity = j->what.identity,
        .delay_id = j->what.delay_id,
        .delay_ms = j->what.delay_ms,
        .user_id = j->what.user_id,
        .room_id = j->what.room_id,
        .state = call_delegation_state_name(call_delegation_kept_state(&j->machine)),
        .created_at = j->created_ms,
        .restarted_at = j->machine.restarted_ms };
}

static void removed(void *arg, enum err e) {
    struct call_delegation_job *j = arg;
    if (e != OK) {
        /* The next time all rows are listed it is taken up again, and found to be over. */
        j->owner->all_known = false;
    }
    call_delegation_job_unref(j);
}

static void remove_now(struct call_delegation_job *j) {
    j->refs++;
    enum err e = store_delegations_remove(
        j->owner->store, j->what.alias, j->what.identity, j->what.delay_id, removed, j);
    if (e != OK) {
        removed(j, e);
    }
}

void call_delegation_row_remove(struct call_delegation_job *j) {
    if (!j->writing) {
        remove_now(j);
    }
}

static void saved(void *arg, enum err e) {
    struct call_delegation_job *j = arg;
    j->writing = false;
    if (e == OK) {
        j->stored_us = clock_mono_us();
    } else {
        j->changed = true;
        j->owner->all_known = false; /* it is tried again with the next look at all rows */
    }
    if (j->machine.state == CALL_DELEGATION_OVER && !j->owner->destroyed) {
        remove_now(j);
    } else if (e == OK && j->changed && !j->dropped) {
        call_delegation_row_save(j);
    }
    call_delegation_job_unref(j);
}

static enum err put(struct call_delegation_job *j, store_delegations_done *done) {
    const struct store_delegation row = row_of(j);
    const struct store_holder h = holder(j->owner);
    j->writing = true;
    j->changed = false;
    j->refs++;
    return store_delegations_put(j->owner->store, &row, &h, done, j);
}

void call_delegation_row_save(struct call_delegation_job *j) {
    if (j->writing) {
        j->changed = true;
        return;
    }
    enum err e = put(j, saved);
    if (e != OK) {
        saved(j, e);
    }
}

static void on_added(void *arg, enum err e) {
    struct call_delegation_job *j = arg;
    j->writing = false;
    j->stored_us = e == OK ? clock_mono_us() : 0;
    j->added(j, e);
    call_delegation_job_unref(j);
}

enum err call_delegation_row_add(
    struct call_delegation_job *j, void (*added)(struct call_delegation_job *j, enum err e)) {
    j->added = added;
    enum err e = put(j, on_added);
    if (e != OK) {
        call_delegation_job_unref(j);
    }
    return e;
}

/* --- taking up what is in the database --- */

static void adopt(
    struct call_delegations *d, const struct store_delegation *row, enum call_delegation_input in) {
    const struct call_delegated what = { .alias = row->alias,
        .identity = row->identity,
        .user_id = row->user_id,
        .room_id = row->room_id,
        .delay_id = row->delay_id,
        .delay_ms = row->delay_ms };
    enum call_delegation_state state = call_delegation_state_read(row->state);
    struct call_delegation_job *j =
        state == CALL_DELEGATION_STATES ? NULL : call_delegation_job_create(d, &what);
    if (j == NULL) {
        d->all_known = false;
        return;
    }
    j->created_ms = row->created_at;
    j->stored_us = clock_mono_us();
    j->machine = (struct call_delegation){ .state = state,
        .delay_ms = row->delay_ms,
        .accepted_ms = row->created_at,
        .restarted_ms = row->restarted_at };
    if (call_delegation_job_enter(j) != OK) {
        return;
    }
    /* First as for a process that begins: its timers ended with the other node's. */
    call_delegation_job_step(j, CALL_DELEGATION_STARTED, 0);
    j = call_delegations_find(d, row->alias, row->identity);
    if (j != NULL && in != CALL_DELEGATION_STARTED) {
        call_delegation_job_step(j, in, 0);
    }
}

static struct call_delegation_job *job_of_row(
    const struct call_delegations *d, const struct store_delegation *row) {
    return call_delegations_find(d, row->alias, row->identity);
}

struct telling {
    struct call_delegations *owner;
    enum call_delegation_input in;
};

static void taken(void *arg, enum err e, const struct store_delegation *rows, size_t n, int64_t h) {
    struct telling *t = arg;
    (void)h;
    for (size_t i = 0; e == OK && i < n && !t->owner->destroyed; i++) {
        struct call_delegation_job *j = job_of_row(t->owner, &rows[i]);
        if (j == NULL) {
            adopt(t->owner, &rows[i], t->in);
        } else {
            call_delegation_job_step(j, t->in, 0);
        }
    }
    call_delegations_unref(t->owner);
    mem_free(t);
}

void call_delegation_row_take(struct call_delegations *d, const char *alias, const char *identity,
    enum call_delegation_input in) {
    struct telling *t = mem_alloc(sizeof(*t));
    if (t == NULL) {
        return; /* the timer of the job acts a little later */
    }
    *t = (struct telling){ d, in };
    const struct store_holder h = holder(d);
    d->refs++;
    if (store_delegations_take(d->store, alias, identity, &h, taken, t) != OK) {
        call_delegations_unref(d);
        mem_free(t);
    }
}

/* --- holding --- */

/* All rows of ours were listed: a job without one was taken over by another node. */
static void drop_lost(struct call_delegations *d) {
    struct call_delegation_job *j = NULL;
    struct call_delegation_job *next = NULL;
    HASH_ITER (hh, d->jobs, j, next) {
        bool was_there = j->stored_us != 0 && j->stored_us < d->hold_asked_us && !j->writing;
        if (was_there && j->listed_us != d->hold_asked_us) {
            LOG_INFO(&log_root, "delegated_leave_taken_over", "user=%s", LOG_Q(j->what.user_id));
            call_delegation_job_drop(j);
        } else if (j->changed && !j->writing) {
            call_delegation_row_save(j);
        }
    }
}

static void note_listed(struct call_delegations *d, const struct store_delegation *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct call_delegation_job *j = job_of_row(d, &rows[i]);
        if (j == NULL) {
            adopt(d, &rows[i], CALL_DELEGATION_STARTED);
        } else {
            j->listed_us = d->hold_asked_us;
        }
    }
}

static void held(
    void *arg, enum err e, const struct store_delegation *rows, size_t n, int64_t n_held) {
    struct call_delegations *d = arg;
    d->holding = false;
    if (e == OK && !d->destroyed) {
        bool all = !d->all_known;
        d->all_known = true;
        note_listed(d, rows, n);
        if (all) {
            drop_lost(d);
        }
        d->all_known = d->all_known && n_held == (int64_t)HASH_COUNT(d->jobs);
    }
    call_delegations_unref(d);
}

void call_delegation_rows_hold(struct call_delegations *d) {
    if (d->holding) {
        return;
    }
    const struct store_holder h = holder(d);
    d->hold_asked_us = clock_mono_us();
    d->holding = true;
    d->refs++;
    if (store_delegations_hold(d->store, &h, !d->all_known, held, d) != OK) {
        d->holding = false;
        call_delegations_unref(d);
    }
}
