/* Who is found by a purge, as SQL.
 *
 * A name is looked for in every column of text, not only in those that should hold one: clients
 * choose call ids, party ids and keys of entries, and some put a user id into them. A column that
 * the MACs cover (the first block below) cannot be changed: where it names a person, the chain is
 * purged whole.
 *
 * A new table that can name a person needs its step here; tests/live/test_audit_purge.py looks into
 * a dump of all tables. */
#include "store/purge_steps.h"

#include "core/mem.h"

/* --- where a name can stand --- */

#define FIXED_OF_CALL                                                                              \
    "concat_ws(' ', s.room_id, s.call_id, s.natural_key, s.slot, s.first_event_id, "               \
    "s.ring_event_id)"
#define FIXED_OF_ROW "concat_ws(' ', e.type, e.room_id, e.call_id, e.source_event_id)"
#define OTHERS_OF_CALL                                                                             \
    "concat_ws(' ', s.caller_user, s.caller_party, s.callee_user, s.selected_user, "               \
    "s.selected_party, s.end_reason, s.failed_reason, s.ended_by, s.linked_call_id)"
#define OF_PARTICIPANT                                                                             \
    "concat_ws(' ', p.user_id, p.party, p.entry_key, p.membership_id, p.event_id, "                \
    "p.last_event_id, p.leave_reason, p.actor, p.focus_url, p.focus_selection, p.intent)"
#define OF_KEPT       "concat_ws(' ', k.event_id, k.sender, k.party, k.reason, k.selected_party, k.text)"
#define OF_NEWS       "concat_ws(' ', w.room_id, w.body, w.problem)"
#define OTHERS_OF_ROW "concat_ws(' ', e.user_id, e.subject, e.payload::text)"

#define CALL_NAMES(pattern)                                                                        \
    "(" OTHERS_OF_CALL " ~ " pattern                                                               \
    " OR EXISTS (SELECT FROM call_participants p WHERE p.session_id = s.id AND " OF_PARTICIPANT    \
    " ~ " pattern ")"                                                                              \
    " OR EXISTS (SELECT FROM call_kept_inputs k WHERE k.session_id = s.id AND " OF_KEPT            \
    " ~ " pattern "))"

/* --- what may go --- */

/* A unit of work adds to the chain of its day; an hour for those that began before midnight. */
#define NOT_TODAYS_STRAYS                                                                          \
    " AND NOT EXISTS (SELECT FROM audit_strays d WHERE d.id = e.session_id"                        \
    " AND d.day >= ((now() - interval '1 hour') AT TIME ZONE 'UTC')::date)"
#define NO_STRAYS " AND NOT EXISTS (SELECT FROM audit_strays d WHERE d.id = e.session_id)"
#define NOT_LIVE                                                                                   \
    " AND NOT EXISTS (SELECT FROM call_sessions s WHERE s.id = e.session_id AND s.closed_at IS "   \
    "NULL)"

#define CHAIN_LENGTH "(SELECT max(x.n) FROM call_events x WHERE x.session_id = e.session_id)"
#define BY_ID        " AND (s.id, 0) > ($1::uuid, $2::integer) ORDER BY s.id LIMIT $3::integer"
#define BY_CHAIN                                                                                   \
    " AND (e.session_id, 0) > ($1::uuid, $2::integer) ORDER BY e.session_id LIMIT $3::integer"
#define BY_ROW                                                                                     \
    " AND (e.session_id, e.n) > ($1::uuid, $2::integer) ORDER BY e.session_id, e.n LIMIT "         \
    "$3::integer"

#define BY_NEWS " AND (w.id, w.seq) > ($1::uuid, $2::bigint) ORDER BY w.id, w.seq LIMIT $3::integer"

/* --- by age --- */

enum { HISTORY_STEPS = 2 }; /* the first ones: what is no evidence */
static const struct store_purge_step before_steps[] = {
    { STORE_DROP_CALLS, "-infinity",
        "SELECT s.id, 0, s.closed_at FROM call_sessions s WHERE s.closed_at < $4::timestamptz"
        " AND (s.closed_at, s.id) > ($2::timestamptz, $1::uuid) ORDER BY s.closed_at, s.id"
        " LIMIT $3::integer" },
    { STORE_DROP_NEWS, "0",
        "SELECT w.id, 0, w.seq FROM call_news w WHERE w.at < $4::timestamptz" BY_NEWS },
    /* A chain is as old as its last row; the index knows the first, and most calls are short. */
    { STORE_PURGE_CHAINS, "-infinity",
        "SELECT e.session_id, l.n, e.recorded_at FROM call_events e"
        " CROSS JOIN LATERAL (SELECT x.n, x.recorded_at FROM call_events x"
        " WHERE x.session_id = e.session_id ORDER BY x.n DESC LIMIT 1) l"
        " WHERE e.n = 1 AND e.recorded_at < $4::timestamptz AND l.recorded_at < $4::timestamptz"
        " AND (e.recorded_at, e.session_id) > ($2::timestamptz, $1::uuid)"
        " AND NOT EXISTS (SELECT FROM call_sessions s WHERE s.id = e.session_id"
        " AND (s.closed_at IS NULL OR s.closed_at >= $4::timestamptz))" NOT_TODAYS_STRAYS
        " ORDER BY e.recorded_at, e.session_id LIMIT $3::integer" },
};

#define LIVE_BEFORE                                                                                \
    "SELECT count(*) FROM call_sessions s WHERE s.closed_at IS NULL"                               \
    " AND s.created_at < $1::timestamptz"

/* --- by room --- */

/* The first row of a call's chain has the call's room as they all have. Events of no call share
 * their chain with other rooms', so of those only what names people goes. */
static const struct store_purge_step room_steps[] = {
    { STORE_DROP_CALLS, "0",
        "SELECT s.id, 0, 0 FROM call_sessions s WHERE s.room_id = $4::text"
        " AND s.closed_at IS NOT NULL" BY_ID },
    { STORE_DROP_NEWS, "0",
        "SELECT w.id, 0, w.seq FROM call_news w WHERE w.room_id = $4::text"
        " AND NOT EXISTS (SELECT FROM call_sessions s WHERE s.id = w.session_id"
        " AND s.closed_at IS NULL)" BY_NEWS },
    { STORE_PURGE_CHAINS, "0",
        "SELECT e.session_id, " CHAIN_LENGTH
        ", 0 FROM call_events e WHERE e.room_id = $4::text AND e.n = 1" NO_STRAYS NOT_LIVE
            BY_CHAIN },
    { STORE_ERASE_ROWS, "0",
        "SELECT e.session_id, e.n, e.n FROM call_events e WHERE e.room_id = $4::text"
        " AND e.salt IS NOT NULL"
        " AND EXISTS (SELECT FROM audit_strays d WHERE d.id = e.session_id)" BY_ROW },
};

#define LIVE_IN_ROOM                                                                               \
    "SELECT count(*) FROM call_sessions s WHERE s.closed_at IS NULL AND s.room_id = $1::text"

/* --- by person --- */

static const struct store_purge_step user_steps[] = {
    { STORE_DROP_CALLS, "0",
        "SELECT s.id, 0, 0 FROM call_sessions s WHERE s.closed_at IS NOT NULL"
        " AND $4::text IS NOT NULL AND " FIXED_OF_CALL " ~ $5::text" BY_ID },
    { STORE_PURGE_CHAINS, "0",
        "SELECT e.session_id, " CHAIN_LENGTH
        ", 0 FROM (SELECT DISTINCT e.session_id FROM call_events e WHERE $4::text IS NOT NULL"
        " AND " FIXED_OF_ROW " ~ $5::text) e WHERE true" NOT_TODAYS_STRAYS NOT_LIVE BY_CHAIN },
    { STORE_ERASE_CALLS, "0",
        "SELECT s.id, 0, 0 FROM call_sessions s WHERE s.closed_at IS NOT NULL"
        " AND $4::text IS NOT NULL AND " CALL_NAMES("$5::text") BY_ID },
    { STORE_ERASE_NEWS, "0",
        "SELECT w.id, 0, w.seq FROM call_news w WHERE $4::text IS NOT NULL AND " OF_NEWS
        " ~ $5::text" BY_NEWS },
    /* By index, which is nearly all of them ... */
    { STORE_ERASE_ROWS, "0",
        "SELECT e.session_id, e.n, e.n FROM call_events e WHERE e.user_id = $4::text"
        " AND $5::text IS NOT NULL" NOT_LIVE BY_ROW },
    /* ... and the others by reading the table. */
    { STORE_ERASE_ROWS, "0",
        "SELECT e.session_id, e.n, e.n FROM call_events e WHERE $4::text IS NOT NULL"
        " AND e.user_id IS DISTINCT FROM $4::text AND " OTHERS_OF_ROW
        " ~ $5::text" NOT_LIVE BY_ROW },
};

/* What events of no call name in a column that stays is only purged when their day is over; a
 * delegation goes by itself when its client has left, whom a token was made for after two days,
 * whom to take out of the SFU in minutes, and who is in it by leaving. */
#define LIVE_OF_USER                                                                               \
    "SELECT (SELECT count(*) FROM call_sessions s WHERE s.closed_at IS NULL AND $1::text IS NOT "  \
    "NULL"                                                                                         \
    " AND (" FIXED_OF_CALL " ~ $2::text OR " CALL_NAMES(                                           \
        "$2::text") " OR EXISTS (SELECT FROM call_events e WHERE e.session_id = s.id"              \
                    " AND (" FIXED_OF_ROW " ~ $2::text OR " OTHERS_OF_ROW " ~ $2::text))))"        \
                    " + (SELECT count(DISTINCT d.id) FROM audit_strays d JOIN call_events e ON "   \
                    "e.session_id = "                                                              \
                    "d.id"                                                                         \
                    " WHERE d.day >= ((now() - interval '1 hour') AT TIME ZONE 'UTC')::date"       \
                    " AND " FIXED_OF_ROW " ~ $2::text)"                                            \
                    " + (SELECT count(*) FROM rtc_delegations r"                                   \
                    " WHERE concat_ws(' ', r.alias, r.identity, r.delay_id, r.user_id, "           \
                    "r.room_id) ~ $2::text"                                                        \
                    " AND NOT EXISTS (SELECT FROM call_sessions s WHERE s.room_id = r.room_id"     \
                    " AND s.closed_at IS NULL))"                                                   \
                    " + (SELECT count(*) FROM rtc_identities i"                                    \
                    " WHERE concat_ws(' ', i.alias, i.identity, i.room_id, i.slot_id, i.user_id, " \
                    "i.device_id, i.member_id) ~ $2::text"                                         \
                    " AND NOT EXISTS (SELECT FROM call_sessions s WHERE s.room_id = i.room_id"     \
                    " AND s.closed_at IS NULL))"                                                   \
                    " + (SELECT count(*) FROM rtc_removals m"                                      \
                    " WHERE concat_ws(' ', m.room_id, m.user_id, m.device_id, m.actor) ~ $2::text" \
                    " AND NOT EXISTS (SELECT FROM call_sessions s WHERE s.room_id = m.room_id"     \
                    " AND s.closed_at IS NULL))"                                                   \
                    " + (SELECT count(*) FROM sfu_stays y"                                         \
                    " WHERE concat_ws(' ', y.alias, y.identity) ~ $2::text"                        \
                    " AND NOT EXISTS (SELECT FROM rtc_identities i JOIN call_sessions s"           \
                    " ON s.room_id = i.room_id WHERE i.alias = y.alias"                            \
                    " AND i.identity = y.identity AND s.closed_at IS NULL))"

#define ACTS_OF_USER                                                                               \
    "SELECT count(*) FROM call_heads WHERE concat_ws(' ', what, reason, actor) ~ $1::text"

/* --- replacing a name --- */

#define OVER_AND_HELD                                                                              \
    "s.id = ANY($1::uuid[]) AND s.closed_at IS NOT NULL"                                           \
    " AND s.room_id = ANY(current_setting('parley.rooms')::text[])"
/* The person's own device goes whole, and what merely mentions the person loses the name. */
#define OWN(column, owner)                                                                         \
    column " = CASE WHEN " owner " = $2::text THEN NULL ELSE regexp_replace(" column               \
           ", $3::text, $4::text, 'g') END"
#define NAMED(column) column " = regexp_replace(" column ", $3::text, $4::text, 'g')"

const char store_purge_erase_sessions[] = "UPDATE call_sessions s SET " NAMED(
    "caller_user") ", " OWN("caller_party",
    "caller_user") ", " NAMED("callee_user") ", " NAMED("selected_user") ", " OWN("selected_party",
    "selected_user") ", " NAMED("end_reason") ", " NAMED("failed_reason") ", " NAMED("ended_by") ","
                                                                                                 " " NAMED(
                                                                                                     "linked_call_id") " WHERE " OVER_AND_HELD;

const char store_purge_erase_participants[] = "UPDATE call_participants p SET " NAMED(
    "user_id") ", " OWN("party", "user_id") ", " OWN("entry_key",
    "user_id") ", " OWN("membership_id",
    "user_id") ", " NAMED("event_id") ", " NAMED("last_event_id") ", " NAMED("leave_reason") ","
                                                                                             " " NAMED("actor") ", " NAMED("focus_url") ", " NAMED(
                                                                                                 "f"
                                                                                                 "o"
                                                                                                 "c"
                                                                                                 "u"
                                                                                                 "s"
                                                                                                 "_"
                                                                                                 "s"
                                                                                                 "e"
                                                                                                 "l"
                                                                                                 "e"
                                                                                                 "c"
                                                                                                 "t"
                                                                                                 "i"
                                                                                                 "o"
                                                                                                 "n") ", " NAMED("intent") " WHERE p.session_id IN (SELECT s.id FROM call_sessions s WHERE " OVER_AND_HELD
                                                                                                                           ")"
                                                                                                                           " AND (p.user_id = $2::text OR " OF_PARTICIPANT
                                                                                                                           " ~ $3::text)";

/* What a stub kept is of no use once the call is over. */
const char store_purge_erase_kept[] =
    "DELETE FROM call_kept_inputs k WHERE k.session_id IN (SELECT s.id FROM call_sessions s "
    "WHERE " OVER_AND_HELD ") AND (k.sender = $2::text OR " OF_KEPT
    " ~ $3::text OR $4::text IS NULL)";

/* What was not told yet is told without the name. A room that names the person is a room nobody can
 * be told of any more. */
const char store_purge_erase_news[] = "UPDATE call_news w SET " NAMED("room_id") ", " NAMED(
    "body") ", " NAMED("problem") " WHERE w.id = "
                                  "ANY($1::uuid[]) AND $2::text IS NOT NULL";

/* --- the scopes --- */

const struct store_purge_steps *store_purge_steps(enum store_purge_scope scope) {
    static const struct store_purge_steps all[] = {
        [STORE_PURGE_HISTORY] = { before_steps, HISTORY_STEPS, NULL, NULL },
        [STORE_PURGE_BEFORE] = { before_steps, COUNT_OF(before_steps), LIVE_BEFORE, NULL },
        [STORE_PURGE_ROOM] = { room_steps, COUNT_OF(room_steps), LIVE_IN_ROOM, NULL },
        [STORE_PURGE_USER] = { user_steps, COUNT_OF(user_steps), LIVE_OF_USER, ACTS_OF_USER },
    };
    return &all[scope];
}
