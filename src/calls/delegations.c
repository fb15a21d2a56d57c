/* All delegated delayed leaves of this node. */
#include "calls/delegations.h"

#include "calls/delegation_job.h"
#include "core/clock.h"
#include "core/mem.h"

#include <string.h>

#define HOLD_EVERY_MS (10 * SEC_MS)

/* --- asking --- */

static enum err check_room_for(const struct call_delegations *d, const char *user_id) {
    size_t of_user = 0;
    for (const struct call_delegation_job *j = d->jobs; j != NULL; j = j->hh.next) {
        of_user += strcmp(j->what.user_id, user_id) == 0;
    }
    if (HASH_COUNT(d->jobs) >= CALL_DELEGATIONS_MOST || of_user >= CALL_DELEGATIONS_USER_MOST) {
        return err_set(ERR_LIMIT, "too many delegated leaves");
    }
    return OK;
}

/* Takes the caller's hold on the job. */
static void accepted(struct call_delegation_job *j, enum err e) {
    call_delegations_done *done = j->done;
    void *done_arg = j->done_arg;
    if (e == OK && !j->owner->destroyed) {
        e = call_delegation_job_enter(j);
        if (e == OK) {
            call_delegation_job_step(j, CALL_DELEGATION_ACCEPTED, 0);
        }
    } else {
        call_delegation_job_drop(j);
    }
    done(done_arg, e);
}

enum err call_delegations_add(struct call_delegations *d, const struct call_delegated *what,
    call_delegations_done *done, void *arg) {
    TRY(check_room_for(d, what->user_id));
    if (strlen(what->alias) + strlen(what->identity) + 2 > CALL_DELEGATION_KEY_SIZE) {
        return err_set(ERR_TOO_LARGE, "no participant of the SFU has such a long name");
    }
    struct call_delegation_job *j = call_delegation_job_create(d, what);
    if (j == NULL) {
        return err_set(ERR_NOMEM, "no memory for a delegated leave");
    }
    j->done = done;
    j->done_arg = arg;
    j->created_ms = clock_wall_ms();
    j->machine = (struct call_delegation){
        .state = CALL_DELEGATION_WAITING, .delay_ms = what->delay_ms, .restarted_ms = j->created_ms
    };
    if (d->store == NULL) {
        accepted(j, OK);
        return OK;
    }
    enum err e = call_delegation_row_add(j, accepted);
    if (e != OK) {
        call_delegation_job_drop(j);
    }
    return e;
}

/* --- what others say --- */

void call_delegations_tell(struct call_delegations *d, const char *alias, const char *identity,
    enum call_delegation_input in) {
    struct call_delegation_job *j = call_delegations_find(d, alias, identity);
    if (j != NULL) {
        call_delegation_job_step(j, in, 0);
    } else if (d->store != NULL) {
        call_delegation_row_take(d, alias, identity, in);
    }
}

void call_delegations_answer(
    struct call_delegations *d, uint64_t ticket, enum call_delegation_input in, int64_t after_ms) {
    struct call_delegation_job *j = NULL;
    HASH_FIND(by_ticket, d->tickets, &ticket, sizeof(ticket), j);
    if (j != NULL) {
        call_delegation_job_forget_action(j);
        call_delegation_job_step(j, in, after_ms);
    }
}

/* --- life --- */

static void on_hold(uv_timer_t *t) {
    call_delegation_rows_hold(t->data);
}

void call_delegations_start(struct call_delegations *d) {
    if (d->store != NULL && !uv_is_active((uv_handle_t *)&d->hold_timer)) {
        uv_timer_start(&d->hold_timer, on_hold, 0, HOLD_EVERY_MS);
    }
}

static void hold_timer_closed(uv_handle_t *h) {
    call_delegations_unref(h->data);
}

enum err call_delegations_create(
    uv_loop_t *loop, const struct call_delegations_config *cfg, struct call_delegations **ret) {
    struct call_delegations *d = mem_zalloc(sizeof(*d));
    char *node = mem_strdup(cfg->node);
    if (d == NULL || node == NULL) {
        mem_free(d);
        mem_free(node);
        return err_set(ERR_NOMEM, "no memory for the delegated leaves");
    }
    *d = (struct call_delegations){ .loop = loop,
        .store = cfg->store,
        .node = node,
        .ports = cfg->ports,
        .check_every_us = cfg->check_every_us,
        .refs = 3 };
    uv_timer_init(loop, &d->hold_timer);
    d->hold_timer.data = d;
    call_delegation_round_begin(d);
    call_delegation_job_register_metrics();
    *ret = d;
    return OK;
}

void call_delegations_destroy(struct call_delegations *d) {
    if (d == NULL) {
        return;
    }
    d->destroyed = true;
    struct call_delegation_job *j = NULL;
    struct call_delegation_job *next = NULL;
    HASH_ITER (hh, d->jobs, j, next) {
        call_delegation_job_drop(j);
    }
    uv_close((uv_handle_t *)&d->hold_timer, hold_timer_closed);
    call_delegation_round_end(d);
    call_delegations_unref(d);
}

size_t call_delegations_count(const struct call_delegations *d) {
    return HASH_COUNT(d->jobs);
}
