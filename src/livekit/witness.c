/*
 * Notes wait in a list; the first ones become a batch, which is named, then a unit of work.
 *
 *     direct    list → batch → committed
 *     spooling  list → file → batch → committed, until the end of the file was committed: the file
 *               is emptied, and it goes on directly. Meanwhile (`last`) the list waits.
 */
#include "livekit/witness.h"

#include "calls/work.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/metrics.h"
#include "livekit/naming.h"
#include "livekit/note.h"
#include "livekit/overflow.h"

#include <inttypes.h>
#include <string.h>
#include <utlist.h>

METRIC_GAUGE(waiting_notes, "parley_token_audit_waiting",
    "Audit rows of tokens and of the SFU that are in memory and not yet written.");
METRIC_COUNTER(lost_notes, "parley_token_audit_lost_total",
    "Audit rows of tokens and of the SFU that were only counted: the database away too long and no "
    "spool file, or too many refusals.");

#define CLOCK_MS      500 /* how often it is looked whether something waits too long */
#define FILE_AGAIN_US (60 * SEC_US)
#define US_PER_MS     1000

struct lk_witness {
    uv_timer_t soon;  /* the next turn of the loop */
    uv_timer_t clock; /* while something waits */
    struct calls *calls;
    struct lk_participants *participants;
    struct lk_overflow *overflow; /* NULL = none */
    char run[17];                 /* a name of this process, for ids */
    uint64_t last_id;
    struct lk_note *notes; /* in order */
    size_t n;
    struct lk_note *batch; /* before them; of the file while `spooling` */
    size_t n_batch;
    struct lk_naming *naming; /* of the batch, while it is under way */
    bool busy;                /* a batch is being named, or written */
    bool writing;             /* the unit of work is under way */
    bool abandoned;           /* it hangs, and its notes went to the file */
    bool spooling;            /* something may be in the file */
    bool last;                /* the batch goes to the end of the file */
    int64_t lost;             /* for want of room */
    int64_t refused;          /* refusals that were only counted */
    int64_t lost_in_unit, refused_in_unit;
    int64_t since_us;      /* when it last went on */
    int64_t not_before_us; /* the next try */
    int64_t put_again_us;  /* likewise, of the file */
    int64_t again_us;      /* likewise, of one that was left; 0 = it was not */
    int64_t second;        /* which refusals are counted for */
    int refusals;
    bool ended; /* destroyed */
    int closed; /* timers that are gone */
};

static void pump(struct lk_witness *w);

static void on_soon(uv_timer_t *t) {
    pump(t->data);
}

/* Not at once: what comes in the same turn of the loop is one transaction. */
static void pump_soon(struct lk_witness *w) {
    if (!w->ended && !uv_is_active((uv_handle_t *)&w->soon)) {
        uv_timer_start(&w->soon, on_soon, 0, 0);
    }
}

static void free_when_over(struct lk_witness *w) {
    if (w->ended && w->closed == 2 && !w->writing) {
        mem_free(w);
    }
}

static void show_waiting(const struct lk_witness *w) {
    metric_set(&waiting_notes, (int64_t)(w->n + (w->spooling ? 0 : w->n_batch)));
}

/* --- the batch --- */

static void batch_destroy(struct lk_witness *w) {
    lk_naming_end(STEAL(w->naming));
    while (w->batch != NULL) {
        struct lk_note *n = w->batch;
        DL_DELETE(w->batch, n);
        lk_note_destroy(n);
    }
    w->n_batch = 0;
}

/* They are notes like the others again, before them. */
static void batch_return(struct lk_witness *w) {
    lk_naming_end(STEAL(w->naming));
    DL_CONCAT(w->batch, w->notes);
    w->notes = STEAL(w->batch);
    w->n += w->n_batch;
    w->n_batch = 0;
}

/* What is in the file stays there; from now on all goes through it. */
static void begin_spooling(struct lk_witness *w, const char *why) {
    if (!w->spooling) {
        LOG_WARN(&log_root, "audit_spooled", "rows=%zu why=%s", w->n, LOG_Q(why));
    }
    w->spooling = true;
    w->last = false;
    /* First what waits is written down; then it is tried again. */
    w->not_before_us = clock_mono_us() + LK_NOTES_RETRY_MS * US_PER_MS;
}

static void batch_failed(struct lk_witness *w, const char *why) {
    w->busy = false;
    w->not_before_us = clock_mono_us() + LK_NOTES_RETRY_MS * US_PER_MS;
    if (w->spooling) {
        batch_destroy(w);
        lk_overflow_back(w->overflow);
        w->last = false;
    } else {
        batch_return(w);
    }
    if (w->overflow != NULL) {
        begin_spooling(w, why);
    } else {
        LOG_WARN(&log_root, "token_audit_waits", "rows=%zu text=%s", w->n, LOG_Q(why));
    }
    pump_soon(w);
}

/* --- writing --- */

/* It cannot be read or emptied now: another process has it, or the disk fails. What is in it waits;
 * what comes does not. */
static void leave_file(struct lk_witness *w) {
    w->spooling = false;
    w->again_us = clock_mono_us() + FILE_AGAIN_US;
}

static void on_cleared(void *arg, const struct lk_overflow_told *told) {
    struct lk_witness *w = arg;
    w->last = false;
    if (told->e == OK) {
        w->spooling = false;
    } else {
        leave_file(w);
    }
    pump_soon(w);
}

static void batch_written(struct lk_witness *w) {
    batch_destroy(w);
    w->since_us = clock_mono_us();
    if (w->spooling && w->last) {
        lk_overflow_clear(w->overflow, on_cleared, w);
    }
    pump(w);
}

static void counted(struct lk_witness *w, enum err e) {
    w->lost -= e == OK ? w->lost_in_unit : 0;
    w->refused -= e == OK ? w->refused_in_unit : 0;
}

static void on_written(void *arg, enum err e, const struct call_work_report *report) {
    struct lk_witness *w = arg;
    (void)report;
    w->writing = false;
    if (w->ended) {
        free_when_over(w);
    } else if (w->abandoned) {
        w->busy = w->abandoned = false; /* if it was committed, the file's copy is a repeat */
        counted(w, e);
        pump_soon(w);
    } else if (e != OK) {
        batch_failed(w, err_text());
    } else {
        w->busy = false;
        counted(w, e);
        batch_written(w);
        show_waiting(w);
    }
}

static enum err add_count(struct call_work *work, enum call_input_type type, int64_t count) {
    int64_t now_ms = clock_wall_ms();
    const struct call_input like = { .type = type,
        .origin_ms = now_ms,
        .sent_ms = now_ms,
        .received_ms = now_ms,
        .token.count = count };
    struct call_input *in = NULL;
    if (count == 0) {
        return OK;
    }
    TRY(lk_note_copy(call_work_arena(work), &like, &in));
    return call_work_add(work, in);
}

static enum err fill(struct lk_witness *w, struct call_work *work) {
    w->lost_in_unit = w->spooling ? 0 : w->lost;
    w->refused_in_unit = w->refused;
    TRY(add_count(work, IN_TOKENS_UNRECORDED, w->refused_in_unit));
    TRY(add_count(work, IN_GAP, w->lost_in_unit));
    for (const struct lk_note *n = w->batch; n != NULL; n = n->next) {
        struct call_input *in = NULL;
        TRY(lk_note_copy(call_work_arena(work), &n->input, &in));
        TRY(call_work_add(work, in));
    }
    return OK;
}

static void batch_write(struct lk_witness *w) {
    struct call_work *work = NULL;
    if (w->calls == NULL) {
        batch_failed(w, "the database was not reached yet");
        return;
    }
    if (call_work_create(w->calls, clock_wall_ms(), &work) != OK || fill(w, work) != OK) {
        call_work_destroy(work);
        batch_failed(w, err_text());
        return;
    }
    w->writing = true;
    call_work_run(work, on_written, w);
}

static void on_named(void *arg) {
    struct lk_witness *w = arg;
    w->naming = NULL;
    batch_write(w);
}

static void batch_begin(struct lk_witness *w) {
    w->busy = true;
    if (lk_naming_begin(w->participants, w->batch, w->n_batch, on_named, w, &w->naming) != OK) {
        batch_failed(w, err_text());
    }
}

/* --- what is next --- */

static void take_from_list(struct lk_witness *w) {
    while (w->notes != NULL && w->n_batch < LK_NOTES_A_UNIT) {
        struct lk_note *n = w->notes;
        DL_DELETE(w->notes, n);
        DL_APPEND(w->batch, n);
        w->n--;
        w->n_batch++;
    }
    batch_begin(w);
}

static void on_taken(void *arg, const struct lk_overflow_told *told) {
    struct lk_witness *w = arg;
    if (told->e != OK) {
        leave_file(w);
        pump_soon(w);
        return;
    }
    w->batch = told->notes;
    w->n_batch = told->n;
    w->last = told->end;
    if (w->n_batch > 0) {
        batch_begin(w);
    } else if (w->last) {
        lk_overflow_clear(w->overflow, on_cleared, w);
    } else {
        pump_soon(w);
    }
}

static void on_put(void *arg, const struct lk_overflow_told *told) {
    struct lk_witness *w = arg;
    for (size_t i = 0; i < told->n; i++) {
        struct lk_note *n = w->notes;
        DL_DELETE(w->notes, n);
        lk_note_destroy(n);
        w->n--;
    }
    if (told->e != OK) {
        w->put_again_us = clock_mono_us() + LK_NOTES_RETRY_MS * US_PER_MS;
    }
    show_waiting(w);
    pump_soon(w);
}

/* With a database there is no need to write down what will be in it soon. */
static void pump_file(struct lk_witness *w) {
    const int64_t now_us = clock_mono_us();
    const bool may_take = !w->busy && w->calls != NULL && now_us >= w->not_before_us;
    const bool may_put = w->n > 0 && !w->last && now_us >= w->put_again_us;
    if (lk_overflow_busy(w->overflow)) {
        return;
    }
    if (may_take && (w->n < LK_NOTES_A_UNIT || !may_put)) {
        lk_overflow_take(w->overflow, LK_NOTES_A_UNIT, on_taken, w);
    } else if (may_put) {
        lk_overflow_put(w->overflow, w->notes,
            w->n < LK_OVERFLOW_A_TIME ? w->n : LK_OVERFLOW_A_TIME, on_put, w);
    }
}

static void pump(struct lk_witness *w) {
    const bool waiting = w->n > 0 || w->lost > 0 || w->refused > 0;
    if (w->ended) {
        return;
    }
    if (w->again_us != 0 && !w->busy && clock_mono_us() >= w->again_us) {
        w->spooling = true;
        w->again_us = 0;
    }
    if (w->spooling) {
        pump_file(w);
    } else if (waiting && !w->busy && w->calls != NULL && clock_mono_us() >= w->not_before_us) {
        take_from_list(w);
    }
}

/* --- waiting too long --- */

/* What hangs ends some day; till then nobody is to lose what waits behind it. */
static void abandon(struct lk_witness *w) {
    batch_return(w);
    w->abandoned = w->writing;
    w->busy = w->writing;
}

static void on_clock(uv_timer_t *t) {
    struct lk_witness *w = t->data;
    const bool idle = w->n == 0 && !w->busy;
    const int64_t waited_us = idle ? 0 : clock_mono_us() - w->since_us;
    w->since_us = idle ? clock_mono_us() : w->since_us;
    if (w->overflow != NULL && !w->spooling && waited_us > LK_NOTES_PATIENCE_MS * US_PER_MS) {
        if (w->busy) {
            abandon(w);
        }
        begin_spooling(w, "it takes too long");
    }
    pump(w);
    if (w->n == 0 && !w->busy && !w->spooling && w->lost == 0 && w->refused == 0) {
        uv_timer_stop(&w->clock);
    }
}

static void start_clock(struct lk_witness *w) {
    if (!w->ended && !uv_is_active((uv_handle_t *)&w->clock)) {
        w->since_us = clock_mono_us();
        uv_timer_start(&w->clock, on_clock, CLOCK_MS, CLOCK_MS);
    }
}

/* --- the door --- */

/* Over the limit of one second? */
static bool too_many_refusals(struct lk_witness *w) {
    int64_t second = clock_mono_us() / SEC_US;
    if (second != w->second) {
        w->second = second;
        w->refusals = 0;
    }
    return ++w->refusals > (w->spooling ? LK_REFUSALS_AWAY : LK_REFUSALS_A_SECOND);
}

static enum err make_note(struct lk_witness *w, const struct call_input *in, struct lk_note **ret) {
    char id[64];
    struct call_input with_id = *in;
    if (w->n >= LK_NOTES_MAX) {
        return err_set(ERR_LIMIT, "%d audit rows wait", LK_NOTES_MAX);
    }
    if (in->event_id == NULL) {
        snprintf(id, sizeof(id), "parley:%s:%" PRIu64, w->run, ++w->last_id);
        with_id.event_id = id;
    }
    return lk_note_create(&with_id, ret);
}

void lk_witness_note(struct lk_witness *w, const struct call_input *in) {
    struct lk_note *n = NULL;
    if (in->type == IN_TOKEN_REFUSED && too_many_refusals(w)) {
        w->refused++;
        metric_add(&lost_notes, 1);
    } else if (make_note(w, in, &n) != OK) {
        w->lost++;
        metric_add(&lost_notes, 1);
    } else {
        DL_APPEND(w->notes, n);
        w->n++;
        show_waiting(w);
    }
    start_clock(w);
    if (!w->busy) {
        pump_soon(w);
    }
}

bool lk_witness_caught_up(const struct lk_witness *w) {
    return w->calls != NULL && !w->spooling && w->again_us == 0;
}

void lk_witness_set_calls(struct lk_witness *w, struct calls *calls) {
    w->calls = calls;
    if (w->spooling) {
        start_clock(w);
    }
    pump(w);
}

void lk_witness_set_participants(struct lk_witness *w, struct lk_participants *p) {
    if (p == NULL && w->naming != NULL) {
        batch_failed(w, "we stop");
    }
    w->participants = p;
}

/* --- life --- */

enum err lk_witness_create(
    uv_loop_t *loop, const struct lk_witness_config *cfg, struct lk_witness **ret) {
    uint8_t random[8];
    struct lk_witness *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for the audit of tokens");
    }
    if (cfg->spool_file != NULL && cfg->spool_file[0] != '\0') {
        enum err e = lk_overflow_create(loop, cfg->spool_file, cfg->spool_max, &w->overflow);
        if (e != OK) {
            mem_free(w);
            return e;
        }
        w->spooling = true; /* an earlier process may have left something */
    }
    crypto_random(random, sizeof(random));
    crypto_hex(random, sizeof(random), w->run);
    uv_timer_init(loop, &w->soon);
    uv_timer_init(loop, &w->clock);
    w->soon.data = w->clock.data = w;
    metrics_register(&waiting_notes);
    metrics_register(&lost_notes);
    *ret = w;
    return OK;
}

static void on_timer_closed(uv_handle_t *h) {
    struct lk_witness *w = h->data;
    w->closed++;
    free_when_over(w);
}

/* What was taken from the file is still there. */
static void let_go(struct lk_witness *w) {
    if (w->spooling) {
        batch_destroy(w);
    } else {
        batch_return(w);
    }
    if (w->overflow == NULL && (w->n > 0 || w->lost > 0)) {
        LOG_ERROR(&log_root, "token_audit_lost", "rows=%" PRId64, (int64_t)w->n + w->lost);
    }
    lk_overflow_destroy(STEAL(w->overflow), STEAL(w->notes));
    w->n = 0;
}

void lk_witness_destroy(struct lk_witness *w) {
    if (w == NULL) {
        return;
    }
    let_go(w);
    w->ended = true;
    show_waiting(w);
    uv_close((uv_handle_t *)&w->soon, on_timer_closed);
    uv_close((uv_handle_t *)&w->clock, on_timer_closed);
}
