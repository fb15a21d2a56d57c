/* Jobs: memory, tables, steps. */
#include "calls/delegation_job.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/metrics.h"

#include <stdio.h>
#include <string.h>

METRIC_GAUGE(jobs_now, "parley_delegations", "Delayed leaves that clients left with us.");
METRIC_COUNTER(
    restarts_total, "parley_delegation_restarts_total", "Delayed leaves that were restarted.");
METRIC_COUNTER(sent_total, "parley_delegation_leaves_sent_total",
    "Delayed leaves that were sent because their client was gone.");
METRIC_COUNTER(late_total, "parley_delegation_retries_total",
    "Restarts and sends that the homeserver did not take, to be tried again.");

/* --- memory --- */

void call_delegations_unref(struct call_delegations *d) {
    if (--d->refs == 0) {
        mem_free(d->node);
        mem_free(d);
    }
}

void call_delegation_job_unref(struct call_delegation_job *j) {
    if (--j->refs == 0) {
        struct call_delegations *d = j->owner;
        arena_finish(&j->arena);
        mem_free(j);
        call_delegations_unref(d);
    }
}

static void timer_closed(uv_handle_t *h) {
    call_delegation_job_unref(h->data);
}

struct call_delegation_job *call_delegation_job_create(
    struct call_delegations *d, const struct call_delegated *what) {
    struct call_delegation_job *j = mem_zalloc(sizeof(*j));
    if (j == NULL) {
        return NULL;
    }
    arena_init(&j->arena);
    j->what = *what;
    j->what.alias = arena_strdup(&j->arena, what->alias);
    j->what.identity = arena_strdup(&j->arena, what->identity);
    j->what.user_id = arena_strdup(&j->arena, what->user_id);
    j->what.room_id = arena_strdup(&j->arena, what->room_id);
    j->what.delay_id = arena_strdup(&j->arena, what->delay_id);
    j->key = arena_printf(&j->arena, "%s\n%s", what->alias, what->identity);
    if (j->arena.failed) {
        arena_finish(&j->arena);
        mem_free(j);
        return NULL;
    }
    j->owner = d;
    d->refs++;
    uv_timer_init(d->loop, &j->timer);
    j->timer.data = j;
    j->refs = 2; /* whoever has it, and the timer */
    return j;
}

/* --- the tables --- */

struct call_delegation_job *call_delegations_find(
    const struct call_delegations *d, const char *alias, const char *identity) {
    char key[CALL_DELEGATION_KEY_SIZE];
    struct call_delegation_job *j = NULL;
    snprintf(key, sizeof(key), "%s\n%s", alias, identity);
    HASH_FIND_STR(d->jobs, key, j);
    return j;
}

void call_delegation_job_forget_action(struct call_delegation_job *j) {
    if (j->ticket != 0) {
        HASH_DELETE(by_ticket, j->owner->tickets, j);
        j->ticket = 0;
    }
}

static bool ticket_begin(struct call_delegation_job *j) {
    struct call_delegations *d = j->owner;
    call_delegation_job_forget_action(j);
    j->ticket = ++d->last_ticket;
    HASH_ADD(by_ticket, d->tickets, ticket, sizeof(j->ticket), j);
    if (j->by_ticket.tbl == NULL) {
        j->ticket = 0;
    }
    return j->ticket != 0;
}

/* Takes the job out of everything; its row stays. */
void call_delegation_job_drop(struct call_delegation_job *j) {
    struct call_delegations *d = j->owner;
    call_delegation_job_forget_action(j);
    if (!j->dropped && j->hh.tbl != NULL) {
        HASH_DELETE(hh, d->jobs, j);
        metric_set(&jobs_now, (int64_t)HASH_COUNT(d->jobs));
    }
    if (!j->dropped) {
        j->dropped = true;
        uv_timer_stop(&j->timer);
        uv_close((uv_handle_t *)&j->timer, timer_closed);
        call_delegation_job_unref(j);
    }
}

/* Takes the job; one of the same participant before it makes way. */
enum err call_delegation_job_enter(struct call_delegation_job *j) {
    struct call_delegations *d = j->owner;
    struct call_delegation_job *before = call_delegations_find(d, j->what.alias, j->what.identity);
    if (before != NULL) {
        call_delegation_job_drop(before);
    }
    HASH_ADD_KEYPTR(hh, d->jobs, j->key, strlen(j->key), j);
    if (j->hh.tbl == NULL) {
        call_delegation_job_drop(j);
        return err_set(ERR_NOMEM, "no memory for a delegated leave");
    }
    metric_set(&jobs_now, (int64_t)HASH_COUNT(d->jobs));
    return OK;
}

/* --- steps --- */

static void on_timer(uv_timer_t *t) {
    call_delegation_job_step(t->data, CALL_DELEGATION_TIMER, 0);
}

static void arm(struct call_delegation_job *j) {
    if (j->machine.due_ms == 0) {
        uv_timer_stop(&j->timer);
        return;
    }
    int64_t in_ms = j->machine.due_ms - clock_wall_ms();
    uv_update_time(j->owner->loop); /* the loop counts from when its turn began */
    uv_timer_start(&j->timer, on_timer, in_ms < 0 ? 1 : (uint64_t)in_ms + 1, 0);
}

static enum err begin(struct call_delegation_job *j, enum call_delegation_action action) {
    const struct call_delegations_ports *p = &j->owner->ports;
    if (!ticket_begin(j)) {
        return err_set(ERR_NOMEM, "no memory for a request of a delegated leave");
    }
    return action == CALL_DELEGATION_LOOK ? p->look(p->arg, j->ticket, &j->what)
                                          : p->act(p->arg, j->ticket, action, &j->what);
}

static void act(struct call_delegation_job *j, enum call_delegation_action action) {
    if (action == CALL_DELEGATION_LOOK && j->owner->ports.look == NULL) {
        return;
    }
    if (action == CALL_DELEGATION_SEND) {
        LOG_INFO(&log_root, "delegated_leave_due", "user=%s room=%s", LOG_Q(j->what.user_id),
            LOG_Q(j->what.room_id));
    }
    if (begin(j, action) != OK) {
        call_delegation_job_forget_action(j);
        if (action != CALL_DELEGATION_LOOK) {
            call_delegation_job_step(j, CALL_DELEGATION_LATER, 0);
        }
    }
}

static void count(enum call_delegation_state from, enum call_delegation_input in) {
    bool sending = from == CALL_DELEGATION_DISCONNECTED;
    if (in == CALL_DELEGATION_LATER) {
        metric_add(&late_total, 1);
    } else if (in == CALL_DELEGATION_DONE) {
        metric_add(sending ? &sent_total : &restarts_total, 1);
    }
}

static void over(struct call_delegation_job *j) {
    LOG_DEBUG(&log_root, "delegated_leave_over", "user=%s room=%s", LOG_Q(j->what.user_id),
        LOG_Q(j->what.room_id));
    if (j->owner->store != NULL) {
        call_delegation_row_remove(j);
    }
    call_delegation_job_drop(j);
}

void call_delegation_job_step(
    struct call_delegation_job *j, enum call_delegation_input in, int64_t after_ms) {
    struct call_delegation *m = &j->machine;
    const struct call_delegation before = *m;
    uint32_t random;
    if (in < CALL_DELEGATION_DONE && in != CALL_DELEGATION_TIMER && in != CALL_DELEGATION_MISSING) {
        j->heard_us = clock_mono_us();
    }
    crypto_random(&random, sizeof(random));
    count(before.state, in);
    enum call_delegation_action action =
        call_delegation_step(m, in, clock_wall_ms(), after_ms, random);
    if (m->state == CALL_DELEGATION_OVER) {
        over(j);
        return;
    }
    bool changed = m->state != before.state || m->restarted_ms != before.restarted_ms;
    if (changed && j->owner->store != NULL) {
        call_delegation_row_save(j);
    }
    arm(j);
    if (action != CALL_DELEGATION_NOTHING) {
        act(j, action);
    }
}

void call_delegation_job_register_metrics(void) {
    metrics_register(&jobs_now);
    metrics_register(&restarts_total);
    metrics_register(&sent_total);
    metrics_register(&late_total);
}
