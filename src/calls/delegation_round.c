/*
 * Looking for clients in the SFU, for webhooks that do not arrive. A walk begins every few seconds,
 * asks each room that is due once, a few at a time, and is over before the next one begins.
 *
 *     not seen yet     every 15 s
 *     in the SFU       every rtc.sanity_check_interval
 *     lost from sight  with every walk: it may have come back
 *
 * All who are due at all are so at the same moments, so that a room is asked once for them all.
 */
#include "calls/delegation_job.h"

#include "core/clock.h"
#include "core/log.h"

#include <stdlib.h>
#include <string.h>

#define WALK_MS    5000
#define WAITING_US (15 * SEC_US)

struct call_delegation_name {
    const char *alias;
    const char *identity;
};

/* --- who is due --- */

static int64_t interval_of(const struct call_delegation_job *j) {
    switch (j->machine.state) {
    case CALL_DELEGATION_WAITING:
        return WAITING_US;
    case CALL_DELEGATION_CONNECTED:
        return j->owner->check_every_us;
    case CALL_DELEGATION_DEPARTING:
        return 1;
    default:
        return 0;
    }
}

/* A moment of its interval has come since the walk before. */
static bool is_due(const struct call_delegation_job *j, int64_t before_us, int64_t now_us) {
    int64_t interval = interval_of(j);
    return interval > 0 && before_us / interval != now_us / interval;
}

static int by_room(const void *a, const void *b) {
    const struct call_delegation_name *x = a;
    const struct call_delegation_name *y = b;
    return strcmp(x->alias, y->alias);
}

static void list_names(struct call_delegations *d, int64_t before_us) {
    struct call_delegation_round *r = &d->round;
    arena_init(&r->arena);
    r->n = r->next = 0;
    r->names = arena_array(&r->arena, HASH_COUNT(d->jobs), sizeof(*r->names));
    for (const struct call_delegation_job *j = d->jobs; r->names != NULL && j != NULL;
         j = j->hh.next) {
        if (is_due(j, before_us, r->ticked_us)) {
            r->names[r->n++] =
                (struct call_delegation_name){ arena_strdup(&r->arena, j->what.alias),
                    arena_strdup(&r->arena, j->what.identity) };
        }
    }
    if (r->arena.failed) {
        r->n = 0; /* the next walk looks for them */
    }
    if (r->n > 0) {
        qsort(r->names, r->n, sizeof(*r->names), by_room);
    }
}

/* --- asking --- */

/* The names of one room, from the first that was not asked for. */
static size_t room_at(const struct call_delegation_round *r) {
    size_t n = 1;
    while (
        r->next + n < r->n && strcmp(r->names[r->next].alias, r->names[r->next + n].alias) == 0) {
        n++;
    }
    return n;
}

static void ask_next(struct call_delegations *d, size_t slot) {
    struct call_delegation_round *r = &d->round;
    while (r->lists[slot].ticket == 0 && r->next < r->n) {
        const char *alias = r->names[r->next].alias;
        r->lists[slot].ticket = ++r->last_ticket;
        r->lists[slot].from = r->next;
        r->lists[slot].n = room_at(r);
        r->lists[slot].asked_us = clock_mono_us();
        r->next += r->lists[slot].n;
        if (d->ports.list(d->ports.arg, r->last_ticket, alias) != OK) {
            LOG_DEBUG(&log_root, "sfu_not_asked", "text=%s", LOG_Q(err_text()));
            r->lists[slot].ticket = 0;
        }
    }
}

static bool is_busy(const struct call_delegation_round *r) {
    bool busy = r->next < r->n;
    for (size_t i = 0; i < CALL_DELEGATIONS_LISTS_MOST; i++) {
        busy = busy || r->lists[i].ticket != 0;
    }
    return busy;
}

void call_delegation_round_walk(struct call_delegations *d) {
    struct call_delegation_round *r = &d->round;
    int64_t before_us = r->ticked_us;
    if (is_busy(r)) {
        return;
    }
    r->ticked_us = clock_mono_us();
    arena_finish(&r->arena);
    list_names(d, before_us);
    for (size_t i = 0; i < CALL_DELEGATIONS_LISTS_MOST; i++) {
        ask_next(d, i);
    }
}

static void on_walk(uv_timer_t *t) {
    call_delegation_round_walk(t->data);
}

/* --- the answer --- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whoever was heard of since the question is not what the answer speaks of. */
static void tell(struct call_delegations *d, const struct call_delegation_name *name,
    int64_t asked_us, bool there) {
    struct call_delegation_job *j = call_delegations_find(d, name->alias, name->identity);
    if (j != NULL && j->heard_us < asked_us) {
        call_delegation_job_step(j, there ? CALL_DELEGATION_FOUND : CALL_DELEGATION_MISSING, 0);
    }
}

static void tell_room(
    struct call_delegations *d, size_t slot, const struct call_delegations_people *people) {
    struct call_delegation_round *r = &d->round;
    const char **sorted = arena_array(&r->arena, people->n, sizeof(*sorted));
    if (sorted == NULL) {
        return;
    }
    if (people->n > 0) {
        memcpy(sorted, people->identities, people->n * sizeof(*sorted));
        qsort(sorted, people->n, sizeof(*sorted), by_text);
    }
    for (size_t i = 0; i < r->lists[slot].n; i++) {
        const struct call_delegation_name *name = &r->names[r->lists[slot].from + i];
        bool there = people->n > 0 &&
                     bsearch(&name->identity, sorted, people->n, sizeof(*sorted), by_text) != NULL;
        tell(d, name, r->lists[slot].asked_us, there);
    }
}

void call_delegations_listed(
    struct call_delegations *d, uint64_t ticket, const struct call_delegations_people *people) {
    struct call_delegation_round *r = &d->round;
    for (size_t i = 0; i < CALL_DELEGATIONS_LISTS_MOST; i++) {
        if (r->lists[i].ticket == ticket) {
            if (people != NULL) {
                tell_room(d, i, people);
            }
            r->lists[i].ticket = 0;
            ask_next(d, i);
            return;
        }
    }
}

/* --- life --- */

void call_delegation_round_begin(struct call_delegations *d) {
    arena_init(&d->round.arena);
    uv_timer_init(d->loop, &d->round.timer);
    d->round.timer.data = d;
    d->round.ticked_us = clock_mono_us();
    if (d->ports.list != NULL) {
        uv_timer_start(&d->round.timer, on_walk, WALK_MS, WALK_MS);
    }
}

static void timer_closed(uv_handle_t *h) {
    struct call_delegations *d = h->data;
    arena_finish(&d->round.arena);
    call_delegations_unref(d);
}

void call_delegation_round_end(struct call_delegations *d) {
    uv_close((uv_handle_t *)&d->round.timer, timer_closed);
}
