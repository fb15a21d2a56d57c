/*
 * Comparing what we believe with the rooms: a queue of single rooms, a run over all live rooms, and
 * when each is due.
 *
 *     asked for ---> ready --+
 *        later --(10 s)--^   +--> at most 4 rooms are read at once --> done, or later
 *     run: live rooms -------+
 *
 * While the homeserver is away nothing is read; when it is back a run is due. A run is over when
 * both lists are empty and nothing is being read; then the homeserver is asked to deliver.  Thread:
 * main.
 */
#include "appservice/reconcile.h"

#include "appservice/observer.h"
#include "appservice/reconcile_room.h"
#include "appservice/watch.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "matrix/ids.h"
#include "store/calls.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

#define ROOMS_AT_ONCE 4     /* read at the same time: people use the homeserver too */
#define QUEUE_MAX     10000 /* single rooms that wait */
#define TRIES_MAX     3     /* of a room, then the next run has it */
#define LATER_MS      (10 * SEC_MS)
#define RETRY_RUN_MS  (5 * SEC_MS) /* the database did not say which rooms are live */

METRIC_COUNTER(runs, "parley_reconcile_runs_total", "Runs over all rooms with live calls.");
METRIC_COUNTER(
    overflows, "parley_reconcile_overflows_total", "Rooms not looked at because too many waited.");
#define ROOMS(outcome)                                                                             \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_reconcile_rooms_total", "outcome=\"" outcome "\"",    \
        "Looks at the state of one room by how they ended.")
static struct metric rooms[AS_ROOM_OUTCOMES] = {
    [AS_ROOM_READ] = ROOMS("read"),
    [AS_ROOM_SKIPPED] = ROOMS("skipped"),
    [AS_ROOM_SILENT] = ROOMS("silent"),
    [AS_ROOM_FAILED] = ROOMS("failed"),
};

enum place { READY, LATER, READING };

/* A room that somebody wants looked at. */
struct room {
    UT_hash_handle hh;
    struct room *prev, *next; /* in `ready` or `later` */
    struct as_reconcile *owner;
    char *room_id;
    enum place place;
    bool again; /* asked for while it was being read */
    int tries;
    int64_t due_us;
    struct as_room_read *read;
};

/* A question to the database; it may outlive us. */
struct question {
    struct as_reconcile *owner; /* NULL: nobody waits any more */
};

struct as_reconcile {
    struct as_room_read_config room_cfg;
    struct store *store;
    char *sender;
    struct as_watch *watch;
    struct room *known; /* by id */
    struct room *ready, *later;
    size_t n_reading;
    struct arena run_arena; /* the ids of the run under way */
    const char **run_rooms;
    size_t run_n, run_next;
    bool running;
    int64_t run_began_us;
    bool run_due;
    struct question *question;
    int64_t interval_ms;
    uv_timer_t interval;
    uv_timer_t retry; /* the head of `later`, or a run that could not begin */
    int open_timers;
    void (*first_done)(void *arg);
    void *first_arg;
};

static void pump(struct as_reconcile *r);
static void run_begin(struct as_reconcile *r);

/* --- single rooms --- */

static void room_destroy(struct room *room) {
    HASH_DEL(room->owner->known, room);
    mem_free(room->room_id);
    mem_free(room);
}

static struct room *room_find(struct as_reconcile *r, const char *room_id) {
    struct room *room = NULL;
    HASH_FIND_STR(r->known, room_id, room);
    return room;
}

static struct room *room_create(struct as_reconcile *r, const char *room_id) {
    struct room *room = mem_zalloc(sizeof *room);
    char *id = mem_strdup(room_id);
    if (room != NULL && id != NULL) {
        room->owner = r;
        room->room_id = id;
        HASH_ADD_KEYPTR(hh, r->known, id, strlen(id), room);
        if (room->hh.tbl != NULL) {
            DL_APPEND(r->ready, room);
            return room;
        }
    }
    mem_free(room);
    mem_free(id);
    return NULL;
}

static void to_ready(struct room *room) {
    if (room->place == LATER) {
        DL_DELETE(room->owner->later, room);
    }
    room->place = READY;
    DL_APPEND(room->owner->ready, room);
}

static void on_retry(uv_timer_t *timer) {
    struct as_reconcile *r = timer->data;
    while (r->later != NULL && r->later->due_us <= clock_mono_us()) {
        to_ready(r->later);
    }
    if (r->run_due) {
        run_begin(r);
    }
    pump(r);
}

static void retry_in(struct as_reconcile *r, int64_t ms) {
    if (!uv_is_active((uv_handle_t *)&r->retry)) {
        int failed = uv_timer_start(&r->retry, on_retry, (uint64_t)ms, 0);
        assert(failed == 0);
        (void)failed;
    }
}

static void to_later(struct room *room) {
    room->place = LATER;
    room->due_us = clock_mono_us() + LATER_MS * 1000;
    DL_APPEND(room->owner->later, room);
}

static void on_room_done(void *arg, enum as_room_outcome outcome) {
    struct room *room = arg;
    struct as_reconcile *r = room->owner;
    room->read = NULL;
    r->n_reading--;
    metric_add(&rooms[outcome], 1);
    bool failed = outcome == AS_ROOM_SILENT || outcome == AS_ROOM_FAILED;
    room->tries = failed ? room->tries + 1 : 0;
    if (failed && room->tries < TRIES_MAX) {
        to_later(room);
    } else if (room->again) {
        to_ready(room);
    } else {
        room_destroy(room);
    }
    if (outcome == AS_ROOM_SILENT) {
        as_watch_look(r->watch);
    }
    pump(r);
}

static void room_start(struct room *room) {
    struct as_reconcile *r = room->owner;
    DL_DELETE(r->ready, room);
    room->place = READING;
    room->again = false;
    r->n_reading++;
    if (as_room_read_start(&r->room_cfg, room->room_id, on_room_done, room, &room->read) != OK) {
        LOG_WARN(&log_root, "room_not_read", "room=%s reason=%s", LOG_Q(room->room_id),
            LOG_Q(err_text()));
        metric_add(&rooms[AS_ROOM_FAILED], 1);
        r->n_reading--;
        room_destroy(room);
    }
}

/* --- runs --- */

static void first_finish(struct as_reconcile *r) {
    void (*done)(void *arg) = STEAL(r->first_done);
    if (done != NULL) {
        done(r->first_arg);
    }
}

static void on_pinged(void *arg) {
    first_finish(arg);
}

static void run_forget(struct as_reconcile *r) {
    arena_finish(&r->run_arena);
    arena_init(&r->run_arena);
    r->run_rooms = NULL;
    r->run_n = 0;
    r->run_next = 0;
    r->running = false;
}

static void run_end(struct as_reconcile *r) {
    LOG_INFO(&log_root, "rooms_reconciled", "rooms=%zu ms=%lld", r->run_n,
        (long long)((clock_mono_us() - r->run_began_us) / 1000));
    metric_add(&runs, 1);
    run_forget(r);
    as_watch_ping(r->watch, on_pinged, r);
}

/* The next room of the run that nobody else asked for joins the queue. */
static void run_feed(struct as_reconcile *r) {
    while (r->ready == NULL && r->run_next < r->run_n) {
        const char *room_id = r->run_rooms[r->run_next++];
        if (room_find(r, room_id) == NULL && mx_room_id_valid(room_id)) {
            (void)room_create(r, room_id);
        }
    }
}

/* Keeps ROOMS_AT_ONCE rooms under way. */
static void pump(struct as_reconcile *r) {
    if (!as_watch_up(r->watch)) {
        return;
    }
    run_feed(r);
    while (r->ready != NULL && r->n_reading < ROOMS_AT_ONCE) {
        room_start(r->ready);
        run_feed(r);
    }
    if (r->later != NULL) {
        int64_t wait_us = r->later->due_us - clock_mono_us();
        retry_in(r, wait_us > 0 ? wait_us / 1000 + 1 : 1);
    }
    if (r->ready == NULL && r->n_reading == 0) {
        if (r->running) {
            run_end(r);
        }
        if (r->run_due) {
            run_begin(r);
        }
    }
}

static struct as_reconcile *question_end(void *arg) {
    struct question *q = arg;
    struct as_reconcile *r = q->owner;
    if (r != NULL) {
        r->question = NULL;
    }
    mem_free(q);
    return r;
}

static struct question *question_begin(struct as_reconcile *r) {
    struct question *q = mem_zalloc(sizeof *q);
    if (q != NULL) {
        q->owner = r;
        r->question = q;
    }
    return q;
}

static void on_live_rooms(void *arg, enum err e, const char *const *room_ids, size_t n) {
    struct as_reconcile *r = question_end(arg);
    if (r == NULL) {
        return;
    }
    if (e == OK) {
        r->run_rooms = arena_array(&r->run_arena, n, sizeof *r->run_rooms);
        for (size_t i = 0; r->run_rooms != NULL && i < n; i++) {
            r->run_rooms[i] = arena_strdup(&r->run_arena, room_ids[i]);
        }
        e = r->run_arena.failed ? err_set(ERR_NOMEM, "no memory for the ids of %zu rooms", n) : OK;
    }
    if (e != OK) {
        LOG_WARN(&log_root, "run_postponed", "reason=%s", LOG_Q(err_text()));
        run_forget(r);
        r->run_due = true;
        retry_in(r, RETRY_RUN_MS);
        return;
    }
    r->run_n = n;
    r->running = true;
    r->run_began_us = clock_mono_us();
    pump(r);
}

/* Begins a run, or notes that one is due. */
static void run_begin(struct as_reconcile *r) {
    r->run_due = true;
    if (r->running || r->question != NULL || !as_watch_up(r->watch)) {
        return;
    }
    struct question *q = question_begin(r);
    if (q != NULL && store_calls_live_rooms(r->store, on_live_rooms, q) == OK) {
        r->run_due = false;
        return;
    }
    if (q != NULL) {
        (void)question_end(q);
    }
    retry_in(r, RETRY_RUN_MS);
}

/* --- when --- */

static void on_claimed(void *arg, enum err e, bool claimed) {
    struct as_reconcile *r = question_end(arg);
    if (r == NULL) {
        return;
    }
    if (e != OK) {
        LOG_WARN(&log_root, "run_postponed", "reason=%s", LOG_Q(err_text()));
    }
    if ((e == OK && claimed) || r->run_due) {
        run_begin(r);
    }
}

/* The nodes share one claim. A little less than the interval, or the timer's own slowness would
 * skip every second turn. */
static void on_interval(uv_timer_t *timer) {
    struct as_reconcile *r = timer->data;
    if (r->question != NULL || r->running || !as_watch_up(r->watch)) {
        return;
    }
    struct question *q = question_begin(r);
    if (q != NULL && store_calls_claim_reconcile(r->store, clock_wall_ms(),
                         r->interval_ms - r->interval_ms / 10, on_claimed, q) != OK) {
        (void)question_end(q);
    }
}

static void on_watch_changed(void *arg, bool up) {
    struct as_reconcile *r = arg;
    if (up) {
        run_begin(r);
        pump(r);
        return;
    }
    if (r->running) {
        run_forget(r);
    }
    first_finish(r);
}

/* --- the door --- */

void as_reconcile_room(struct as_reconcile *r, const char *room_id) {
    struct room *room = room_find(r, room_id);
    if (room != NULL) {
        if (room->place == READING) {
            room->again = true;
        } else if (room->place == LATER) {
            to_ready(room);
        }
    } else if (!mx_room_id_valid(room_id)) {
        return;
    } else if (HASH_COUNT(r->known) >= QUEUE_MAX || room_create(r, room_id) == NULL) {
        metric_add(&overflows, 1);
        r->run_due = true;
    }
    pump(r);
}

void as_reconcile_start(struct as_reconcile *r, void (*first_done)(void *arg), void *arg) {
    r->first_done = first_done;
    r->first_arg = arg;
    as_watch_start(r->watch);
}

void as_reconcile_database_back(struct as_reconcile *r) {
    if (r->run_due) {
        run_begin(r); /* which pings when it is over */
    } else if (as_watch_up(r->watch)) {
        as_watch_ping(r->watch, NULL, NULL);
    }
}

bool as_reconcile_homeserver_up(const struct as_reconcile *r) {
    return as_watch_up(r->watch);
}

void as_reconcile_set_interval(struct as_reconcile *r, int64_t interval_ms) {
    r->interval_ms = interval_ms;
    uv_timer_stop(&r->interval);
    if (interval_ms > 0) {
        int failed =
            uv_timer_start(&r->interval, on_interval, (uint64_t)interval_ms, (uint64_t)interval_ms);
        assert(failed == 0);
        (void)failed;
    }
}

/* --- life --- */

static void timers_open(uv_loop_t *loop, struct as_reconcile *r) {
    uv_timer_t *timers[] = { &r->interval, &r->retry };
    for (size_t i = 0; i < COUNT_OF(timers); i++) {
        int failed = uv_timer_init(loop, timers[i]);
        assert(failed == 0);
        (void)failed;
        timers[i]->data = r;
        r->open_timers++;
    }
}

static void on_timer_closed(uv_handle_t *h) {
    struct as_reconcile *r = h->data;
    r->open_timers--;
    if (r->open_timers == 0) {
        mem_free(r->sender);
        mem_free(r);
    }
}

enum err as_reconcile_create(
    uv_loop_t *loop, const struct as_reconcile_config *cfg, struct as_reconcile **ret) {
    struct as_reconcile *r = mem_zalloc(sizeof *r);
    if (r == NULL || (r->sender = mem_strdup(cfg->sender)) == NULL) {
        mem_free(r);
        return err_set(ERR_NOMEM, "no memory to reconcile");
    }
    r->room_cfg = (struct as_room_read_config){ .observer = cfg->observer,
        .client = cfg->client,
        .calls = cfg->calls,
        .sender = r->sender,
        .masquerade = cfg->masquerade };
    r->store = cfg->store;
    arena_init(&r->run_arena);
    timers_open(loop, r);
    const struct as_watch_config watch = { .client = cfg->client,
        .appservice_id = cfg->appservice_id,
        .sender = cfg->sender,
        .changed = on_watch_changed,
        .arg = r };
    enum err e = as_watch_create(loop, &watch, &r->watch);
    if (e != OK) {
        as_reconcile_destroy(r);
        return e;
    }
    metrics_register(&runs);
    for (size_t i = 0; i < AS_ROOM_OUTCOMES; i++) {
        metrics_register(&rooms[i]);
    }
    metrics_register(&overflows);
    as_reconcile_set_interval(r, cfg->interval_ms);
    *ret = r;
    return OK;
}

void as_reconcile_destroy(struct as_reconcile *r) {
    if (r == NULL) {
        return;
    }
    struct room *room = NULL;
    struct room *next = NULL;
    HASH_ITER (hh, r->known, room, next) {
        if (room->read != NULL) {
            as_room_read_abandon(room->read);
        }
        room_destroy(room);
    }
    if (r->question != NULL) {
        r->question->owner = NULL;
    }
    as_watch_destroy(r->watch);
    arena_finish(&r->run_arena);
    uv_close((uv_handle_t *)&r->interval, on_timer_closed);
    uv_close((uv_handle_t *)&r->retry, on_timer_closed);
}
