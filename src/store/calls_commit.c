/*
 * Writing a unit of work: all its rows and the COMMIT in one round trip, after one with questions
 * where a chain ended or an event may be a repeat. All or nothing: a statement that fails keeps
 * those behind it, the COMMIT too, from running. When the connection is lost under the COMMIT
 * nobody knows the outcome; it is told as a failure, and what the homeserver sends again is then
 * known or done.
 */
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "store/chain.h"
#include "store/connection.h"
#include "store/work.h"

#include <string.h>

METRIC_HISTOGRAM(commit_time, "parley_database_commit_seconds",
    "How long a unit of work took to be written and committed.");

static void finish(struct store_work *w, enum err e) {
    w->done(w->done_arg, e);
    store_work_rollback(w);
}

static void committed(void *arg, enum err e, const struct store_answer *a) {
    struct store_work *w = arg;
    /* A server answers the COMMIT of a failed transaction with ROLLBACK, and calls that a success.
     */
    const char *tag = e == OK ? store_answer_tag(a, store_answer_count(a) - 1) : "";
    if (e == OK && strcmp(tag, "COMMIT") != 0) {
        e = err_set(ERR_DATABASE, "the server did not commit: %s", tag);
    }
    if (e != OK) {
        finish(w, e);
        return;
    }
    metric_observe_us(&commit_time, clock_mono_us() - w->commit_us);
    store_calls_done *done = w->done;
    void *done_arg = w->done_arg;
    store_work_free(w); /* first, so that the next unit finds the connection */
    done(done_arg, OK);
}

static enum err put_all(struct store_work *w) {
    TRY(store_event_rows_chain(w));
    TRY(store_call_rows_save(w));
    TRY(store_event_rows_save(w));
    store_txn_rows_save(w);
    TRY(store_removals_save(w));
    TRY(store_stays_save(w));
    TRY(store_news_rows_save(w));
    store_query_put(w->c, STORE_COMMIT, NULL);
    return OK;
}

static void write_all(struct store_work *w) {
    enum err e = put_all(w);
    if (e != OK) {
        store_query_fail(w->c, e);
    }
    store_query_send(w->c, committed, w);
}

static void answered(void *arg, enum err e, const struct store_answer *a) {
    struct store_work *w = arg;
    if (e == OK) {
        e = store_event_rows_read(w, a);
    }
    if (e != OK) {
        finish(w, e);
    } else {
        write_all(w);
    }
}

/* Writes with the key of now: another node, or the command line, may have rotated it. */
static enum err follow_key(const struct store_work *w) {
    const char *newest = w->newest_key;
    if (newest == NULL || strcmp(newest, store_audit_key_fingerprint(w->key)) == 0) {
        return OK;
    }
    enum err e = store_audit_key_follow(w->key, newest);
    if (e == ERR_NOT_FOUND) {
        return err_set(ERR_DATABASE, "%s", err_text()); /* it may come: the event is sent again */
    }
    TRY(e);
    LOG_INFO(&log_root, "audit_key_changed", "fingerprint=%s", newest);
    return OK;
}

void store_calls_commit(struct store_work *w, struct store_audit_key *key,
    const struct store_changes *changes, store_calls_done *done, void *arg) {
    metrics_register(&commit_time);
    w->key = key;
    w->changes = changes;
    w->done = done;
    w->done_arg = arg;
    w->commit_us = clock_mono_us();
    enum err e = follow_key(w);
    if (e == OK) {
        e = store_event_rows_collect(w);
    }
    if (e == OK && !store_event_rows_need_answers(w)) {
        write_all(w);
        return;
    }
    if (e == OK) {
        e = store_event_rows_ask(w);
    }
    if (e != OK) {
        store_query_fail(w->c, e);
    }
    store_query_send(w->c, answered, w);
}
