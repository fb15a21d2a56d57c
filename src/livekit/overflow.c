/* One job for the thread pool at a time; while it is there the file is the job's. */
#include "livekit/overflow.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/spool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

METRIC_COUNTER(spooled_total, "parley_audit_spooled_total",
    "Audit rows that waited in the spool file because the database was away.");
METRIC_COUNTER(lost_total, "parley_audit_lost_total",
    "Audit rows that were only counted because the spool file was full.");

enum job { NONE, PUT, TAKE, CLEAR };

struct lk_overflow {
    uv_loop_t *loop;
    uv_work_t work;
    char *path;
    int64_t max_bytes;
    enum job job;
    bool ended;             /* destroyed while a job was under way */
    struct lk_note *last;   /* to be put then */
    lk_overflow_done *done; /* of the job */
    void *arg;
    /* the file, main's or the job's */
    struct spool *spool; /* NULL = not open */
    int64_t place;       /* before what was taken last */
    bool back;           /* the next take begins there */
    int64_t lost;        /* as the seal says */
    int64_t lost_since;  /* likewise */
    /* of the job */
    struct buf bytes; /* put: each note's length, and the note */
    size_t n, most;
    struct lk_overflow_told told;
    char why[256];
};

/* --- in the thread pool --- */

/* The last note, of a length that does not change, so that it can be written over. */
static enum err write_seal(struct lk_overflow *o) {
    char name[2 * SPOOL_NAME_SIZE + 1];
    char text[256];
    spool_name(o->spool, name);
    int n = snprintf(text, sizeof(text),
        "{\"type\":\"gap\",\"id\":\"parley:%s:gap%020" PRId64 "\",\"at\":%-20" PRId64
        ",\"reason\":\"spool_full\",\"count\":%-20" PRId64 "}",
        name, o->lost, o->lost_since, o->lost);
    return spool_seal(o->spool, text, (size_t)n);
}

/* What an earlier process has counted. */
static void read_seal(struct lk_overflow *o) {
    CLEANUP(buf_finish) struct buf text;
    struct lk_note *seal = NULL;
    buf_init(&text, 0);
    if (spool_sealed(o->spool) && spool_read_seal(o->spool, &text) == OK &&
        lk_note_read(buf_str(&text), text.len, &seal) == OK) {
        o->lost = seal->input.token.count;
        o->lost_since = seal->input.origin_ms;
        lk_note_destroy(seal);
    }
}

static enum err open_spool(struct lk_overflow *o) {
    if (o->spool != NULL) {
        return OK;
    }
    TRY(spool_open(o->path, o->max_bytes, &o->spool));
    o->lost = 0;
    read_seal(o);
    return OK;
}

static enum err put_one(struct lk_overflow *o, const char *note, size_t n) {
    enum err e = o->told.lost > 0 ? ERR_LIMIT : spool_add(o->spool, note, n);
    if (e != ERR_LIMIT) {
        return e;
    }
    o->lost_since = o->lost == 0 ? clock_wall_ms() : o->lost_since;
    o->lost++;
    o->told.lost++;
    return OK;
}

static enum err put(struct lk_overflow *o) {
    const char *at = o->bytes.data;
    TRY(open_spool(o));
    for (size_t i = 0; i < o->n; i++) {
        uint32_t length = 0;
        memcpy(&length, at, sizeof(length));
        at += sizeof(length);
        TRY(put_one(o, at, length));
        at += length;
        o->told.n++;
    }
    if (o->told.lost > 0) {
        TRY(write_seal(o));
    }
    return spool_sync(o->spool);
}

/* What cannot be read is from another version, and nobody will ever read it. */
static enum err take_one(struct lk_overflow *o, struct buf *text) {
    struct lk_note *note = NULL;
    bool seal = false;
    TRY(spool_next(o->spool, text, &seal));
    enum err e = lk_note_read(buf_str(text), text->len, &note);
    if (e == ERR_INVALID) {
        LOG_ERROR(&log_root, "audit_spool_unreadable", "text=%s", LOG_Q(err_text()));
        return OK;
    }
    TRY(e);
    DL_APPEND(o->told.notes, note);
    o->told.n++;
    return OK;
}

static enum err take(struct lk_overflow *o) {
    CLEANUP(buf_finish) struct buf text;
    enum err e = OK;
    buf_init(&text, 0);
    if (o->spool == NULL && access(o->path, F_OK) != 0 && errno == ENOENT) {
        o->told.end = true;
        return OK;
    }
    TRY(open_spool(o));
    if (o->back) {
        spool_go(o->spool, o->place);
        o->back = false;
    }
    o->place = spool_place(o->spool);
    while (e == OK && o->told.n < o->most) {
        e = take_one(o, &text);
    }
    o->told.end = e == ERR_NOT_FOUND;
    return o->told.end ? OK : e;
}

static enum err clear(struct lk_overflow *o) {
    if (o->spool != NULL && !spool_empty(o->spool)) {
        TRY(spool_clear(o->spool));
    }
    o->lost = 0;
    o->back = false;
    return OK;
}

static void run(uv_work_t *work) {
    struct lk_overflow *o = work->data;
    o->told.e = o->job == PUT ? put(o) : o->job == TAKE ? take(o) : clear(o);
    snprintf(o->why, sizeof(o->why), "%s", o->told.e == OK ? "" : err_text());
}

/* --- on main --- */

static void destroy_notes(struct lk_note *list) {
    while (list != NULL) {
        struct lk_note *n = list;
        DL_DELETE(list, n);
        lk_note_destroy(n);
    }
}

static void overflow_free(struct lk_overflow *o) {
    spool_close(o->spool);
    buf_finish(&o->bytes);
    mem_free(o->path);
    mem_free(o);
}

static void count(const struct lk_overflow *o) {
    if (o->job == PUT && o->told.e == OK) {
        metric_add(&spooled_total, (int64_t)(o->n - o->told.lost));
        metric_add(&lost_total, (int64_t)o->told.lost);
    }
}

static void say(const struct lk_overflow *o) {
    static const char *const names[] = { "", "put", "take", "clear" };
    if (o->told.e != OK) {
        LOG_ERROR(&log_root, "audit_spool_failed", "job=%s path=%s text=%s", names[o->job],
            LOG_Q(o->path), LOG_Q(o->why));
    } else if (o->told.lost > 0) {
        LOG_ERROR(&log_root, "audit_spool_full", "path=%s lost=%" PRId64, LOG_Q(o->path), o->lost);
    }
}

/* Each note, in one text; how many there was memory for. */
static size_t serialize(struct buf *out, const struct lk_note *notes, size_t n) {
    size_t done = 0;
    buf_clear(out);
    for (const struct lk_note *x = notes; x != NULL && done < n; x = x->next) {
        const size_t before = out->len;
        uint32_t length = 0;
        buf_put(out, &length, sizeof(length));
        lk_note_write(x, out);
        if (buf_check(out) != OK) {
            break;
        }
        length = (uint32_t)(out->len - before - sizeof(length));
        memcpy(out->data + before, &length, sizeof(length));
        done++;
    }
    return done;
}

static void put_now(struct lk_overflow *o, struct lk_note *last) {
    size_t n = 0;
    const struct lk_note *x = NULL;
    DL_COUNT(last, x, n);
    if (n > 0) {
        o->job = PUT;
        o->told = (struct lk_overflow_told){ .e = OK };
        o->n = serialize(&o->bytes, last, n);
        o->work.data = o;
        run(&o->work);
        say(o);
        if (o->told.e != OK || o->n < n) {
            LOG_ERROR(&log_root, "audit_lost", "rows=%zu", n - (o->told.e == OK ? o->n : 0));
        }
    }
    destroy_notes(last);
}

static void over(uv_work_t *work, int status) {
    struct lk_overflow *o = work->data;
    const struct lk_overflow_told told = o->told;
    const enum job job = o->job;
    (void)status;
    count(o);
    say(o);
    o->job = NONE;
    if (o->ended) {
        destroy_notes(told.notes);
        put_now(o, STEAL(o->last));
        overflow_free(o);
        return;
    }
    if (told.e != OK) {
        o->back = o->back || job == TAKE;
        destroy_notes(told.notes);
        const struct lk_overflow_told failed = { .e = err_set(told.e, "%s", o->why) };
        o->done(o->arg, &failed);
        return;
    }
    o->done(o->arg, &told);
}

static void start(struct lk_overflow *o, enum job job, lk_overflow_done *done, void *arg) {
    o->job = job;
    o->done = done;
    o->arg = arg;
    o->told = (struct lk_overflow_told){ .e = OK };
    o->work.data = o;
    /* It fails for a NULL function only. */
    (void)uv_queue_work(o->loop, &o->work, run, over);
}

void lk_overflow_put(struct lk_overflow *o, const struct lk_note *notes, size_t n,
    lk_overflow_done *done, void *arg) {
    buf_finish(&o->bytes);
    buf_init(&o->bytes, 0);
    o->n = serialize(&o->bytes, notes, n);
    start(o, PUT, done, arg);
}

void lk_overflow_take(struct lk_overflow *o, size_t most, lk_overflow_done *done, void *arg) {
    o->most = most;
    start(o, TAKE, done, arg);
}

void lk_overflow_back(struct lk_overflow *o) {
    o->back = true;
}

void lk_overflow_clear(struct lk_overflow *o, lk_overflow_done *done, void *arg) {
    start(o, CLEAR, done, arg);
}

bool lk_overflow_busy(const struct lk_overflow *o) {
    return o->job != NONE;
}

/* --- life --- */

void lk_overflow_register_metrics(void) {
    metrics_register(&spooled_total);
    metrics_register(&lost_total);
}

enum err lk_overflow_create(
    uv_loop_t *loop, const char *path, int64_t max_bytes, struct lk_overflow **ret) {
    struct lk_overflow *o = mem_zalloc(sizeof(*o));
    char *copy = mem_strdup(path);
    if (o == NULL || copy == NULL) {
        mem_free(o);
        mem_free(copy);
        return err_set(ERR_NOMEM, "no memory for the spool of the audit");
    }
    o->loop = loop;
    o->path = copy;
    o->max_bytes = max_bytes;
    buf_init(&o->bytes, 0);
    lk_overflow_register_metrics();
    *ret = o;
    return OK;
}

void lk_overflow_destroy(struct lk_overflow *o, struct lk_note *last) {
    if (o == NULL) {
        destroy_notes(last);
        return;
    }
    if (o->job != NONE) {
        o->ended = true;
        o->last = last;
        return;
    }
    put_now(o, last);
    overflow_free(o);
}
