/* A list of notes, of which the first ones are in a unit of work until it is committed. */
#include "livekit/witness.h"

#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"

#include <inttypes.h>
#include <string.h>
#include <utlist.h>

METRIC_GAUGE(waiting_notes, "parley_token_audit_waiting", "Audit rows of tokens not yet written.");
METRIC_COUNTER(lost_notes, "parley_token_audit_lost_total",
    "Audit rows of tokens that were only counted: the database away too long, or too many "
    "refusals.");

struct note {
    struct note *prev, *next;
    struct arena arena;
    struct call_input input;
};

struct lk_witness {
    uv_timer_t timer;
    struct calls *calls;
    struct note *notes; /* in order */
    size_t n;
    size_t in_unit; /* the first so many are in the unit under way */
    int64_t lost;   /* not written down */
    int64_t lost_in_unit;
    bool busy;      /* a unit is under way */
    bool ended;     /* destroyed */
    bool closed;    /* the timer is gone */
    int64_t second; /* which refusals are counted for */
    int refusals;
};

/* --- copying --- */

static void copy_text(struct arena *a, const char **slot) {
    *slot = arena_strdup(a, *slot);
}

/* All texts of an input of a token, into an arena. */
static void own_texts(struct arena *a, struct call_input *in) {
    const char **const texts[] = { &in->room_id, &in->sender, &in->token.slot, &in->token.device_id,
        &in->token.member_id, &in->token.claimed_user, &in->token.dialect, &in->token.server,
        &in->token.alias, &in->token.identity, &in->token.membership, &in->token.reason,
        &in->token.problem, &in->token.connection, &in->token.actor };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        copy_text(a, texts[i]);
    }
}

static void note_free(struct note *n) {
    arena_finish(&n->arena);
    mem_free(n);
}

static void drop_first(struct lk_witness *w) {
    struct note *n = w->notes;
    DL_DELETE(w->notes, n);
    note_free(n);
    w->n--;
}

/* --- writing --- */

static void write_some(struct lk_witness *w);

static void on_timer(uv_timer_t *t) {
    write_some(t->data);
}

static void free_when_over(struct lk_witness *w) {
    if (w->ended && w->closed && !w->busy) {
        mem_free(w);
    }
}

static void on_written(void *arg, enum err e, const struct call_work_report *report) {
    struct lk_witness *w = arg;
    (void)report;
    w->busy = false;
    if (w->ended) {
        free_when_over(w);
        return;
    }
    if (e != OK) {
        LOG_WARN(&log_root, "token_audit_waits", "rows=%zu text=%s", w->n, LOG_Q(err_text()));
        uv_timer_start(&w->timer, on_timer, LK_NOTES_RETRY_MS, 0);
        return;
    }
    for (; w->in_unit > 0; w->in_unit--) {
        drop_first(w);
    }
    w->lost -= w->lost_in_unit;
    metric_set(&waiting_notes, (int64_t)w->n);
    write_some(w);
}

static enum err add_input(struct call_work *work, const struct call_input *like) {
    struct arena *a = call_work_arena(work);
    struct call_input *in = arena_alloc(a, sizeof(*in));
    if (in != NULL) {
        *in = *like;
        own_texts(a, in);
    }
    if (a->failed) {
        return err_set(ERR_NOMEM, "no memory for an audit row of a token");
    }
    return call_work_add(work, in);
}

static enum err fill(struct lk_witness *w, struct call_work *work, int64_t now_ms) {
    w->in_unit = 0;
    w->lost_in_unit = w->lost;
    if (w->lost > 0) {
        const struct call_input gap = { .type = IN_TOKENS_UNRECORDED,
            .origin_ms = now_ms,
            .sent_ms = now_ms,
            .received_ms = now_ms,
            .token.count = w->lost };
        TRY(add_input(work, &gap));
    }
    for (struct note *n = w->notes; n != NULL && w->in_unit < LK_NOTES_A_UNIT; n = n->next) {
        TRY(add_input(work, &n->input));
        w->in_unit++;
    }
    return OK;
}

static void write_some(struct lk_witness *w) {
    struct call_work *work = NULL;
    int64_t now_ms = clock_wall_ms();
    if (w->busy || w->calls == NULL || (w->n == 0 && w->lost == 0)) {
        return;
    }
    if (call_work_create(w->calls, now_ms, &work) != OK || fill(w, work, now_ms) != OK) {
        call_work_destroy(work);
        uv_timer_start(&w->timer, on_timer, LK_NOTES_RETRY_MS, 0);
        return;
    }
    w->busy = true;
    call_work_run(work, on_written, w);
}

/* --- the door --- */

/* Over the limit of one second? */
static bool too_many_refusals(struct lk_witness *w) {
    int64_t second = clock_mono_us() / SEC_US;
    if (second != w->second) {
        w->second = second;
        w->refusals = 0;
    }
    return ++w->refusals > LK_REFUSALS_A_SECOND;
}

static struct note *make_note(const struct call_input *in) {
    struct note *n = mem_zalloc(sizeof(*n));
    if (n == NULL) {
        return NULL;
    }
    arena_init(&n->arena);
    n->input = *in;
    own_texts(&n->arena, &n->input);
    if (n->arena.failed) {
        note_free(n);
        return NULL;
    }
    return n;
}

void lk_witness_note(struct lk_witness *w, const struct call_input *in) {
    bool over = w->n >= LK_NOTES_MAX || (in->type == IN_TOKEN_REFUSED && too_many_refusals(w));
    struct note *n = over ? NULL : make_note(in);
    if (n == NULL) {
        w->lost++;
        metric_add(&lost_notes, 1);
    } else {
        DL_APPEND(w->notes, n);
        w->n++;
        metric_set(&waiting_notes, (int64_t)w->n);
    }
    /* Not at once: what comes in the same turn of the loop is one transaction. */
    if (!w->busy && !uv_is_active((uv_handle_t *)&w->timer)) {
        uv_timer_start(&w->timer, on_timer, 0, 0);
    }
}

void lk_witness_set_calls(struct lk_witness *w, struct calls *calls) {
    w->calls = calls;
    write_some(w);
}

enum err lk_witness_create(uv_loop_t *loop, struct lk_witness **ret) {
    struct lk_witness *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for the audit of tokens");
    }
    uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    metrics_register(&waiting_notes);
    metrics_register(&lost_notes);
    *ret = w;
    return OK;
}

static void on_timer_closed(uv_handle_t *h) {
    struct lk_witness *w = h->data;
    w->closed = true;
    free_when_over(w);
}

void lk_witness_destroy(struct lk_witness *w) {
    if (w == NULL) {
        return;
    }
    if (w->n > 0 || w->lost > 0) {
        LOG_ERROR(&log_root, "token_audit_lost", "rows=%" PRId64, (int64_t)w->n + w->lost);
    }
    while (w->notes != NULL) {
        drop_first(w);
    }
    w->ended = true;
    uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}
