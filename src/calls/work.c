/*
 * The queue of units: one at a time goes to the store, its news to the subscribers, its outcome to
 * who asked.
 *
 * After calls_destroy the store may still hold the unit it was working on. Such a unit belongs to
 * nobody (calls = NULL) and is freed when the store gives it back.  Thread: main.
 */
#include "calls/work.h"

#include "calls/census.h"
#include "calls/deadlines.h"
#include "calls/life_log.h"
#include "calls/machine.h"
#include "calls/queue.h"
#include "calls/rtc.h"
#include "calls/rtc_entry.h"
#include "calls/unit.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"

#include <stdio.h>

METRIC_COUNTER(
    units, "parley_calls_units_total", "Units of work committed, deadline runs included.");
METRIC_COUNTER(
    failures, "parley_calls_unit_failures_total", "Units of work of which nothing was kept.");
METRIC_COUNTER(
    duplicates, "parley_calls_duplicate_inputs_total", "Inputs whose event had been taken before.");
METRIC_GAUGE(queued, "parley_calls_queue_length", "Units of work waiting.");
METRIC_HISTOGRAM(
    unit_time, "parley_calls_unit_seconds", "Time of a unit of work from its turn to its commit.");

#define LABEL_SIZE 40
static struct metric inputs[IN_COUNT];
static char input_labels[IN_COUNT][LABEL_SIZE];

struct subscriber {
    calls_pushed *fn;
    void *arg;
};

struct calls {
    struct calls_config cfg;
    uv_timer_t turn; /* the next turn of the loop: units never begin or fail inside call_work_run */
    struct call_deadlines deadlines;
    struct call_work *first; /* waiting */
    struct call_work **end;
    size_t n_waiting;
    struct call_work *refused; /* over the limit: told so at the next turn */
    struct call_work *running;
    struct subscriber subscribers[CALLS_SUBSCRIBERS_MAX];
    size_t n_subscribers;
    calls_told_left *left; /* NULL = nobody listens */
    void *left_arg;
    calls_left_news *news; /* NULL = nobody listens */
    void *news_arg;
    calls_told_ended *ended; /* likewise */
    void *ended_arg;
    int holders; /* what calls_release counts down */
    bool closing;
};

/* --- metrics --- */

static void register_inputs(void) {
    for (int t = 0; t < IN_COUNT; t++) {
        if (inputs[t].name == NULL) {
            snprintf(input_labels[t], LABEL_SIZE, "type=\"%s\"",
                call_input_name((enum call_input_type)t));
            inputs[t] = (struct metric)METRIC_INIT(METRIC_KIND_COUNTER, "parley_calls_inputs_total",
                input_labels[t], "Inputs committed, by type, duplicates included.");
        }
        metrics_register(&inputs[t]);
    }
}

static void register_metrics(void) {
    metrics_register(&units);
    metrics_register(&failures);
    metrics_register(&duplicates);
    metrics_register(&queued);
    metrics_register(&unit_time);
    register_inputs();
    call_census_register_metrics();
    call_machine_register_metrics();
    call_rtc_register_metrics();
}

static void count_unit(const struct call_work *w, enum err e) {
    metric_observe_us(&unit_time, clock_mono_us() - w->begun_us);
    metric_add(e == OK ? &units : &failures, 1);
    metric_add(&duplicates, (int64_t)w->report.duplicates);
    for (size_t i = 0; e == OK && !w->report.txn_known && i < w->n_inputs; i++) {
        metric_add(&inputs[w->inputs[i]->type], 1);
    }
}

/* --- the end of a unit --- */

static void call_next_turn(struct calls *c);

static void tell_subscribers(const struct calls *c, const struct call_work *w) {
    for (size_t i = 0; i < w->batch.n_pushes; i++) {
        for (size_t s = 0; s < c->n_subscribers; s++) {
            c->subscribers[s].fn(c->subscribers[s].arg, &w->batch.pushes[i]);
        }
    }
}

static void tell_leaves(const struct calls *c, const struct call_work *w) {
    for (size_t i = 0; c->left != NULL && !w->report.txn_known && i < w->n_inputs; i++) {
        const struct call_input *in = w->inputs[i];
        if (in->type == IN_USER_LEFT && !in->ignored) {
            c->left(c->left_arg, &(struct call_left){ .room_id = in->room_id,
                                     .user_id = in->room.user_id,
                                     .membership = in->room.membership,
                                     .actor = in->room.kicked ? in->sender : NULL,
                                     .kicked = in->room.kicked,
                                     .at_ms = in->sent_ms });
        }
    }
}

static void tell_news(const struct calls *c, const struct call_work *w) {
    if (c->news != NULL && !w->report.txn_known && w->changes.n_news > 0) {
        c->news(c->news_arg);
    }
}

static void tell_ended(const struct calls *c, const struct call_work *w) {
    const struct call_session *s = c->ended == NULL ? NULL : w->batch.sessions;
    for (; s != NULL; s = s->next) {
        const struct call_member *m = call_rtc_is_rtc(s) && !s->row.historic ? s->members : NULL;
        for (; m != NULL; m = m->next) {
            if (m->changed && m->row.left_at != 0) {
                c->ended(c->ended_arg, s->row.room_id, m->row.user_id);
            }
        }
    }
}

static void tell_outcome(struct call_work *w, enum err e) {
    if (w->done != NULL) {
        w->done(w->arg, e, &w->report);
    }
}

/* Takes w. */
static void finish(struct call_work *w, enum err e, size_t found) {
    struct calls *c = w->calls;
    c->running = NULL;
    count_unit(w, e);
    if (e == OK) {
        call_census_count(&w->batch);
        tell_subscribers(c, w);
        tell_leaves(c, w);
        tell_news(c, w);
        tell_ended(c, w);
        call_deadlines_note(&c->deadlines, call_unit_due(w));
    }
    if (w->deadlines) {
        call_deadlines_ran(&c->deadlines, e, found);
    }
    tell_outcome(w, e);
    call_work_destroy(w);
    call_next_turn(c);
}

/* --- the conversation with the store --- */

static void on_committed(void *arg, enum err e) {
    struct call_work *w = arg;
    if (w->calls == NULL) {
        call_work_destroy(w);
        return;
    }
    finish(w, e, w->changes.n_calls);
}

static void on_opened(
    void *arg, enum err e, struct store_work *open, const struct store_snapshot *snapshot) {
    struct call_work *w = arg;
    struct calls *c = w->calls;
    if (e == OK && c != NULL && !snapshot->txn_known) {
        e = call_unit_apply(w, snapshot);
        if (e == OK && call_unit_writes(w)) {
            store_calls_commit(open, c->cfg.key, &w->changes, on_committed, w);
            return;
        }
    }
    w->report.txn_known = e == OK && snapshot->txn_known;
    if (open != NULL) {
        store_calls_abort(open);
    }
    if (c == NULL) {
        call_work_destroy(w);
        return;
    }
    finish(w, e, 0);
}

static enum err open_unit(struct calls *c, struct call_work *w) {
    if (w->deadlines) {
        w->batch.now_ms = clock_wall_ms();
        return store_calls_open_due(
            c->cfg.store, &w->arena, w->batch.now_ms, CALLS_DUE_ROOMS_MAX, on_opened, w);
    }
    TRY(call_unit_look(w));
    return store_calls_open(c->cfg.store, &w->arena, &w->scope, on_opened, w);
}

/* --- the queue --- */

static void refuse_all(struct calls *c) {
    while (c->refused != NULL) {
        struct call_work *w = c->refused;
        c->refused = w->next;
        metric_add(&failures, 1);
        tell_outcome(
            w, err_set(ERR_LIMIT, "%d units of work are waiting already", CALLS_QUEUE_MAX));
        call_work_destroy(w);
    }
}

static struct call_work *take_first(struct calls *c) {
    struct call_work *w = c->first;
    c->first = w->next;
    if (c->first == NULL) {
        c->end = &c->first;
    }
    c->n_waiting--;
    metric_set(&queued, (int64_t)c->n_waiting);
    return w;
}

static void on_turn(uv_timer_t *turn) {
    struct calls *c = turn->data;
    refuse_all(c);
    if (c->closing || c->running != NULL || c->first == NULL) {
        return;
    }
    struct call_work *w = take_first(c);
    w->begun_us = clock_mono_us();
    c->running = w;
    enum err e = open_unit(c, w);
    if (e != OK) {
        finish(w, e, 0);
    }
}

static void call_next_turn(struct calls *c) {
    if (!c->closing) {
        uv_timer_start(&c->turn, on_turn, 0, 0);
    }
}

static void enqueue(struct calls *c, struct call_work *w) {
    w->next = NULL;
    *c->end = w;
    c->end = &w->next;
    c->n_waiting++;
    metric_set(&queued, (int64_t)c->n_waiting);
    call_next_turn(c);
}

enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret) {
    struct call_work *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for a unit of work");
    }
    w->calls = c;
    arena_init(&w->arena);
    call_batch_init(&w->batch, &w->arena, &c->cfg.policy, now_ms);
    *ret = w;
    return OK;
}

void call_work_run(struct call_work *w, call_work_done *done, void *arg) {
    struct calls *c = w->calls;
    w->done = done;
    w->arg = arg;
    if (c->n_waiting >= CALLS_QUEUE_MAX) {
        w->next = c->refused;
        c->refused = w;
        call_next_turn(c);
        return;
    }
    enqueue(c, w);
}

enum err calls_queue_deadlines(struct calls *c) {
    struct call_work *w = NULL;
    TRY(call_work_create(c, 0, &w));
    w->deadlines = true;
    enqueue(c, w);
    return OK;
}

/* --- life --- */

enum err calls_create(uv_loop_t *loop, const struct calls_config *cfg, struct calls **ret) {
    struct calls *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for the calls");
    }
    c->cfg = *cfg;
    c->end = &c->first;
    uv_timer_init(loop, &c->turn);
    c->turn.data = c;
    call_deadlines_init(&c->deadlines, loop, c, cfg->store);
    c->holders = 2;
    register_metrics();
    c->subscribers[c->n_subscribers++] = (struct subscriber){ call_life_log, NULL };
    *ret = c;
    return OK;
}

enum err calls_subscribe(struct calls *c, calls_pushed *fn, void *arg) {
    if (c->n_subscribers == CALLS_SUBSCRIBERS_MAX) {
        return err_set(ERR_LIMIT, "%d subscribers are there already", CALLS_SUBSCRIBERS_MAX);
    }
    c->subscribers[c->n_subscribers++] = (struct subscriber){ fn, arg };
    return OK;
}

void calls_tell_leaves(struct calls *c, calls_told_left *fn, void *arg) {
    c->left = fn;
    c->left_arg = arg;
}

void calls_tell_news(struct calls *c, calls_left_news *fn, void *arg) {
    c->news = fn;
    c->news_arg = arg;
}

void calls_tell_ended(struct calls *c, calls_told_ended *fn, void *arg) {
    c->ended = fn;
    c->ended_arg = arg;
}

bool calls_started(const struct calls *c) {
    return c->deadlines.started;
}

void calls_start_deadlines(struct calls *c) {
    call_deadlines_start(&c->deadlines);
}

void calls_release(struct calls *c) {
    if (--c->holders == 0) {
        mem_free(c);
    }
}

static void turn_closed(uv_handle_t *h) {
    calls_release(h->data);
}

static void deadlines_closed(uv_handle_t *h) {
    const struct call_deadlines *d = h->data;
    calls_release(d->calls);
}

static void give_up(struct calls *c) {
    refuse_all(c);
    if (c->running != NULL) {
        c->running->calls = NULL;
        tell_outcome(c->running, err_set(ERR_GONE, "the service is shutting down"));
        c->running = NULL;
    }
    while (c->first != NULL) {
        struct call_work *w = take_first(c);
        tell_outcome(w, err_set(ERR_GONE, "the service is shutting down"));
        call_work_destroy(w);
    }
}

void calls_destroy(struct calls *c) {
    if (c == NULL) {
        return;
    }
    c->closing = true;
    call_deadlines_stop(&c->deadlines);
    c->holders += c->deadlines.asking;
    give_up(c);
    uv_close((uv_handle_t *)&c->turn, turn_closed);
    uv_close((uv_handle_t *)&c->deadlines.timer, deadlines_closed);
}
