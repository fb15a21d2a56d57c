/* The SQL of `serve`. */
#include "store/statements.h"

#include "core/mem.h"
#include "store/locks.h"
#include "store/news.h"
#include "store/node_sql.h"
#include "store/stay_sql.h"
#include "store/tables.h"
#include "store/watch_sql.h"

#include <string.h>

#define LIVE "closed_at IS NULL"

/* Beside them, which audit key is written with now: it may have changed since the last unit.
 *
 * The sessions a unit sees are found once, and kept in a setting of the transaction for the three
 * statements that load them: so all is sent in one go, and none of it looked up twice. $1 rooms,
 * $2 rtc sessions closed after this, $3 and $4 rooms and call ids of legacy calls wanted in any
 * state.
 *
 * Here and below, OFFSET 0 makes a look-up by index of each element of a list. Without it the
 * planner, as long as it thinks a table empty, may read the table and the list for each row. */
#define FIND_CALLS                                                                                 \
    "SELECT set_config('parley.found', coalesce(array_agg(id), '{}')::text, true),"                \
    " (SELECT fingerprint FROM audit_keys ORDER BY epoch DESC LIMIT 1) FROM ("                     \
    "SELECT id FROM call_sessions WHERE room_id = ANY($1::text[]) AND " LIVE                       \
    " UNION SELECT id FROM call_sessions"                                                          \
    " WHERE room_id = ANY($1::text[]) AND kind = 'rtc' AND closed_at > $2::timestamptz"            \
    " UNION SELECT id FROM unnest($3::text[], $4::text[]) AS k(room, call) CROSS JOIN LATERAL"     \
    " (SELECT id FROM call_sessions WHERE room_id = k.room AND kind = 'legacy'"                    \
    " AND natural_key = k.call OFFSET 0) AS legacy) AS wanted"
#define FOUND "ANY(current_setting('parley.found')::uuid[])"

static void load_calls(struct buf *b) {
    buf_puts(b, "SELECT (SELECT max(n)::bigint FROM call_participants WHERE session_id = s.id), ");
    store_columns_names(b, "s.", store_call_columns, STORE_CALL_COLUMNS);
    buf_puts(b, " FROM call_sessions s WHERE id = " FOUND " ORDER BY id");
}

/* Who is in, and of each entry that left its last stay. */
static void load_participants(struct buf *b) {
    buf_puts(b, "SELECT ");
    store_columns_names(b, "", store_participant_columns, STORE_PARTICIPANT_COLUMNS);
    buf_puts(b, " FROM (SELECT p.*, max(n) OVER (PARTITION BY session_id, entry_key,"
                " CASE WHEN entry_key IS NULL THEN user_id END, CASE WHEN entry_key IS NULL THEN "
                "party END) AS last"
                " FROM call_participants p WHERE session_id = " FOUND ") stays"
                " WHERE left_at IS NULL OR n = last ORDER BY session_id, n");
}

static void load_kept(struct buf *b) {
    buf_puts(b, "SELECT ");
    store_columns_names(b, "", store_kept_columns, STORE_KEPT_COLUMNS);
    buf_puts(b, " FROM call_kept_inputs WHERE session_id = " FOUND " ORDER BY session_id, n");
}

/* An event of no call is looked for in the chains of all days. */
static void find_repeats(struct buf *b) {
    buf_puts(b, "SELECT u.i FROM (SELECT row_number() OVER () AS i, r.* FROM ");
    store_columns_unnest(b, 1, "r", store_repeat_columns, STORE_REPEAT_COLUMNS);
    buf_puts(b,
        ") u WHERE EXISTS (SELECT FROM call_events e WHERE e.source_event_id = u.source_event_id"
        " AND e.type = u.type AND e.subject = u.subject AND (e.session_id = u.session_id OR"
        " (u.session_id IS NULL AND EXISTS (SELECT FROM audit_strays d WHERE d.id = e.session_id)))"
        " OFFSET 0)");
}

/* INSERT INTO table (columns, more) SELECT u.*, value FROM unnest(…) AS u */
static void insert(struct buf *b, const char *table, const struct store_column *cols, size_t n,
    const char *more, const char *value) {
    buf_printf(b, "INSERT INTO %s (", table);
    store_columns_names(b, "", cols, n);
    buf_printf(b, "%s) SELECT u.*%s FROM ", more, value);
    store_columns_unnest(b, 1, "u", cols, n);
}

static void save_calls(struct buf *b) {
    insert(b, "call_sessions", store_call_columns, STORE_CALL_COLUMNS, "", "");
    buf_puts(b, " ON CONFLICT (id) DO UPDATE SET ");
    store_columns_update(b, store_call_columns, STORE_CALL_COLUMNS, 1);
}

static void save_participants(struct buf *b) {
    insert(b, "call_participants", store_participant_columns, STORE_PARTICIPANT_COLUMNS, "", "");
    buf_puts(b, " ON CONFLICT (session_id, n) DO UPDATE SET ");
    store_columns_update(b, store_participant_columns, STORE_PARTICIPANT_COLUMNS, 2);
}

static void save_kept(struct buf *b) {
    insert(b, "call_kept_inputs", store_kept_columns, STORE_KEPT_COLUMNS, "", "");
}

/* The key's epoch is looked up by its fingerprint, the parameter behind the columns: a key that the
 * database does not know, or that was rotated away since the unit was opened, gives NULL, which the
 * column refuses. */
#define EPOCH(parameter)                                                                           \
    ", (SELECT epoch FROM audit_keys WHERE fingerprint = " parameter                               \
    " AND epoch = (SELECT max(epoch) FROM audit_keys))"

static void save_events(struct buf *b) {
    insert(b, "call_events", store_event_columns, STORE_EVENT_COLUMNS, ", key_epoch",
        EPOCH("$19::text"));
}
_Static_assert(STORE_EVENT_COLUMNS == 18, "the fingerprint is $19");

static void save_heads(struct buf *b) {
    insert(
        b, "call_heads", store_head_columns, STORE_HEAD_COLUMNS, ", key_epoch", EPOCH("$8::text"));
}
_Static_assert(STORE_HEAD_COLUMNS == 7, "the fingerprint is $8");

/* --- delegations --- */

static void save_delegation(struct buf *b) {
    insert(b, "rtc_delegations", store_delegation_columns, STORE_DELEGATION_COLUMNS,
        ", node, held_until", ", $10::text, $11::timestamptz");
    buf_puts(b, " ON CONFLICT (alias, identity) DO UPDATE SET node = excluded.node, "
                "held_until = excluded.held_until, ");
    store_columns_update(b, store_delegation_columns, STORE_DELEGATION_COLUMNS, 2);
}
_Static_assert(STORE_DELEGATION_COLUMNS == 9, "the node is $10");

static void delegations(struct buf *b, const char *before, const char *prefix, const char *behind) {
    buf_puts(b, before);
    store_columns_names(b, prefix, store_delegation_columns, STORE_DELEGATION_COLUMNS);
    buf_puts(b, behind);
}

/* What nobody holds any more; two nodes that take at once take different ones. */
static void take_delegations(struct buf *b) {
    delegations(b,
        "UPDATE rtc_delegations d SET node = $1::text, held_until = $2::timestamptz FROM"
        " (SELECT alias, identity FROM rtc_delegations WHERE held_until < $3::timestamptz"
        " AND node <> $1::text ORDER BY held_until LIMIT $4::bigint FOR UPDATE SKIP LOCKED) AS free"
        " WHERE d.alias = free.alias AND d.identity = free.identity RETURNING ",
        "d.", "");
}

static void take_delegation(struct buf *b) {
    delegations(b,
        "UPDATE rtc_delegations SET node = $3::text, held_until = $4::timestamptz"
        " WHERE alias = $1::text AND identity = $2::text RETURNING ",
        "", "");
}

static void list_delegations(struct buf *b) {
    delegations(b, "SELECT ", "", " FROM rtc_delegations WHERE node = $1::text");
}

/* --- calls that go on --- */

/* $1 session, $2 room, $3 user, $4 kind, "" = any; $5 how many. Calls that go on are few whatever
 * else there is: by their own index first, then all the rest. */
#define LIVE_CALLS                                                                                 \
    " FROM (SELECT * FROM call_sessions WHERE " LIVE " AND status IS NOT NULL OFFSET 0) s WHERE"   \
    " lower($1::text) IN ('', s.id::text) AND $2::text IN ('', s.room_id)"                         \
    " AND $4::text IN ('', s.kind) AND ($3::text IN ('', s.caller_user, s.callee_user) OR EXISTS"  \
    " (SELECT FROM call_participants p WHERE p.session_id = s.id AND p.left_at IS NULL"            \
    " AND p.user_id = $3::text OFFSET 0))"                                                         \
    " ORDER BY s.created_at DESC NULLS LAST, s.id LIMIT $5::bigint"

static void list_live_calls(struct buf *b) {
    buf_puts(b, "SELECT ");
    store_columns_names(b, "s.", store_call_columns, STORE_CALL_COLUMNS);
    buf_puts(b, LIVE_CALLS);
}

static void list_live_people(struct buf *b) {
    buf_puts(b, "SELECT ");
    store_columns_names(b, "people.", store_participant_columns, STORE_PARTICIPANT_COLUMNS);
    buf_puts(b, " FROM (SELECT s.id" LIVE_CALLS ") AS live CROSS JOIN LATERAL"
                " (SELECT * FROM call_participants p WHERE p.session_id = live.id"
                " AND p.left_at IS NULL OFFSET 0) AS people"
                " ORDER BY people.session_id, people.n LIMIT $6::bigint");
}

/* --- identities --- */

static void save_identity(struct buf *b) {
    insert(b, "rtc_identities", store_identity_columns, STORE_IDENTITY_COLUMNS, ", look_at",
        ", $11::timestamptz");
    buf_puts(b, " ON CONFLICT (alias, identity) DO UPDATE SET look_at = excluded.look_at, ");
    store_columns_update(b, store_identity_columns, STORE_IDENTITY_COLUMNS, 2);
}
_Static_assert(STORE_IDENTITY_COLUMNS == 10, "when to look is $11");

static void identities(struct buf *b, const char *before, const char *prefix, const char *behind) {
    buf_puts(b, before);
    store_columns_names(b, prefix, store_identity_columns, STORE_IDENTITY_COLUMNS);
    buf_puts(b, behind);
}

static void find_identity(struct buf *b) {
    identities(
        b, "SELECT ", "", " FROM rtc_identities WHERE alias = $1::text AND identity = $2::text");
}

static void bar_identities(struct buf *b) {
    identities(b,
        "UPDATE rtc_identities i SET barred_at = $3::timestamptz FROM"
        " (SELECT alias, identity FROM rtc_identities WHERE room_id = $1::text"
        " AND user_id = $2::text AND minted_at <= $3::timestamptz"
        " AND ($5::text = '' OR device_id IN ('', $5::text))"
        " ORDER BY minted_at DESC LIMIT $4::bigint) AS theirs"
        " WHERE i.alias = theirs.alias AND i.identity = theirs.identity RETURNING ",
        "i.", "");
}

/* --- removals --- */

/* Of somebody who leaves twice in one unit the later leave counts; who never got a token is not
 * written down. */
static void save_removals(struct buf *b) {
    buf_puts(b, "INSERT INTO rtc_removals AS known (");
    store_columns_names(b, "", store_removal_columns, STORE_REMOVAL_COLUMNS);
    buf_puts(b, ", held_until) SELECT DISTINCT ON (room_id, user_id, device_id) ");
    store_columns_names(b, "r.", store_removal_columns, STORE_REMOVAL_COLUMNS);
    buf_puts(b, ", $7::timestamptz FROM ");
    store_columns_unnest(b, 1, "r", store_removal_columns, STORE_REMOVAL_COLUMNS);
    buf_puts(b, " WHERE EXISTS (SELECT FROM rtc_identities i WHERE i.room_id = r.room_id"
                " AND i.user_id = r.user_id AND i.minted_at <= r.left_at OFFSET 0)"
                " ORDER BY room_id, user_id, device_id, left_at DESC"
                " ON CONFLICT (room_id, user_id, device_id) DO UPDATE SET"
                " reason = excluded.reason, actor = excluded.actor, left_at = excluded.left_at,"
                " held_until = excluded.held_until WHERE known.left_at < excluded.left_at");
}
_Static_assert(STORE_REMOVAL_COLUMNS == 6, "the time is $7");

/* Two nodes that take at once take different ones. */
static void take_removals(struct buf *b) {
    buf_puts(b,
        "UPDATE rtc_removals r SET held_until = $2::timestamptz FROM"
        " (SELECT room_id, user_id, device_id FROM rtc_removals WHERE held_until < $1::timestamptz"
        " ORDER BY held_until LIMIT $3::bigint FOR UPDATE SKIP LOCKED) AS free"
        " WHERE r.room_id = free.room_id AND r.user_id = free.user_id"
        " AND r.device_id = free.device_id RETURNING ");
    store_columns_names(b, "r.", store_removal_columns, STORE_REMOVAL_COLUMNS);
}

/* --- nodes --- */

/* $11 how long it is good, $12 whether it takes the name from a living one. */
static void beat_node(struct buf *b) {
    insert(b, "sfu_nodes AS known", store_node_columns, STORE_NODE_OWN_COLUMNS,
        ", seen_at, expires_at", ", now(), now() + $11::bigint * interval '1 millisecond'");
    buf_puts(b, " ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at,"
                " expires_at = excluded.expires_at, ");
    store_columns_update(b, store_node_columns, STORE_NODE_OWN_COLUMNS, 1);
    buf_puts(
        b, " WHERE known.run = excluded.run OR NOT known." STORE_NODE_ALIVE " OR $12::bigint = 1");
}
_Static_assert(STORE_NODE_OWN_COLUMNS == 10, "what is no column begins with $11");

static void list_nodes(struct buf *b) {
    buf_puts(b, "SELECT ");
    store_columns_names(b, "", store_node_columns, STORE_NODE_COLUMNS);
    buf_puts(b, " FROM (SELECT n.*, " STORE_NODE_ALIVE " AS alive,"
                " (SELECT count(*)::integer FROM sfu_rooms r WHERE r.node = n.name) AS rooms"
                " FROM sfu_nodes n) AS known ORDER BY alive DESC, name LIMIT $1::bigint");
}

/* --- news --- */

/* A call has one notice in its room, however often it rings. */
static void save_news(struct buf *b) {
    insert(b, "call_news", store_news_columns, STORE_NEWS_COLUMNS, ", state, attempts",
        ", 'waiting', 0");
    buf_puts(b, " ON CONFLICT (session_id) WHERE receiver = 'room' DO NOTHING");
}

/* $1 receiver, $2 now, $3 until when they are ours, $4 how many. What is told of one call goes out
 * in order: only its first row is claimed. Two nodes that claim at once get different rows. */
static void claim_news(struct buf *b) {
    buf_puts(b,
        "UPDATE call_news n SET due_at = $3::timestamptz, attempts = n.attempts + 1 FROM"
        " (SELECT w.seq FROM call_news w WHERE w.receiver = $1::text AND w.state = 'waiting'"
        " AND w.due_at <= $2::timestamptz AND NOT EXISTS (SELECT FROM call_news e"
        " WHERE e.receiver = w.receiver AND e.session_id = w.session_id AND e.state = 'waiting'"
        " AND e.seq < w.seq OFFSET 0) ORDER BY w.due_at, w.seq LIMIT $4::bigint"
        " FOR UPDATE OF w SKIP LOCKED) AS due WHERE n.seq = due.seq RETURNING ");
    store_columns_names(b, "n.", store_claim_columns, STORE_CLAIM_COLUMNS);
}

/* As far as STORE_NEWS_COUNTED: a long outage of a receiver must not cost a second each time. */
#define COUNT_NEWS(state)                                                                          \
    "(SELECT count(*) FROM (SELECT FROM call_news WHERE state = '" state "' LIMIT 10000) AS few)"
_Static_assert(STORE_NEWS_COUNTED == 10000, "the limit of COUNT_NEWS");

/* --- watches --- */

static void claim_visits(struct buf *b) {
    identities(b, STORE_CLAIM_VISITS_BEFORE, "i.", STORE_CLAIM_VISITS_BEHIND);
}

static void settle_watches(struct buf *b) {
    buf_puts(b, "UPDATE rtc_watches w SET look_at = u.look_at, seen_at = u.seen_at, absent_at = "
                "u.absent_at, stale_at = u.stale_at, tries = u.tries FROM ");
    store_columns_unnest(b, 1, "u", store_watch_found_columns, STORE_WATCH_FOUND_COLUMNS);
    buf_puts(b, STORE_SETTLE_WATCHES_BEHIND);
}

static void settle_visits(struct buf *b) {
    buf_puts(b, "UPDATE rtc_identities i SET look_at = u.look_at FROM ");
    store_columns_unnest(b, 1, "u", store_visit_found_columns, STORE_VISIT_FOUND_COLUMNS);
    buf_puts(b, STORE_SETTLE_VISITS_BEHIND);
}

/* A statement is a fixed text or made from columns. */
static const struct {
    const char *name;
    const char *text;
    void (*make)(struct buf *b);
} statements[STORE_STATEMENTS] = {
    [STORE_BEGIN] = { "begin", "BEGIN ISOLATION LEVEL READ COMMITTED", NULL },
    [STORE_COMMIT] = { "commit", "COMMIT", NULL },
    [STORE_ROLLBACK] = { "rollback", "ROLLBACK", NULL },
    /* All nodes take the locks in one order, that of the numbers: no deadlock. */
    [STORE_LOCK_ROOMS] = { "lock_rooms",
        "SELECT pg_advisory_xact_lock(l) FROM (SELECT DISTINCT " STORE_ROOM_LOCK(
            "r") " AS l FROM unnest($1::text[]) AS r"
                 " ORDER BY 1) AS locks",
        NULL },
    /* This is our FOR UPDATE SKIP LOCKED: a room that another unit holds is passed over, nobody
     * waits, so the order of the claims cannot make a deadlock. Rows cannot be locked instead:
     * units that create a room's first call have none. */
    [STORE_CLAIM_DUE] = { "claim_due",
        "WITH due AS MATERIALIZED (SELECT room_id, min(due_at) AS since FROM (SELECT room_id, "
        "due_at FROM call_sessions"
        " WHERE due_at <= $1::timestamptz ORDER BY due_at LIMIT 1000) AS rows GROUP BY room_id "
        "ORDER BY since)"
        " SELECT room_id FROM due WHERE pg_try_advisory_xact_lock(" STORE_ROOM_LOCK(
            "room_id") ") LIMIT $2::bigint",
        NULL },
    [STORE_FIND_TXN] = { "find_txn",
        "SELECT 1::bigint FROM appservice_txns WHERE id = $1::text AND sha256 = $2::bytea", NULL },
    /* The audit trail remembers an event too, and for longer than the table made for it. */
    [STORE_FIND_EVENTS] = { "find_events",
        "SELECT u.i FROM unnest($1::text[]) WITH ORDINALITY AS u(id, i) WHERE"
        " EXISTS (SELECT FROM appservice_events WHERE event_id = u.id OFFSET 0)"
        " OR EXISTS (SELECT FROM call_events WHERE source_event_id = u.id OFFSET 0)",
        NULL },
    [STORE_FIND_CALLS] = { "find_calls", FIND_CALLS, NULL },
    [STORE_LOAD_CALLS] = { "load_calls", NULL, load_calls },
    [STORE_LOAD_PARTICIPANTS] = { "load_participants", NULL, load_participants },
    [STORE_LOAD_KEPT] = { "load_kept", NULL, load_kept },
    [STORE_LOCK_HEADS] = { "lock_heads", "SELECT " STORE_HEADS_LOCK, NULL },
    [STORE_LAST_HEAD] = { "last_head", "SELECT seq, mac FROM call_heads ORDER BY seq DESC LIMIT 1",
        NULL },
    [STORE_STRAYS_OF_DAY] = { "strays_of_day",
        "SELECT id::text, chain_rows::bigint, chain_mac FROM audit_strays"
        " WHERE day = ($1::timestamptz AT TIME ZONE 'UTC')::date",
        NULL },
    [STORE_FIND_REPEATS] = { "find_repeats", NULL, find_repeats },
    [STORE_SAVE_CALLS] = { "save_calls", NULL, save_calls },
    [STORE_SAVE_PARTICIPANTS] = { "save_participants", NULL, save_participants },
    [STORE_DROP_KEPT] = { "drop_kept",
        "DELETE FROM call_kept_inputs WHERE session_id = ANY($1::uuid[])", NULL },
    [STORE_SAVE_KEPT] = { "save_kept", NULL, save_kept },
    [STORE_SAVE_EVENTS] = { "save_events", NULL, save_events },
    [STORE_SAVE_STRAYS] = { "save_strays",
        "INSERT INTO audit_strays (day, id, chain_rows, chain_mac) VALUES (($1::timestamptz AT "
        "TIME ZONE 'UTC')::date,"
        " $2::text::uuid, $3::bigint, $4::bytea) ON CONFLICT (day) DO UPDATE SET chain_rows = "
        "excluded.chain_rows,"
        " chain_mac = excluded.chain_mac",
        NULL },
    [STORE_SAVE_HEADS] = { "save_heads", NULL, save_heads },
    [STORE_SAVE_SEEN] = { "save_seen",
        "INSERT INTO appservice_events (event_id, received_at) SELECT DISTINCT id, $2::timestamptz"
        " FROM unnest($1::text[]) AS u(id) ORDER BY id ON CONFLICT DO NOTHING",
        NULL },
    [STORE_SAVE_TXN] = { "save_txn",
        "INSERT INTO appservice_txns (id, sha256, received_at) VALUES ($1::text, $2::bytea, "
        "$3::timestamptz)"
        " ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, received_at = "
        "excluded.received_at",
        NULL },
    [STORE_OUTLOOK] = { "outlook",
        "SELECT (SELECT min(due_at) FROM call_sessions WHERE due_at IS NOT NULL),"
        " count(*) FILTER (WHERE kind = 'legacy'), count(*) FILTER (WHERE kind = 'rtc')"
        " FROM call_sessions WHERE " LIVE " AND status IS NOT NULL AND NOT historic",
        NULL },
    [STORE_LIVE_ROOMS] = { "live_rooms",
        "SELECT DISTINCT room_id FROM call_sessions WHERE " LIVE " ORDER BY room_id", NULL },
    [STORE_ROOM_IS_LIVE] = { "room_is_live",
        "SELECT 1 FROM call_sessions s JOIN call_participants p ON p.session_id = s.id"
        " WHERE s.room_id = $1::text AND s." LIVE " AND s.kind = 'rtc' AND p.left_at IS NULL"
        " AND split_part(p.user_id, ':', 1) || ':' || $2::text = p.user_id LIMIT 1",
        NULL },
    /* The row's own lock makes the claim one at a time; a stamp from the future (a clock that was
       set back) does not block it. */
    [STORE_CLAIM_TASK] = { "claim_task",
        "INSERT INTO node_tasks AS t (task, claimed_at) VALUES ($1::text, $2::timestamptz)"
        " ON CONFLICT (task) DO UPDATE SET claimed_at = excluded.claimed_at WHERE"
        " t.claimed_at <= excluded.claimed_at - $3::bigint * interval '1 millisecond' OR"
        " t.claimed_at > excluded.claimed_at + $3::bigint * interval '1 millisecond'",
        NULL },
    [STORE_COUNT_LIVE] = { "count_live", "SELECT count(*) FROM call_sessions WHERE " LIVE, NULL },
    [STORE_LIST_TASKS] = { "list_tasks", "SELECT task, claimed_at FROM node_tasks ORDER BY task",
        NULL },
    [STORE_LIST_LIVE_CALLS] = { "list_live_calls", NULL, list_live_calls },
    [STORE_LIST_LIVE_PEOPLE] = { "list_live_people", NULL, list_live_people },
    [STORE_SAVE_DELEGATION] = { "save_delegation", NULL, save_delegation },
    [STORE_REMOVE_DELEGATION] = { "remove_delegation",
        "DELETE FROM rtc_delegations WHERE alias = $1::text AND identity = $2::text AND"
        " delay_id = $3::text",
        NULL },
    [STORE_TAKE_DELEGATIONS] = { "take_delegations", NULL, take_delegations },
    [STORE_RENEW_DELEGATIONS] = { "renew_delegations",
        "UPDATE rtc_delegations SET held_until = $2::timestamptz WHERE node = $1::text", NULL },
    [STORE_LIST_DELEGATIONS] = { "list_delegations", NULL, list_delegations },
    [STORE_TAKE_DELEGATION] = { "take_delegation", NULL, take_delegation },
    [STORE_SAVE_IDENTITY] = { "save_identity", NULL, save_identity },
    [STORE_DROP_IDENTITIES] = { "drop_identities",
        "DELETE FROM rtc_identities WHERE ctid IN (SELECT ctid FROM rtc_identities"
        " WHERE minted_at < $1::timestamptz LIMIT 100)",
        NULL },
    [STORE_FIND_IDENTITY] = { "find_identity", NULL, find_identity },
    [STORE_BAR_IDENTITIES] = { "bar_identities", NULL, bar_identities },
    [STORE_SAVE_REMOVALS] = { "save_removals", NULL, save_removals },
    [STORE_DROP_REMOVAL] = { "drop_removal",
        "DELETE FROM rtc_removals WHERE room_id = $1::text AND user_id = $2::text"
        " AND device_id = $3::text AND left_at <= $4::timestamptz",
        NULL },
    [STORE_TAKE_REMOVALS] = { "take_removals", NULL, take_removals },
    [STORE_SAVE_STAYS] = { "save_stays", STORE_SAVE_STAYS_SQL, NULL },
    [STORE_END_STAYS] = { "end_stays", STORE_END_STAYS_SQL, NULL },
    [STORE_FIND_STAYS] = { "find_stays", STORE_FIND_STAYS_SQL, NULL },
    [STORE_SAVE_NEWS] = { "save_news", NULL, save_news },
    [STORE_CLAIM_NEWS] = { "claim_news", NULL, claim_news },
    [STORE_NEWS_TOLD] = { "news_told", "DELETE FROM call_news WHERE seq = $1::bigint", NULL },
    [STORE_NOTICE_OVER] = { "notice_over",
        "UPDATE call_news SET state = 'told', body = NULL, problem = $2::text"
        " WHERE seq = $1::bigint",
        NULL },
    /* Whoever claimed it since then has the say. What follows it of the same call waits with it, so
     * that no look passes over all of what waits for a dead receiver. */
    [STORE_NEWS_FAILED] = { "news_failed",
        "WITH first AS (UPDATE call_news SET state = $3::text, due_at = $4::timestamptz,"
        " problem = $5::text WHERE seq = $1::bigint AND attempts = $2::bigint"
        " AND state = 'waiting' RETURNING seq, receiver, session_id)"
        " UPDATE call_news n SET due_at = $4::timestamptz FROM first WHERE n.receiver = "
        "first.receiver"
        " AND n.session_id = first.session_id AND n.state = 'waiting' AND n.seq > first.seq",
        NULL },
    [STORE_ABANDON_NEWS] = { "abandon_news",
        "UPDATE call_news SET state = 'dead', problem = 'no such receiver in the settings'"
        " WHERE state = 'waiting' AND at < $2::timestamptz AND receiver <> ALL($1::text[])",
        NULL },
    [STORE_COUNT_NEWS] = { "count_news",
        "SELECT " COUNT_NEWS("waiting") ", (SELECT min(at) FROM call_news WHERE state = "
                                        "'waiting'), " COUNT_NEWS("dead"),
        NULL },
    [STORE_ADD_WATCHES] = { "add_watches", STORE_ADD_WATCHES_SQL, NULL },
    [STORE_DROP_WATCHES] = { "drop_watches", STORE_DROP_WATCHES_SQL, NULL },
    [STORE_CLAIM_WATCHES] = { "claim_watches", STORE_CLAIM_WATCHES_SQL, NULL },
    [STORE_CLAIM_VISITS] = { "claim_visits", NULL, claim_visits },
    [STORE_SETTLE_WATCHES] = { "settle_watches", NULL, settle_watches },
    [STORE_SETTLE_VISITS] = { "settle_visits", NULL, settle_visits },
    [STORE_HURRY_WATCHES] = { "hurry_watches", STORE_HURRY_WATCHES_SQL, NULL },
    [STORE_PLAN_VISIT] = { "plan_visit", STORE_PLAN_VISIT_SQL, NULL },
    [STORE_PLAN_VISITS] = { "plan_visits", STORE_PLAN_VISITS_SQL, NULL },
    [STORE_BEAT_NODE] = { "beat_node", NULL, beat_node },
    [STORE_SWEEP_NODES] = { "sweep_nodes", STORE_SWEEP_NODES_SQL, NULL },
    [STORE_LIST_NODES] = { "list_nodes", NULL, list_nodes },
    [STORE_DROP_NODE] = { "drop_node", STORE_DROP_NODE_SQL, NULL },
    [STORE_CLAIM_ROOMS] = { "claim_rooms", STORE_CLAIM_ROOMS_SQL, NULL },
    [STORE_FIND_ROOMS] = { "find_rooms", STORE_FIND_ROOMS_SQL, NULL },
    [STORE_RELEASE_ROOMS] = { "release_rooms", STORE_RELEASE_ROOMS_SQL, NULL },
    [STORE_RELEASE_OTHER_ROOMS] = { "release_other_rooms", STORE_RELEASE_OTHER_ROOMS_SQL, NULL },
};

const char *store_statement_name(enum store_statement s) {
    return statements[s].name;
}

static char *make_text(struct arena *arena, void (*make)(struct buf *b)) {
    struct buf b;
    buf_init(&b, 0);
    make(&b);
    char *text = b.bad ? NULL : arena_strdup(arena, buf_str(&b));
    buf_finish(&b);
    return text;
}

enum err store_statements_build(struct arena *arena, const char *ret[STORE_STATEMENTS]) {
    for (int i = 0; i < STORE_STATEMENTS; i++) {
        ret[i] =
            statements[i].make == NULL ? statements[i].text : make_text(arena, statements[i].make);
        if (ret[i] == NULL) {
            return err_set(ERR_NOMEM, "out of memory");
        }
    }
    return OK;
}
