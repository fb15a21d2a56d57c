/* The clock of retention, and the way to the thread pool and back. */
#include "store/retention.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "store/retention_run.h"

#include <inttypes.h>
#include <stdio.h>

#define FIRST_MS (3 * MIN_MS) /* a start has enough to do; a crash loop need not purge */

#define DELETED(table)                                                                             \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_retention_rows_deleted_total", "table=\"" table "\"", \
        "Rows that retention deleted because of their age.")
enum { CALLS, EVENTS, TXNS, EVENT_IDS, TABLES };
static struct metric deleted[TABLES] = {
    [CALLS] = DELETED("call_sessions"),
    [EVENTS] = DELETED("call_events"),
    [TXNS] = DELETED("appservice_txns"),
    [EVENT_IDS] = DELETED("appservice_events"),
};
METRIC_COUNTER(failed, "parley_retention_failed_total", "Runs of retention that failed.");
METRIC_GAUGE(last_run, "parley_retention_last_run_timestamp_seconds",
    "When this node last completed a run of retention, or found that another node had; 0 = not "
    "yet.");

struct store_retention {
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_work_t work;
    struct store_retention_ages ages;
    struct arena arena; /* url, key_file */
    const char *url;
    const char *key_file;
    struct store_retention_run run; /* the thread pool's while busy */
    int64_t began_us;
    atomic_bool stop;
    bool busy;
    bool ended;  /* destroyed: free when nothing is under way */
    bool closed; /* the timer is gone */
    /* What the run found; the thread pool writes it, main reads it afterwards. */
    enum err result;
    char text[512];
};

static void on_timer(uv_timer_t *t);

static void arm(struct store_retention *r, int64_t in_ms) {
    uv_timer_start(&r->timer, on_timer, (uint64_t)in_ms, 0);
}

static void free_when_over(struct store_retention *r) {
    if (r->ended && !r->busy && r->closed) {
        arena_finish(&r->arena);
        mem_free(r);
    }
}

static void tell(const struct store_retention *r) {
    const struct store_retention_run *run = &r->run;
    metric_add(&deleted[CALLS], run->calls);
    metric_add(&deleted[EVENTS], run->audit_rows);
    metric_add(&deleted[TXNS], run->txns);
    metric_add(&deleted[EVENT_IDS], run->event_ids);
    if (run->calls + run->audit_rows + run->txns + run->event_ids > 0) {
        LOG_INFO(&log_root, "retention_ran",
            "calls=%" PRId64 " chains=%" PRId64 " audit_rows=%" PRId64 " txns=%" PRId64
            " event_ids=%" PRId64 " ms=%" PRId64,
            run->calls, run->chains, run->audit_rows, run->txns, run->event_ids,
            (clock_mono_us() - r->began_us) / 1000);
    }
    if (r->result == OK) {
        metric_set(&last_run, clock_wall_ms() / SEC_MS);
    } else {
        metric_add(&failed, 1);
        LOG_ERROR(&log_root, "retention_failed", "cause=%s reason=%s next_ms=%" PRId64,
            err_name(r->result), LOG_Q(r->text), r->ages.interval_ms);
    }
}

static void run_over(uv_work_t *w, int status) {
    (void)status; /* we never cancel */
    struct store_retention *r = w->data;
    r->busy = false;
    tell(r);
    if (r->ended) {
        free_when_over(r);
        return;
    }
    arm(r, r->ages.interval_ms);
}

/* On the thread pool. */
static void run_once(uv_work_t *w) {
    struct store_retention *r = w->data;
    r->result = store_retention_run(&r->run);
    /* The sentence belongs to this thread. */
    snprintf(r->text, sizeof(r->text), "%s", r->result == OK ? "" : err_text());
}

static void on_timer(uv_timer_t *t) {
    struct store_retention *r = t->data;
    r->run = (struct store_retention_run){ .url = r->url,
        .key_file = r->key_file,
        .ages = r->ages,
        .now_ms = clock_wall_ms(),
        .stop = &r->stop };
    r->began_us = clock_mono_us();
    r->busy = uv_queue_work(r->loop, &r->work, run_once, run_over) == 0;
    if (!r->busy) {
        arm(r, r->ages.interval_ms);
    }
}

enum err store_retention_create(uv_loop_t *loop, const char *url, const char *key_file,
    const struct store_retention_ages *ages, struct store_retention **ret) {
    struct store_retention *r = mem_zalloc(sizeof(*r));
    if (r == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    r->loop = loop;
    r->ages = *ages;
    r->work.data = r;
    arena_init(&r->arena);
    r->url = arena_strdup(&r->arena, url);
    r->key_file = arena_strdup(&r->arena, key_file);
    if (r->arena.failed) {
        arena_finish(&r->arena);
        mem_free(r);
        return err_set(ERR_NOMEM, "out of memory");
    }
    for (int i = 0; i < TABLES; i++) {
        metrics_register(&deleted[i]);
    }
    metrics_register(&failed);
    metrics_register(&last_run);
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    *ret = r;
    return OK;
}

void store_retention_start(struct store_retention *r) {
    arm(r, r->ages.interval_ms < FIRST_MS ? r->ages.interval_ms : FIRST_MS);
}

void store_retention_set(struct store_retention *r, const struct store_retention_ages *ages) {
    bool sooner = ages->interval_ms < r->ages.interval_ms;
    r->ages = *ages;
    if (sooner && !r->busy) {
        store_retention_start(r);
    }
}

static void timer_closed(uv_handle_t *h) {
    struct store_retention *r = h->data;
    r->closed = true;
    free_when_over(r);
}

void store_retention_destroy(struct store_retention *r) {
    if (r != NULL) {
        r->ended = true;
        atomic_store(&r->stop, true);
        uv_close((uv_handle_t *)&r->timer, timer_closed);
    }
}
