/* Finding and changing, in transactions that nobody waits long for. */
#include "store/purge_batch.h"

#include "core/mem.h"
#include "store/locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define TRIES     20  /* of a batch that fails, or whose rooms are in use */
#define TRY_MS    100 /* between them */
#define COUNT_ALL "2147483647"

/* --- small questions --- */

static enum err take_number(void *arg, const char *const *values) {
    *(int64_t *)arg = values[0] == NULL ? 0 : strtoll(values[0], NULL, 10);
    return OK;
}

enum err store_purge_ask(
    struct store_purger *w, const char *sql, const char *const *params, size_t n, int64_t *ret) {
    *ret = 0;
    return store_session_query(w->s, sql, params, n, take_number, ret);
}

/* The ids found, as PostgreSQL writes a list. */
static enum err put_ids(const struct store_purger *w, struct buf *b) {
    for (size_t i = 0; i < w->n_found; i++) {
        buf_printf(b, "%c%s", i == 0 ? '{' : ',', w->found[i].session_id);
    }
    buf_putc(b, '}');
    return buf_check(b);
}

/* --- finding --- */

/* A chain too many stays for the next batch, unless it is the only one. */
static enum err take_found(void *arg, const char *const *values) {
    struct store_purger *w = arg;
    int rows = atoi(values[1]);
    bool chains = w->step->action == STORE_PURGE_CHAINS;
    if (w->n_found == STORE_PURGE_ROWS_MAX ||
        (chains && w->n_found > 0 && w->rows_found + rows > STORE_PURGE_ROWS_MAX)) {
        w->rows_found = STORE_PURGE_ROWS_MAX;
        return OK;
    }
    struct store_removed *f = &w->found[w->n_found++];
    *f = (struct store_removed){ .n = chains ? 0 : rows, .rows = rows };
    snprintf(f->session_id, sizeof(f->session_id), "%s", values[0]);
    snprintf(w->cursor_id, sizeof(w->cursor_id), "%s", values[0]);
    snprintf(w->cursor, sizeof(w->cursor), "%s", values[2]);
    w->rows_found += chains ? rows : 0;
    return OK;
}

static enum err query_found(struct store_purger *w, const char *most, store_session_row *row) {
    const char *const params[] = { w->cursor_id, w->cursor, most, w->scope, buf_str(&w->pattern) };
    size_t n = w->p->scope == STORE_PURGE_USER ? 5 : 4;
    return store_session_query(w->s, w->step->find, params, n, row, w);
}

enum err store_purge_find(struct store_purger *w) {
    char most[24];
    snprintf(most, sizeof(most), "%zu",
        w->step->action == STORE_ERASE_ROWS ? (size_t)STORE_PURGE_ROWS_MAX : w->calls_max);
    w->n_found = 0;
    w->rows_found = 0;
    return query_found(w, most, take_found);
}

static enum err count_found(void *arg, const char *const *values) {
    const struct store_purger *w = arg;
    switch (w->step->action) {
    case STORE_DROP_CALLS:
        w->totals->calls++;
        break;
    case STORE_PURGE_CHAINS:
        w->totals->chains++;
        w->totals->rows += atoi(values[1]);
        break;
    case STORE_ERASE_CALLS:
        w->totals->calls_erased++;
        break;
    case STORE_ERASE_ROWS:
        w->totals->rows_erased++;
        break;
    case STORE_DROP_NEWS:
        w->totals->news++;
        break;
    case STORE_ERASE_NEWS:
        w->totals->news_erased++;
        break;
    }
    return OK;
}

enum err store_purge_count(struct store_purger *w) {
    return query_found(w, COUNT_ALL, count_found);
}

/* --- calls: what a unit of work may hold --- */

/* Rooms in use are passed over: nobody waits, so no circle of waiting can come of it. What is read
 * after this statement is what the last unit left. */
#define LOCK_ROOMS                                                                                 \
    "SELECT set_config('parley.rooms', coalesce(array_agg(room_id), '{}')::text, true) FROM"       \
    " (SELECT DISTINCT room_id FROM call_sessions WHERE id = ANY($1::uuid[]) OFFSET 0) AS r"       \
    " WHERE pg_try_advisory_xact_lock(" STORE_ROOM_LOCK("room_id") ")"
#define OF_ROOMS "room_id = ANY(current_setting('parley.rooms')::text[])"
#define DROP_CALLS                                                                                 \
    "WITH gone AS (DELETE FROM call_sessions WHERE id = ANY($1::uuid[])"                           \
    " AND closed_at < $2::timestamptz AND " OF_ROOMS " RETURNING 1) SELECT count(*) FROM gone"
#define COUNT_LEFT                                                                                 \
    "SELECT count(*) FROM call_sessions WHERE id = ANY($1::uuid[]) AND closed_at IS NOT NULL"      \
    " AND NOT " OF_ROOMS

static enum err drop_inside(struct store_purger *w, const char *ids, int64_t *dropped) {
    bool aged = w->p->scope == STORE_PURGE_HISTORY || w->p->scope == STORE_PURGE_BEFORE;
    const char *const params[] = { ids, aged ? w->before : "infinity" };
    TRY(store_session_query(w->s, LOCK_ROOMS, params, 1, NULL, NULL));
    TRY(store_purge_ask(w, DROP_CALLS, params, 2, dropped));
    return store_purge_ask(w, COUNT_LEFT, params, 1, &w->left);
}

static enum err erase_inside(struct store_purger *w, const char *ids, int64_t *erased) {
    const char *const params[] = { ids, w->p->user, buf_str(&w->pattern), w->pseudonym };
    TRY(store_session_query(w->s, LOCK_ROOMS, params, 1, NULL, NULL));
    TRY(store_session_query(w->s, store_purge_erase_participants, params, 4, NULL, NULL));
    TRY(store_session_query(w->s, store_purge_erase_kept, params, 4, NULL, NULL));
    TRY(store_session_query(w->s, store_purge_erase_sessions, params, 4, NULL, NULL));
    TRY(store_purge_ask(w, COUNT_LEFT, params, 1, &w->left));
    *erased = (int64_t)w->n_found - w->left;
    return OK;
}

typedef enum err inside(struct store_purger *w, const char *ids, int64_t *ret);

static enum err change_calls(struct store_purger *w, inside *change, int64_t *total) {
    CLEANUP(buf_finish) struct buf ids;
    int64_t changed;
    buf_init(&ids, 0);
    TRY(put_ids(w, &ids));
    TRY(store_session_run(w->s, "BEGIN ISOLATION LEVEL READ COMMITTED"));
    TRY(change(w, buf_str(&ids), &changed));
    TRY(store_session_run(w->s, "COMMIT"));
    *total += changed;
    return OK;
}

/* --- chains: what nobody else touches any more --- */

/* Without its row in call_sessions a chain does not grow. The list is an array, so that the rows
 * are looked up by index whatever the planner thinks. */
#define PURGE_CHAINS                                                                               \
    "WITH chosen AS MATERIALIZED (SELECT e.session_id FROM unnest($1::uuid[]) AS e(session_id)"    \
    " WHERE NOT EXISTS (SELECT FROM call_sessions s WHERE s.id = e.session_id)),"                  \
    " gone AS (DELETE FROM call_events"                                                            \
    " WHERE session_id = ANY(ARRAY(SELECT session_id FROM chosen)) RETURNING session_id),"         \
    " days AS (DELETE FROM audit_strays WHERE id = ANY(ARRAY(SELECT session_id FROM chosen)))"     \
    " SELECT session_id, 0, count(*) FROM gone GROUP BY session_id"
#define ERASE_ROWS                                                                                 \
    "UPDATE call_events e SET salt = NULL, user_id = NULL, subject = 'erased:' || e.n,"            \
    " payload = NULL FROM unnest($1::uuid[], $2::integer[]) AS u(id, n)"                           \
    " WHERE e.session_id = u.id AND e.n = u.n AND e.salt IS NOT NULL"                              \
    " RETURNING e.session_id, e.n, 1"

static enum err take_item(void *arg, const char *const *values) {
    struct store_purger *w = arg;
    struct store_removed *item = &w->items[w->n_items++];
    *item = (struct store_removed){ .n = atoi(values[1]), .rows = atoi(values[2]) };
    snprintf(item->session_id, sizeof(item->session_id), "%s", values[0]);
    return OK;
}

static void say_what(struct store_purger *w, const char *verb) {
    const struct store_purge *p = w->p;
    if (p->scope == STORE_PURGE_ROOM) {
        snprintf(w->what, sizeof(w->what), "%s room=%s", verb, p->room);
    } else if (p->scope == STORE_PURGE_USER) {
        snprintf(w->what, sizeof(w->what), "%s user", verb);
    } else {
        snprintf(w->what, sizeof(w->what), "%s %s%sbefore=%s", verb,
            p->label == NULL ? "" : p->label, p->label == NULL ? "" : " ", w->before);
    }
}

/* Commits with the tombstone; nothing was taken: no tombstone. */
static enum err bury(struct store_purger *w, const char *verb, int64_t *total) {
    if (w->n_items == 0) {
        return store_session_run(w->s, "ROLLBACK");
    }
    int64_t seq;
    say_what(w, verb);
    const struct store_tombstone t = { .what = w->what,
        .reason = w->p->reason,
        .actor = w->p->actor,
        .at = clock_wall_ms(),
        .items = w->items,
        .n_items = w->n_items };
    TRY(store_tombstone_commit(w->s, w->key, &t, &seq));
    w->totals->tombstones++;
    for (size_t i = 0; i < w->n_items; i++) {
        *total += w->items[i].rows;
    }
    return OK;
}

static enum err purge_chains(struct store_purger *w) {
    CLEANUP(buf_finish) struct buf ids;
    buf_init(&ids, 0);
    TRY(put_ids(w, &ids));
    const char *const params[] = { buf_str(&ids) };
    w->n_items = 0;
    TRY(store_tombstone_begin(w->s));
    TRY(store_session_query(w->s, PURGE_CHAINS, params, 1, take_item, w));
    TRY(bury(w, "purged", &w->totals->rows));
    w->totals->chains += (int64_t)w->n_items;
    return OK;
}

static enum err erase_rows(struct store_purger *w) {
    CLEANUP(buf_finish) struct buf ids;
    CLEANUP(buf_finish) struct buf numbers;
    buf_init(&ids, 0);
    buf_init(&numbers, 0);
    for (size_t i = 0; i < w->n_found; i++) {
        buf_printf(&numbers, "%c%d", i == 0 ? '{' : ',', w->found[i].n);
    }
    buf_putc(&numbers, '}');
    TRY(put_ids(w, &ids));
    TRY(buf_check(&numbers));
    const char *const params[] = { buf_str(&ids), buf_str(&numbers) };
    w->n_items = 0;
    TRY(store_tombstone_begin(w->s));
    TRY(store_session_query(w->s, ERASE_ROWS, params, 2, take_item, w));
    return bury(w, "erased", &w->totals->rows_erased);
}

/* --- news: rows on their own, which a sender may be telling just now --- */

#define DROP_NEWS                                                                                  \
    "WITH gone AS (DELETE FROM call_news WHERE id = ANY($1::uuid[]) RETURNING 1)"                  \
    " SELECT count(*) FROM gone"

static enum err drop_news(struct store_purger *w) {
    CLEANUP(buf_finish) struct buf ids;
    int64_t n;
    buf_init(&ids, 0);
    TRY(put_ids(w, &ids));
    const char *const params[] = { buf_str(&ids) };
    TRY(store_purge_ask(w, DROP_NEWS, params, 1, &n));
    w->totals->news += n;
    return OK;
}

static enum err erase_news(struct store_purger *w) {
    CLEANUP(buf_finish) struct buf ids;
    buf_init(&ids, 0);
    TRY(put_ids(w, &ids));
    const char *const params[] = { buf_str(&ids), w->p->user, buf_str(&w->pattern), w->pseudonym };
    TRY(store_session_query(w->s, store_purge_erase_news, params, 4, NULL, NULL));
    w->totals->news_erased += (int64_t)w->n_found;
    return OK;
}

/* --- a batch --- */

static enum err act(struct store_purger *w) {
    w->left = 0;
    switch (w->step->action) {
    case STORE_DROP_CALLS:
        return change_calls(w, drop_inside, &w->totals->calls);
    case STORE_ERASE_CALLS:
        return change_calls(w, erase_inside, &w->totals->calls_erased);
    case STORE_ERASE_ROWS:
        return erase_rows(w);
    case STORE_DROP_NEWS:
        return drop_news(w);
    case STORE_ERASE_NEWS:
        return erase_news(w);
    case STORE_PURGE_CHAINS:
        break;
    }
    TRY(change_calls(w, drop_inside, &w->totals->calls));
    return purge_chains(w);
}

bool store_purge_goes_on(struct store_purger *w) {
    if (w->p->progress != NULL && !w->p->progress(w->p->arg, w->totals)) {
        w->totals->stopped = true;
    }
    return !w->totals->stopped;
}

/* A batch that failed left nothing behind, and one whose rooms were in use does the rest the next
 * time. When even ROLLBACK fails, the connection is gone. */
enum err store_purge_act(struct store_purger *w) {
    for (int i = 0;; i++) {
        enum err e = act(w);
        if (e == OK && w->left == 0) {
            return OK;
        }
        if (i == TRIES || (e != OK && e != ERR_DATABASE)) {
            w->totals->busy += e == OK ? w->left : 0;
            return e;
        }
        char why[256];
        snprintf(why, sizeof(why), "%s", err_text());
        if (e != OK && store_session_run(w->s, "ROLLBACK") != OK) {
            return err_set(e, "%s", why);
        }
        if (!store_purge_goes_on(w)) {
            return OK;
        }
        uv_sleep(TRY_MS);
    }
}
