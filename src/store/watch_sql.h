/*
 * The SQL of store/watches, for the table in store/statements. Only src/store includes this.
 */
#ifndef STORE_WATCH_SQL_H
#define STORE_WATCH_SQL_H

/* Is an identity `i` the device of a stay `p`? A token or a stay that named no device may be any of
 * the user's: whoever might be there is not held to be gone. */
#define STORE_SAME_DEVICE                                                                          \
    "(i.device_id = p.party OR i.device_id = '' OR coalesce(p.party, '') = '' OR"                  \
    " (i.member_id <> '' AND i.member_id = p.membership_id))"
/* Surely, not just maybe. */
#define STORE_VERY_DEVICE                                                                          \
    "((i.device_id <> '' AND i.device_id = p.party) OR"                                            \
    " (i.member_id <> '' AND i.member_id = p.membership_id))"

/* $1 now */
#define STORE_ADD_WATCHES_SQL                                                                      \
    "INSERT INTO rtc_watches (session_id, n, look_at)"                                             \
    " SELECT p.session_id, p.n, $1::timestamptz FROM call_sessions s"                              \
    " JOIN call_participants p ON p.session_id = s.id"                                             \
    " WHERE s.closed_at IS NULL AND s.kind = 'rtc' AND NOT s.historic AND p.left_at IS NULL"       \
    " AND p.focus_ours AND NOT EXISTS (SELECT FROM rtc_watches w"                                  \
    " WHERE w.session_id = p.session_id AND w.n = p.n OFFSET 0) LIMIT 1000 ON CONFLICT DO NOTHING"

#define STORE_DROP_WATCHES_SQL                                                                     \
    "DELETE FROM rtc_watches w USING call_participants p"                                          \
    " WHERE p.session_id = w.session_id AND p.n = w.n AND p.left_at IS NOT NULL"

/* Which SFU a client uses that goes by oldest_membership, the oldest member decides. For a minute
 * after one left who was elsewhere, clients may still be on their way to us. $1 now */
#define STORE_FOCUS_IN_USE                                                                         \
    "(p.focus_ours AND (p.focus_selection IS DISTINCT FROM 'oldest_membership' OR"                 \
    " (coalesce((SELECT o.focus_ours FROM call_participants o WHERE o.session_id = s.id"           \
    " AND o.left_at IS NULL ORDER BY o.joined_at, o.n LIMIT 1), false)"                            \
    " AND NOT EXISTS (SELECT FROM call_participants o WHERE o.session_id = s.id"                   \
    " AND NOT o.focus_ours AND o.left_at > $1::timestamptz - interval '1 minute'))))"

#define STORE_OF_USER "i.room_id = s.room_id AND i.user_id = p.user_id"

/* A line end in a name is somebody's mischief; the names that we can compute are looked for anyway.
 * $1 now, $2 lease, $3 how many */
#define STORE_CLAIM_WATCHES_SQL                                                                    \
    "UPDATE rtc_watches w SET look_at = $2::timestamptz FROM"                                      \
    " (SELECT session_id, n, look_at AS due_at FROM rtc_watches"                                   \
    " WHERE look_at <= $1::timestamptz ORDER BY look_at LIMIT $3::bigint"                          \
    " FOR UPDATE SKIP LOCKED) AS due, call_participants p, call_sessions s"                        \
    " WHERE w.session_id = due.session_id AND w.n = due.n AND p.session_id = w.session_id"         \
    " AND p.n = w.n AND s.id = w.session_id"                                                       \
    " RETURNING w.session_id, w.n, s.room_id, s.call_id, p.user_id, p.party, p.generation,"        \
    " p.entry_key, p.membership_id, p.last_event_id,"                                              \
    " (SELECT string_agg(i.alias || E'\\n' || i.identity, E'\\n') FROM (SELECT alias, identity,"   \
    " device_id, member_id FROM rtc_identities i WHERE " STORE_OF_USER                             \
    " AND strpos(identity, E'\\n') = 0 ORDER BY minted_at DESC LIMIT 20) i"                        \
    " WHERE " STORE_SAME_DEVICE "),"                                                               \
    " p.last_origin_at, (SELECT max(i.minted_at) FROM rtc_identities i WHERE " STORE_OF_USER       \
    " AND " STORE_SAME_DEVICE "),"                                                                 \
    " due.due_at, w.look_at, w.seen_at, w.absent_at, w.stale_at, w.tries, " STORE_FOCUS_IN_USE "," \
    " EXISTS (SELECT FROM rtc_delegations d WHERE d.user_id = p.user_id"                           \
    " AND d.room_id = s.room_id AND (d.identity = p.user_id || ':' || p.party OR NOT EXISTS"       \
    " (SELECT FROM rtc_identities i WHERE i.alias = d.alias AND i.identity = d.identity"           \
    " AND NOT " STORE_SAME_DEVICE " OFFSET 0)))"

/* What is found is written only where nothing made it due meanwhile. */
#define STORE_SETTLE_WATCHES_BEHIND                                                                \
    " WHERE w.session_id = u.session_id AND w.n = u.n AND w.look_at = u.leased_until"              \
    " RETURNING w.session_id::text, w.n::bigint"

/* Sticky member events are encrypted in encrypted rooms: that one came is all that is known. Who
 * asks in the old way writes entries that everybody can read. $1 now, $2 lease, $3 how many */
#define STORE_CLAIM_VISITS_BEFORE                                                                  \
    "UPDATE rtc_identities i SET look_at = $2::timestamptz FROM"                                   \
    " (SELECT alias, identity FROM rtc_identities WHERE look_at <= $1::timestamptz"                \
    " ORDER BY look_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED) AS due"                            \
    " WHERE i.alias = due.alias AND i.identity = due.identity RETURNING "
#define STORE_CLAIM_VISITS_BEHIND                                                                  \
    ", i.look_at, (SELECT max(p.left_at) FROM call_participants p"                                 \
    " JOIN call_sessions s ON s.id = p.session_id WHERE p.user_id = i.user_id"                     \
    " AND p.joined_at > $4::timestamptz AND s.room_id = i.room_id AND s.kind = 'rtc'"              \
    " AND " STORE_VERY_DEVICE "),"                                                                 \
    " EXISTS (SELECT FROM call_sessions s JOIN call_participants p ON p.session_id = s.id"         \
    " WHERE s.room_id = i.room_id AND s.kind = 'rtc' AND s.closed_at IS NULL"                      \
    " AND p.left_at IS NULL AND p.user_id = i.user_id AND " STORE_SAME_DEVICE ")"                  \
    " OR (i.dialect <> 'old' AND EXISTS (SELECT FROM call_events e WHERE e.user_id = i.user_id"    \
    " AND e.room_id = i.room_id AND e.type = 'rtc_member_opaque' AND e.at > $5::timestamptz))"

#define STORE_SETTLE_VISITS_BEHIND                                                                 \
    " WHERE i.alias = u.alias AND i.identity = u.identity AND i.look_at = u.leased_until"          \
    " RETURNING i.alias, i.identity"

/* $1 room, $2 user, $3 when */
#define STORE_HURRY_WATCHES_SQL                                                                    \
    "UPDATE rtc_watches w SET look_at = $3::timestamptz FROM call_sessions s"                      \
    " JOIN call_participants p ON p.session_id = s.id WHERE s.room_id = $1::text"                  \
    " AND s.closed_at IS NULL AND p.left_at IS NULL AND p.user_id = $2::text"                      \
    " AND w.session_id = p.session_id AND w.n = p.n"
/* $1 alias, $2 identity, $3 when */
#define STORE_PLAN_VISIT_SQL                                                                       \
    "UPDATE rtc_identities SET look_at = $3::timestamptz"                                          \
    " WHERE alias = $1::text AND identity = $2::text"
/* $1 room, $2 user, $3 when */
#define STORE_PLAN_VISITS_SQL                                                                      \
    "UPDATE rtc_identities SET look_at = $3::timestamptz"                                          \
    " WHERE room_id = $1::text AND user_id = $2::text AND barred_at IS NULL"

#endif
