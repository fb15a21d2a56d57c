/* One run: claim it, forget what was remembered against repeats, purge. */
#include "store/retention_run.h"

#include "core/clock.h"
#include "core/mem.h"
#include "store/chain.h"
#include "store/purge.h"
#include "store/query_wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A homeserver delivers again within minutes, or hours after an outage. */
#define TXNS_MS    (7 * DAY_MS)
#define EVENTS_MS  (30 * DAY_MS)
#define FORGET_MAX 5000 /* rows of a statement */
#define PAUSE_MS   50

static void closep(struct store_session **s) {
    store_session_close(*s);
}

static bool stopped(const struct store_retention_run *r) {
    return atomic_load(r->stop);
}

static enum err take_number(void *arg, const char *const *values) {
    *(int64_t *)arg = strtoll(values[0], NULL, 10);
    return OK;
}

/* Nodes count their intervals from their own starts: a tenth less, so that a timer that is a little
 * early finds its turn. */
static enum err claim(struct store_retention_run *r, struct store_session *s) {
    char now[CLOCK_TEXT_SIZE];
    char interval[24];
    int64_t claimed = 0;
    clock_format(r->now_ms, now);
    snprintf(interval, sizeof(interval), "%" PRId64, r->ages.interval_ms * 9 / 10);
    const char *const params[] = { now, interval };
    TRY(store_session_query(s,
        "INSERT INTO node_tasks AS t (task, claimed_at) VALUES ('retention', $1::timestamptz)"
        " ON CONFLICT (task) DO UPDATE SET claimed_at = excluded.claimed_at WHERE"
        " t.claimed_at <= excluded.claimed_at - $2::bigint * interval '1 millisecond' OR"
        " t.claimed_at > excluded.claimed_at + $2::bigint * interval '1 millisecond' RETURNING 1",
        params, COUNT_OF(params), take_number, &claimed));
    r->claimed = claimed == 1;
    return OK;
}

/* --- what was remembered against repeats --- */

#define FORGET(table, key)                                                                         \
    "WITH gone AS (DELETE FROM " table " WHERE " key " IN (SELECT " key " FROM " table             \
    " WHERE received_at < $1::timestamptz ORDER BY received_at LIMIT $2::integer) RETURNING 1)"    \
    " SELECT count(*) FROM gone"

static enum err forget(struct store_retention_run *r, struct store_session *s, const char *sql,
    int64_t age_ms, int64_t *total) {
    char before[CLOCK_TEXT_SIZE];
    char most[24];
    int64_t n;
    clock_format(r->now_ms - age_ms, before);
    snprintf(most, sizeof(most), "%d", FORGET_MAX);
    const char *const params[] = { before, most };
    do {
        n = 0;
        TRY(store_session_query(s, sql, params, COUNT_OF(params), take_number, &n));
        *total += n;
        uv_sleep(n > 0 ? PAUSE_MS : 0);
    } while (n == FORGET_MAX && !stopped(r));
    return OK;
}

static enum err prepare(struct store_retention_run *r) {
    CLEANUP(closep) struct store_session *s = NULL;
    TRY(store_session_open(r->url, &s));
    TRY(claim(r, s));
    if (!r->claimed) {
        return OK;
    }
    TRY(store_session_run(s, "SET lock_timeout = '900ms'"));
    TRY(forget(r, s, FORGET("appservice_txns", "id"), TXNS_MS, &r->txns));
    return forget(r, s, FORGET("appservice_events", "event_id"), EVENTS_MS, &r->event_ids);
}

/* --- calls and audit --- */

static bool goes_on(void *arg, const struct store_purge_totals *t) {
    (void)t;
    return !stopped(arg);
}

static enum err purge(struct store_retention_run *r, const struct store_audit_key *key,
    enum store_purge_scope scope, int64_t age_ms) {
    struct store_purge_totals t;
    const struct store_purge p = { .scope = scope,
        .before_ms = r->now_ms - age_ms,
        .label = "retention",
        .reason = "older than retention.audit",
        .actor = "retention",
        .progress = goes_on,
        .arg = r };
    enum err e = store_purge_run(r->url, key, &p, &t);
    r->calls += t.calls;
    r->chains += t.chains;
    r->audit_rows += t.rows;
    return e;
}

enum err store_retention_run(struct store_retention_run *r) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *key = NULL;
    TRY(prepare(r));
    if (r->claimed && r->ages.calls_ms > 0 && !stopped(r)) {
        TRY(purge(r, NULL, STORE_PURGE_HISTORY, r->ages.calls_ms));
    }
    if (r->claimed && r->ages.audit_ms > 0 && !stopped(r)) {
        TRY(store_audit_key_load(r->key_file, &key));
        TRY(purge(r, key, STORE_PURGE_BEFORE, r->ages.audit_ms));
    }
    return OK;
}
