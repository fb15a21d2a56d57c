/*
 * The audit rows of a unit: which are new, their numbers and MACs, and the heads of chains that
 * end.
 *
 * A chain has no gaps, so a repeat must be known before the rows are numbered. What came with an
 * event that was looked up when the unit was opened is new for certain. The rest (inputs that a
 * stub kept and that are replayed now) is looked up first, in the same round trip as the head of
 * call_heads.
 */
#include "core/clock.h"
#include "core/mem.h"
#include "store/chain.h"
#include "store/connection.h"
#include "store/work.h"

#include <string.h>

/* --- which are new --- */

static const char *subject_of(const struct store_event *e) {
    return e->subject == NULL ? "" : e->subject;
}

static bool same(const struct store_fresh *a, const struct store_fresh *b) {
    return a->owner == b->owner &&
           strcmp(a->event->source_event_id, b->event->source_event_id) == 0 &&
           strcmp(a->event->type, b->event->type) == 0 &&
           strcmp(subject_of(a->event), subject_of(b->event)) == 0;
}

/* A unit is at most a transaction of about a hundred events, and only those of one call are
 * compared. */
static bool is_repeat(const struct store_work *w, const struct store_fresh *f) {
    for (const struct store_fresh *g = f; g > w->fresh && g[-1].owner == f->owner; g--) {
        if (!g[-1].repeat && g[-1].event->source_event_id != NULL && same(&g[-1], f)) {
            return true;
        }
    }
    return false;
}

static void collect(
    struct store_work *w, size_t owner, struct store_event *const *events, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct store_fresh *f = &w->fresh[w->n_fresh++];
        const char *source = events[i]->source_event_id;
        *f = (struct store_fresh){ .event = events[i], .owner = owner };
        if (source != NULL) {
            f->repeat = is_repeat(w, f);
            f->foreign = !f->repeat && !store_txn_rows_unseen(w, source);
        }
    }
}

enum err store_event_rows_collect(struct store_work *w) {
    const struct store_changes *ch = w->changes;
    size_t n = ch->n_strays;
    for (size_t i = 0; i < ch->n_calls; i++) {
        n += ch->calls[i].n_events;
    }
    w->fresh = arena_array(w->arena, n, sizeof(*w->fresh));
    w->rows = arena_array(w->arena, n, sizeof(*w->rows));
    w->heads = arena_array(w->arena, ch->n_calls + 1, sizeof(*w->heads));
    if (w->arena->failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < ch->n_calls; i++) {
        collect(w, i, ch->calls[i].events, ch->calls[i].n_events);
    }
    collect(w, ch->n_calls, ch->strays, ch->n_strays);
    return OK;
}

/* --- what must be asked first --- */

static bool needs_heads(const struct store_work *w) {
    const struct store_changes *ch = w->changes;
    bool needs = ch->n_strays > 0;
    for (size_t i = 0; i < ch->n_calls; i++) {
        needs = needs || (ch->calls[i].final && ch->calls[i].n_events > 0);
    }
    return needs;
}

static size_t count_foreign(const struct store_work *w) {
    size_t n = 0;
    for (size_t i = 0; i < w->n_fresh; i++) {
        n += w->fresh[i].foreign;
    }
    return n;
}

bool store_event_rows_need_answers(const struct store_work *w) {
    return needs_heads(w) || count_foreign(w) > 0;
}

static const char *session_of(const struct store_work *w, const struct store_fresh *f) {
    return f->owner < w->changes->n_calls ? w->changes->calls[f->owner].row->id : NULL;
}

static enum err ask_repeats(struct store_work *w) {
    size_t n = count_foreign(w);
    struct store_event_row *rows = arena_array(w->arena, n, sizeof(*rows));
    const void **list = arena_array(w->arena, n, sizeof(*list));
    if (w->arena->failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    size_t at = 0;
    for (size_t i = 0; i < w->n_fresh; i++) {
        if (w->fresh[i].foreign) {
            rows[at] = (struct store_event_row){ .session_id = session_of(w, &w->fresh[i]),
                .event = *w->fresh[i].event };
            rows[at].event.subject = subject_of(w->fresh[i].event);
            list[at] = &rows[at];
            at++;
        }
    }
    store_args_clear(&w->c->args);
    store_args_columns(&w->c->args, store_repeat_columns, STORE_REPEAT_COLUMNS, list, n);
    store_query_put(w->c, STORE_FIND_REPEATS, &w->c->args);
    return OK;
}

enum { ANSWER_REPEATS, ANSWER_LOCK, ANSWER_HEAD, ANSWER_STRAYS };

enum err store_event_rows_ask(struct store_work *w) {
    TRY(ask_repeats(w));
    if (needs_heads(w)) {
        /* The lock is held until the commit: call_heads grows by one unit at a time, over all
         * nodes. */
        store_query_put(w->c, STORE_LOCK_HEADS, NULL);
        store_query_put(w->c, STORE_LAST_HEAD, NULL);
        store_args_clear(&w->c->args);
        store_args_time(&w->c->args, w->changes->now_ms);
        store_query_put(w->c, STORE_STRAYS_OF_DAY, &w->c->args);
    }
    return OK;
}

static void read_mac(
    const struct store_answer *a, size_t result, size_t col, uint8_t ret[SHA256_SIZE]) {
    size_t n;
    const char *bytes = store_answer_value(a, result, 0, col, &n);
    if (bytes != NULL && n == SHA256_SIZE) {
        memcpy(ret, bytes, SHA256_SIZE);
    }
}

static void mark_repeat(struct store_work *w, int64_t ordinal) {
    for (size_t i = 0; i < w->n_fresh; i++) {
        if (w->fresh[i].foreign && --ordinal == 0) {
            w->fresh[i].repeat = true;
        }
    }
}

enum err store_event_rows_read(struct store_work *w, const struct store_answer *a) {
    for (size_t row = 0; row < store_answer_rows(a, ANSWER_REPEATS); row++) {
        mark_repeat(w, store_read_int(a, ANSWER_REPEATS, row, 0));
    }
    if (!needs_heads(w)) {
        return OK;
    }
    w->last_seq = store_read_int(a, ANSWER_HEAD, 0, 0);
    read_mac(a, ANSWER_HEAD, 1, w->last_mac);
    w->strays.rows = (int)store_read_int(a, ANSWER_STRAYS, 0, 1);
    read_mac(a, ANSWER_STRAYS, 2, w->strays.mac);
    w->strays.id = store_read_text(a, ANSWER_STRAYS, 0, 0, w->arena);
    if (w->strays.id == NULL) {
        char id[UUID_TEXT_SIZE];
        crypto_uuid(w->changes->now_ms, id);
        w->strays.id = arena_strdup(w->arena, id);
    }
    return w->arena->failed ? err_set(ERR_NOMEM, "out of memory") : OK;
}

/* --- numbers and MACs --- */

/* Fills one row and moves its chain on. */
static enum err sign(struct store_work *w, const struct store_event *e, const char *session_id,
    int *chain_rows, uint8_t *chain_mac, struct buf *scratch) {
    struct store_event_row *row = &w->rows[w->n_rows];
    *row = (struct store_event_row){ .session_id = session_id, .n = *chain_rows + 1, .event = *e };
    row->event.subject = subject_of(e);
    buf_clear(scratch);
    store_chain_payload(scratch, e->details);
    TRY(buf_check(scratch));
    row->payload = arena_strndup(w->arena, scratch->data, scratch->len);
    if (row->payload == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    crypto_random(row->salt, sizeof(row->salt));
    buf_clear(scratch);
    store_chain_erasable(scratch, row->salt, &row->event, row->payload);
    TRY(buf_check(scratch));
    crypto_sha256(scratch->data, scratch->len, row->erasable_sha256);
    buf_clear(scratch);
    store_chain_canonical(scratch, session_id, row->n, &row->event, row->erasable_sha256);
    TRY(store_chain_next(w->key, chain_mac, scratch, row->mac));
    memcpy(chain_mac, row->mac, SHA256_SIZE);
    *chain_rows = row->n;
    w->n_rows++;
    return OK;
}

static enum err add_head(struct store_work *w, const char *session_id, int rows, const uint8_t *mac,
    struct buf *scratch) {
    struct store_head_row *h = &w->heads[w->n_heads];
    *h = (struct store_head_row){ .seq = w->last_seq + 1,
        .kind = "head",
        .session_id = session_id,
        .rows = rows,
        .at = w->changes->now_ms };
    memcpy(h->last_mac, mac, SHA256_SIZE);
    const struct store_chain_head canonical = { .seq = h->seq,
        .kind = h->kind,
        .session_id = session_id,
        .rows = rows,
        .last_mac = h->last_mac,
        .at = h->at };
    buf_clear(scratch);
    store_chain_head_canonical(scratch, &canonical);
    TRY(store_chain_next(w->key, w->last_mac, scratch, h->mac));
    memcpy(w->last_mac, h->mac, SHA256_SIZE);
    w->last_seq = h->seq;
    w->n_heads++;
    return OK;
}

static enum err chain_call(struct store_work *w, size_t owner, size_t *next, struct buf *scratch) {
    const struct store_changed_call *call = &w->changes->calls[owner];
    int before = call->row->chain_rows;
    for (; *next < w->n_fresh && w->fresh[*next].owner == owner; ++*next) {
        if (!w->fresh[*next].repeat) {
            TRY(sign(w, w->fresh[*next].event, call->row->id, &call->row->chain_rows,
                call->row->chain_mac, scratch));
        }
    }
    if (call->final && call->row->chain_rows > before) {
        TRY(add_head(w, call->row->id, call->row->chain_rows, call->row->chain_mac, scratch));
    }
    return OK;
}

static enum err chain_all(struct store_work *w, struct buf *scratch) {
    size_t next = 0;
    for (size_t i = 0; i < w->changes->n_calls; i++) {
        TRY(chain_call(w, i, &next, scratch));
    }
    int before = w->strays.rows;
    for (; next < w->n_fresh; next++) {
        if (!w->fresh[next].repeat) {
            TRY(sign(
                w, w->fresh[next].event, w->strays.id, &w->strays.rows, w->strays.mac, scratch));
        }
    }
    if (w->strays.rows > before) {
        TRY(add_head(w, w->strays.id, w->strays.rows, w->strays.mac, scratch));
    }
    return OK;
}

enum err store_event_rows_chain(struct store_work *w) {
    struct buf scratch;
    buf_init(&scratch, 0);
    enum err e = chain_all(w, &scratch);
    buf_finish(&scratch);
    return e;
}

/* --- saving --- */

enum err store_event_rows_save(struct store_work *w) {
    struct store_args *args = &w->c->args;
    const char *fingerprint = store_audit_key_fingerprint(w->key);
    const void **rows = arena_array(w->arena, w->n_rows, sizeof(*rows));
    const void **heads = arena_array(w->arena, w->n_heads, sizeof(*heads));
    if (w->arena->failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < w->n_rows; i++) {
        rows[i] = &w->rows[i];
    }
    for (size_t i = 0; i < w->n_heads; i++) {
        heads[i] = &w->heads[i];
    }
    if (w->n_rows > 0) {
        store_args_clear(args);
        store_args_columns(args, store_event_columns, STORE_EVENT_COLUMNS, rows, w->n_rows);
        store_args_text(args, fingerprint);
        store_query_put(w->c, STORE_SAVE_EVENTS, args);
    }
    bool strays = w->n_heads > 0 && w->heads[w->n_heads - 1].session_id == w->strays.id;
    if (strays) {
        store_args_clear(args);
        store_args_time(args, w->changes->now_ms);
        store_args_text(args, w->strays.id);
        store_args_int(args, w->strays.rows);
        store_args_mac(args, w->strays.mac);
        store_query_put(w->c, STORE_SAVE_STRAYS, args);
    }
    if (w->n_heads > 0) {
        store_args_clear(args);
        store_args_columns(args, store_head_columns, STORE_HEAD_COLUMNS, heads, w->n_heads);
        store_args_text(args, fingerprint);
        store_query_put(w->c, STORE_SAVE_HEADS, args);
    }
    return OK;
}
