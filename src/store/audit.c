/* The admin's questions as SQL: columns by table, conditions by filter; values travel as parameters
 * only. */
#include "store/audit.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "store/query_wait.h"
#include "store/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A column of a report and where it comes from. */
#define CALLS_COLUMNS                                                                              \
    X("session_id", TEXT, "s.id")                                                                  \
    X("call_id", TEXT, "s.call_id")                                                                \
    X("kind", TEXT, "s.kind")                                                                      \
    X("room_id", TEXT, "s.room_id")                                                                \
    X("status", TEXT, "s.status")                                                                  \
    X("media", TEXT, "s.media")                                                                    \
    X("is_group", BOOL, "s.is_group")                                                              \
    X("caller", TEXT, "s.caller_user")                                                             \
    X("callee", TEXT, "s.callee_user")                                                             \
    X("created_at", TIME, "s.created_at")                                                          \
    X("answered_at", TIME, "s.answered_at")                                                        \
    X("ended_at", TIME, "s.ended_at")                                                              \
    X("duration_ms", INT, "s.duration_ms")                                                         \
    X("peak_users", INT, "s.peak_users")                                                           \
    X("end_reason", TEXT, "s.end_reason")                                                          \
    X("failed_reason", TEXT, "s.failed_reason")                                                    \
    X("ended_by", TEXT, "s.ended_by")                                                              \
    X("historic", BOOL, "s.historic")                                                              \
    X("partial", BOOL, "s.partial")                                                                \
    X("mos", INT, "q.mos")                                                                         \
    X("worst_mos", INT, "q.worst_mos")                                                             \
    X("percent_lost", INT, "q.percent_lost")                                                       \
    X("seconds_frozen", INT, "q.seconds_frozen")                                                   \
    X("by_relay", INT, "q.by_relay")                                                               \
    X("times_poor", INT, "q.times_poor")
#define EVENTS_COLUMNS                                                                             \
    X("session_id", TEXT, "e.session_id")                                                          \
    X("n", INT, "e.n")                                                                             \
    X("at", TIME, "e.at")                                                                          \
    X("recorded_at", TIME, "e.recorded_at")                                                        \
    X("type", TEXT, "e.type")                                                                      \
    X("room_id", TEXT, "e.room_id")                                                                \
    X("call_id", TEXT, "e.call_id")                                                                \
    X("user_id", TEXT, "e.user_id")                                                                \
    X("subject", TEXT, "e.subject")                                                                \
    X("source_event_id", TEXT, "e.source_event_id")                                                \
    X("late", BOOL, "e.late")                                                                      \
    X("inferred", BOOL, "e.inferred")                                                              \
    X("ignored", BOOL, "e.ignored")                                                                \
    X("partial", BOOL, "e.partial")                                                                \
    X("payload", JSON, "e.payload")
#define USER_COLUMNS                                                                               \
    X("session_id", TEXT, "u.session_id")                                                          \
    X("call_id", TEXT, "u.call_id")                                                                \
    X("kind", TEXT, "u.kind")                                                                      \
    X("room_id", TEXT, "u.room_id")                                                                \
    X("role", TEXT, "u.role")                                                                      \
    X("status", TEXT, "u.status")                                                                  \
    X("media", TEXT, "u.media")                                                                    \
    X("answered", BOOL, "u.took_part")                                                             \
    X("talking_ms", INT, "u.talking_ms")                                                           \
    X("created_at", TIME, "u.created_at")                                                          \
    X("ended_at", TIME, "u.ended_at")                                                              \
    X("sent_mos", INT, "q.sent_mos")                                                               \
    X("received_mos", INT, "q.received_mos")
#define STATS_COLUMNS                                                                              \
    X("day", TEXT, "day")                                                                          \
    X("calls", INT, "calls")                                                                       \
    X("answered", INT, "answered")                                                                 \
    X("rejected", INT, "rejected")                                                                 \
    X("missed", INT, "missed")                                                                     \
    X("cancelled", INT, "cancelled")                                                               \
    X("failed", INT, "failed")                                                                     \
    X("minutes", INT, "minutes")                                                                   \
    X("peak", INT, "peak")

#define QUALITY_COLUMNS                                                                            \
    X("session_id", TEXT, "s.id")                                                                  \
    X("room_id", TEXT, "s.room_id")                                                                \
    X("user_id", TEXT, "q.user_id")                                                                \
    X("device", TEXT, "q.device")                                                                  \
    X("from_user", TEXT, "q.from_user")                                                            \
    X("from_device", TEXT, "q.from_device")                                                        \
    X("media", TEXT, "q.media")                                                                    \
    X("source", TEXT, "q.source")                                                                  \
    X("since", TIME, "q.since")                                                                    \
    X("seconds", INT, "q.seconds")                                                                 \
    X("seconds_received", INT, "q.seconds_received")                                               \
    X("kbps", INT, "q.kbps")                                                                       \
    X("mos", INT, "q.mos")                                                                         \
    X("worst_mos", INT, "q.worst_mos")                                                             \
    X("percent_lost", INT, "q.percent_lost")                                                       \
    X("jitter_ms", INT, "q.jitter_ms")                                                             \
    X("rtt_ms", INT, "q.rtt_ms")                                                                   \
    X("layer", INT, "q.layer")                                                                     \
    X("least_layer", INT, "q.least_layer")                                                         \
    X("most_layer", INT, "q.most_layer")                                                           \
    X("freezes", INT, "q.freezes")                                                                 \
    X("seconds_frozen", INT, "q.seconds_frozen")                                                   \
    X("seconds_paused", INT, "q.seconds_paused")                                                   \
    X("by_relay", BOOL, "q.by_relay")

#define X(name, kind, from) { name, STORE_AUDIT_##kind },
static const struct store_audit_column calls_columns[] = { CALLS_COLUMNS };
static const struct store_audit_column events_columns[] = { EVENTS_COLUMNS };
static const struct store_audit_column user_columns[] = { USER_COLUMNS };
static const struct store_audit_column stats_columns[] = { STATS_COLUMNS };
static const struct store_audit_column quality_columns[] = { QUALITY_COLUMNS };
#undef X
#define X(name, kind, from) from,
static const char *const calls_from[] = { CALLS_COLUMNS };
static const char *const events_from[] = { EVENTS_COLUMNS };
static const char *const user_from[] = { USER_COLUMNS };
static const char *const stats_from[] = { STATS_COLUMNS };
static const char *const quality_from[] = { QUALITY_COLUMNS };
#undef X

/* --- building a query --- */

#define PARAMS_MAX 16 /* filters, some of them twice */

struct query {
    struct buf sql;
    const char *params[PARAMS_MAX];
    char numbers[PARAMS_MAX][24];
    size_t n;
};

/* Text in which each ? stands for the value. */
static void put_with(struct query *q, const char *text, const char *value) {
    q->params[q->n++] = value;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '?') {
            buf_printf(&q->sql, "$%zu", q->n);
        } else {
            buf_putc(&q->sql, *c);
        }
    }
}

static void where(struct query *q, const char *condition, const char *value) {
    if (value != NULL) {
        buf_puts(&q->sql, " AND ");
        put_with(q, condition, value);
    }
}

static const char *number(struct query *q, int64_t v) {
    snprintf(q->numbers[q->n], sizeof(q->numbers[0]), "%" PRId64, v);
    return q->numbers[q->n];
}

#define MOMENT "('epoch'::timestamptz + ?::bigint * interval '1 millisecond')"

static void where_time(struct query *q, const char *condition, int64_t ms) {
    if (ms != 0) {
        where(q, condition, number(q, ms));
    }
}

static void put_columns(struct query *q, enum store_audit_report report, const char *const *from) {
    size_t n;
    const struct store_audit_column *cols = store_audit_columns(report, &n);
    buf_puts(&q->sql, "SELECT ");
    for (size_t i = 0; i < n; i++) {
        const char *comma = i == 0 ? "" : ", ";
        if (cols[i].type == STORE_AUDIT_TIME) {
            buf_printf(&q->sql,
                "%sto_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')", comma,
                from[i]);
        } else {
            buf_printf(&q->sql, "%s%s::text", comma, from[i]);
        }
    }
}

static void put_limit(struct query *q, int64_t limit) {
    if (limit != 0) {
        put_with(q, " LIMIT ?::bigint", number(q, limit));
    }
}

/* The sessions a user had to do with. */
#define SESSIONS_OF_USER                                                                           \
    "SELECT id FROM call_sessions WHERE caller_user = ? UNION"                                     \
    " SELECT id FROM call_sessions WHERE callee_user = ? UNION"                                    \
    " SELECT session_id FROM call_participants WHERE user_id = ?"

/* A call by our id or by the client's: some clients use UUIDs too. */
static void where_call(
    struct query *q, const char *either, const char *by_call_id, const char *call) {
    uint8_t uuid[UUID_SIZE];
    if (call != NULL) {
        where(q, crypto_uuid_read(call, uuid) ? either : by_call_id, call);
    }
}

/* --- the reports --- */

/* OFFSET 0 makes a look-up by index of each call: the view as a whole sums up all that is kept. */
#define WITH_QUALITY                                                                               \
    " LEFT JOIN LATERAL (SELECT * FROM call_quality WHERE session_id = s.id OFFSET 0) q ON true"
/* Of several devices the worst. */
#define WITH_OWN_QUALITY                                                                           \
    " LEFT JOIN LATERAL (SELECT min(sent_mos) AS sent_mos, min(received_mos) AS received_mos"      \
    " FROM call_quality_by_user WHERE session_id = u.session_id AND user_id = u.user_id) q ON "    \
    "true"

/* Of the calls `s` those that are asked for, whoever is in them. */
static void where_calls(struct query *q, const struct store_audit_filter *f) {
    where_time(q, "s.created_at >= " MOMENT, f->since_ms);
    where_time(q, "s.created_at < " MOMENT, f->until_ms);
    where(q, "s.room_id = ?", f->room);
    where(q, "s.status = ?", f->status);
    where_call(q, "(s.id = ?::uuid OR s.call_id = ?::text)", "s.call_id = ?", f->call);
}

static void make_calls(struct query *q, const struct store_audit_filter *f) {
    put_columns(q, STORE_AUDIT_CALLS, calls_from);
    buf_puts(&q->sql, " FROM call_sessions s" WITH_QUALITY " WHERE s.status IS NOT NULL");
    where_calls(q, f);
    where(q, "s.id IN (" SESSIONS_OF_USER ")", f->user);
    buf_puts(&q->sql, " ORDER BY s.created_at DESC NULLS LAST, s.id DESC");
    put_limit(q, f->limit);
}

/* What the user did, and all of the calls the user had to do with. Two lists, not an OR: each has
 * its index. OFFSET 0 makes a look-up by index of each call: otherwise the planner reads all events
 * of the time that is asked for. */
static void put_events_source(struct query *q, const char *user) {
    if (user == NULL) {
        buf_puts(&q->sql, " FROM call_events e");
        return;
    }
    put_with(q,
        " FROM (SELECT x.* FROM (" SESSIONS_OF_USER
        ") m CROSS JOIN LATERAL (SELECT * FROM call_events WHERE session_id = m.id OFFSET 0) x"
        " UNION ALL SELECT * FROM call_events WHERE user_id = ?"
        " AND session_id NOT IN (" SESSIONS_OF_USER ")) e",
        user);
}

static void make_events(struct query *q, const struct store_audit_filter *f) {
    put_columns(q, STORE_AUDIT_EVENTS, events_from);
    put_events_source(q, f->user);
    buf_puts(&q->sql, " WHERE true");
    where_time(q, "e.at >= " MOMENT, f->since_ms);
    where_time(q, "e.at < " MOMENT, f->until_ms);
    where(q, "e.room_id = ?", f->room);
    where(q, "e.session_id IN (SELECT id FROM call_sessions WHERE status = ?)", f->status);
    where_call(q, "(e.session_id = ?::uuid OR e.call_id = ?::text)", "e.call_id = ?", f->call);
    where(q, "e.type = ?", f->type);
    buf_puts(&q->sql, f->call != NULL || f->by_chain ? " ORDER BY e.session_id, e.n"
                                                     : " ORDER BY e.at, e.session_id, e.n");
    put_limit(q, f->limit);
}

static void make_user(struct query *q, const struct store_audit_filter *f) {
    put_columns(q, STORE_AUDIT_USER, user_from);
    buf_puts(&q->sql, " FROM calls_by_user u" WITH_OWN_QUALITY " WHERE true");
    where(q, "u.user_id = ?", f->user);
    where_time(q, "u.created_at >= " MOMENT, f->since_ms);
    where_time(q, "u.created_at < " MOMENT, f->until_ms);
    where(q, "u.room_id = ?", f->room);
    where(q, "u.status = ?", f->status);
    where_call(q, "(u.session_id = ?::uuid OR u.call_id = ?::text)", "u.call_id = ?", f->call);
    buf_puts(&q->sql, " ORDER BY u.created_at DESC NULLS LAST, u.session_id DESC");
    put_limit(q, f->limit);
}

/* A bound of a range; none is NULL, which is for ever. */
static void put_bound(struct query *q, int64_t ms) {
    if (ms == 0) {
        buf_puts(&q->sql, "NULL");
    } else {
        put_with(q, MOMENT, number(q, ms));
    }
}

/* The calls that went on at some moment of the time asked for. Those that are over are found by the
 * index call_sessions_span, word for word; the others are few. Those of a user are looked up one by
 * one. */
static void put_going_on(struct query *q, const struct store_audit_filter *f) {
    if (f->user != NULL) {
        put_with(q,
            "SELECT s.* FROM (" SESSIONS_OF_USER
            ") m CROSS JOIN LATERAL (SELECT * FROM call_sessions WHERE id = m.id OFFSET 0) s"
            " WHERE status IS NOT NULL",
            f->user);
        where_time(q, "coalesce(ended_at, closed_at, now()) >= " MOMENT, f->since_ms);
        where_time(q, "created_at < " MOMENT, f->until_ms);
        return;
    }
    buf_puts(
        &q->sql, "SELECT * FROM call_sessions WHERE status IS NOT NULL AND closed_at IS NOT NULL");
    if (f->since_ms != 0 || f->until_ms != 0) {
        buf_puts(&q->sql,
            " AND tstzrange(created_at, greatest(created_at, coalesce(ended_at, closed_at)), '[]')"
            " && tstzrange(");
        put_bound(q, f->since_ms);
        buf_puts(&q->sql, ", ");
        put_bound(q, f->until_ms);
        buf_puts(&q->sql, ")");
    }
    buf_puts(&q->sql, " UNION ALL SELECT * FROM call_sessions WHERE status IS NOT NULL AND "
                      "closed_at IS NULL");
    where_time(q, "coalesce(ended_at, now()) >= " MOMENT, f->since_ms);
    where_time(q, "created_at < " MOMENT, f->until_ms);
}

/* Calls that began before the time asked for count in the peak, as long as they last, but in no
 * total. Each midnight is a step of 0, so that a day has the peak of what went on over it. */
static void make_stats(struct query *q, const struct store_audit_filter *f) {
    buf_puts(&q->sql,
        "WITH c AS MATERIALIZED (SELECT s.created_at AS began, s.answered_at, s.status, "
        "s.duration_ms,"
        " greatest(coalesce(s.ended_at, s.closed_at, now()), s.created_at) AS over, true");
    where_time(q, "s.created_at >= " MOMENT, f->since_ms);
    buf_puts(&q->sql, " AS counted FROM (");
    put_going_on(q, f);
    buf_puts(&q->sql, ") s WHERE s.created_at IS NOT NULL");
    where(q, "s.room_id = ?", f->room);
    where(q, "s.status = ?", f->status);
    where_call(q, "(s.id = ?::uuid OR s.call_id = ?::text)", "s.call_id = ?", f->call);
    buf_puts(&q->sql,
        "), steps AS (SELECT began AS at, 1 AS step FROM c UNION ALL SELECT over, -1 FROM c UNION "
        "ALL"
        " SELECT d AT TIME ZONE 'UTC', 0 FROM generate_series((SELECT date_trunc('day', min(began) "
        "AT TIME ZONE 'UTC') FROM c),"
        " (SELECT max(over) AT TIME ZONE 'UTC' FROM c), interval '1 day') d),"
        " running AS (SELECT at, sum(sum(step)) OVER (ORDER BY at) AS calls FROM steps GROUP BY "
        "at),"
        " peaks AS (SELECT (at AT TIME ZONE 'UTC')::date AS day, max(calls) AS peak FROM running "
        "GROUP BY 1),"
        " days AS (SELECT (began AT TIME ZONE 'UTC')::date AS day, count(*) AS calls,"
        " count(answered_at) AS answered, count(*) FILTER (WHERE status = 'rejected') AS rejected,"
        " count(*) FILTER (WHERE status = 'missed') AS missed, count(*) FILTER (WHERE status = "
        "'cancelled') AS cancelled,"
        " count(*) FILTER (WHERE status = 'failed') AS failed, coalesce(sum(duration_ms), "
        "0)::bigint / 60000 AS minutes"
        " FROM c WHERE counted GROUP BY 1) ");
    put_columns(q, STORE_AUDIT_STATS, stats_from);
    buf_puts(&q->sql, " FROM days JOIN peaks USING (day) ORDER BY days.day");
    put_limit(q, f->limit);
}

static void make_quality(struct query *q, const struct store_audit_filter *f) {
    put_columns(q, STORE_AUDIT_QUALITY, quality_from);
    buf_puts(&q->sql, " FROM call_sessions s CROSS JOIN LATERAL (SELECT * FROM call_quality_by_pair"
                      " WHERE session_id = s.id OFFSET 0) q WHERE s.status IS NOT NULL");
    where_calls(q, f);
    where(q, "s.id IN (" SESSIONS_OF_USER ") AND (q.user_id = ? OR q.from_user = ?)", f->user);
    buf_puts(&q->sql, " ORDER BY q.mos, q.seconds_frozen DESC NULLS LAST, q.since");
    put_limit(q, f->limit);
}

static const struct {
    const struct store_audit_column *columns;
    size_t n;
    void (*make)(struct query *q, const struct store_audit_filter *f);
} reports[] = {
    [STORE_AUDIT_CALLS] = { calls_columns, COUNT_OF(calls_columns), make_calls },
    [STORE_AUDIT_EVENTS] = { events_columns, COUNT_OF(events_columns), make_events },
    [STORE_AUDIT_USER] = { user_columns, COUNT_OF(user_columns), make_user },
    [STORE_AUDIT_STATS] = { stats_columns, COUNT_OF(stats_columns), make_stats },
    [STORE_AUDIT_QUALITY] = { quality_columns, COUNT_OF(quality_columns), make_quality },
};

const struct store_audit_column *store_audit_columns(enum store_audit_report report, size_t *n) {
    *n = reports[report].n;
    return reports[report].columns;
}

static void closep(struct store_session **s) {
    store_session_close(*s);
}

static enum err run(struct store_session *s, const struct store_audit_filter *filter,
    store_audit_row *row, void *arg) {
    if (filter->report == STORE_AUDIT_USER && filter->user == NULL) {
        return err_set(ERR_INVALID, "this report needs a user");
    }
    struct query q = { .n = 0 };
    buf_init(&q.sql, 0);
    reports[filter->report].make(&q, filter);
    enum err e = buf_check(&q.sql);
    if (e == OK) {
        e = store_session_query(s, buf_str(&q.sql), q.params, q.n, row, arg);
    }
    buf_finish(&q.sql);
    return e;
}

enum err store_audit_run(
    const char *url, const struct store_audit_filter *filter, store_audit_row *row, void *arg) {
    CLEANUP(closep) struct store_session *s = NULL;
    TRY(store_session_open(url, &s));
    return run(s, filter, row, arg);
}

static enum err take_head(void *arg, const char *const *values) {
    struct store_anchor *head = arg;
    head->seq = strtoll(values[0], NULL, 10);
    return crypto_unhex(values[1], head->mac, sizeof(head->mac))
               ? OK
               : err_set(ERR_DATABASE, "the last row of call_heads has no MAC");
}

static bool is_all(const struct store_audit_filter *f) {
    return f->since_ms == 0 && f->until_ms == 0 && f->room == NULL && f->user == NULL &&
           f->status == NULL && f->call == NULL && f->type == NULL;
}

enum err store_audit_export(const char *url, const struct store_audit_filter *filter,
    store_audit_row *row, void *arg, struct store_anchor *head) {
    CLEANUP(closep) struct store_session *s = NULL;
    *head = (struct store_anchor){ 0 };
    TRY(store_session_open(url, &s));
    TRY(store_session_run(s,
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0;"
        " SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"));
    if (is_all(filter)) {
        TRY(store_session_run(s, "SET LOCAL enable_sort = off"));
    }
    TRY(store_session_query(s,
        "SELECT seq, encode(mac, 'hex') FROM call_heads ORDER BY seq DESC LIMIT 1", NULL, 0,
        take_head, head));
    return run(s, filter, row, arg);
}
