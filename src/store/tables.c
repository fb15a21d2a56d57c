/* Which field of which struct is which column. Adding a column: here, in schema/, and in
 * call_rows.h. */
#include "store/tables.h"

#include "store/delegations.h"
#include "store/identities.h"
#include "store/news.h"
#include "store/nodes.h"
#include "store/removals.h"
#include "store/stays.h"
#include "store/watches.h"

#define CALL(field, kind) STORE_COLUMN(store_call, field, kind)
#define PARTICIPANT(field, kind)                                                                   \
    { #field, kind, offsetof(struct store_participant_row, stay.field) }
#define KEPT(field, kind)                                                                          \
    { #field, kind, offsetof(struct store_kept_row, kept.field) }
#define ROW(field, kind) STORE_COLUMN(store_event_row, field, kind)
#define EVENT(field, kind)                                                                         \
    { #field, kind, offsetof(struct store_event_row, event.field) }
#define DELEGATION(field, kind) STORE_COLUMN(store_delegation, field, kind)
#define HEAD(field, kind)       STORE_COLUMN(store_head_row, field, kind)
#define IDENTITY(field, kind)   STORE_COLUMN(store_identity, field, kind)
#define REMOVAL(field, kind)    STORE_COLUMN(store_removal, field, kind)
#define STAY(field, kind)       STORE_COLUMN(store_stay, field, kind)
#define NEWS(field, kind)       STORE_COLUMN(store_news_row, field, kind)
#define CLAIM(field, kind)      STORE_COLUMN(store_claimed_news, field, kind)
#define WATCH(field, kind)      STORE_COLUMN(store_watch, field, kind)
#define FOUND(field, kind)      STORE_COLUMN(store_watch_found, field, kind)
#define VISIT(field, kind)      STORE_COLUMN(store_visit, field, kind)
#define VISITED(field, kind)    STORE_COLUMN(store_visit_found, field, kind)
#define NODE(field, kind)       STORE_COLUMN(store_node, field, kind)
#define PLACE(field, kind)      STORE_COLUMN(store_place, field, kind)

const struct store_column store_call_columns[STORE_CALL_COLUMNS] = {
    CALL(id, STORE_UUID),
    CALL(kind, STORE_TEXT),
    CALL(room_id, STORE_TEXT),
    CALL(call_id, STORE_TEXT),
    CALL(natural_key, STORE_TEXT),
    CALL(slot, STORE_TEXT),
    CALL(state, STORE_TEXT),
    CALL(status, STORE_TEXT),
    CALL(media, STORE_TEXT),
    CALL(is_group, STORE_BOOL),
    CALL(historic, STORE_BOOL),
    CALL(partial, STORE_BOOL),
    CALL(rings, STORE_BOOL),
    CALL(caller_user, STORE_TEXT),
    CALL(caller_party, STORE_TEXT),
    CALL(callee_user, STORE_TEXT),
    CALL(selected_user, STORE_TEXT),
    CALL(selected_party, STORE_TEXT),
    CALL(first_event_id, STORE_TEXT),
    CALL(ring_event_id, STORE_TEXT),
    CALL(voip_version, STORE_INT),
    CALL(created_at, STORE_TIME),
    CALL(ringing_at, STORE_TIME),
    CALL(answered_at, STORE_TIME),
    CALL(ended_at, STORE_TIME),
    CALL(duration_ms, STORE_SPAN),
    CALL(deadline_at, STORE_TIME),
    CALL(due_at, STORE_TIME),
    CALL(last_event_at, STORE_TIME),
    CALL(closed_at, STORE_TIME),
    CALL(final_origin_at, STORE_TIME),
    CALL(end_reason, STORE_TEXT),
    CALL(failed_reason, STORE_TEXT),
    CALL(ended_by, STORE_TEXT),
    CALL(superseded_by, STORE_UUID_REF),
    CALL(linked_call_id, STORE_TEXT),
    CALL(peak_users, STORE_INT),
    CALL(chain_rows, STORE_INT),
    CALL(chain_mac, STORE_MAC),
};

const struct store_column store_participant_columns[STORE_PARTICIPANT_COLUMNS] = {
    STORE_COLUMN(store_participant_row, session_id, STORE_UUID_REF),
    PARTICIPANT(n, STORE_INT),
    PARTICIPANT(user_id, STORE_TEXT),
    PARTICIPANT(party, STORE_TEXT),
    PARTICIPANT(role, STORE_TEXT),
    PARTICIPANT(generation, STORE_TEXT),
    PARTICIPANT(entry_key, STORE_TEXT),
    PARTICIPANT(membership_id, STORE_TEXT),
    PARTICIPANT(event_id, STORE_TEXT),
    PARTICIPANT(last_event_id, STORE_TEXT),
    PARTICIPANT(last_origin_at, STORE_TIME),
    PARTICIPANT(joined_at, STORE_TIME),
    PARTICIPANT(answered_at, STORE_TIME),
    PARTICIPANT(expires_at, STORE_TIME),
    PARTICIPANT(left_at, STORE_TIME),
    PARTICIPANT(leave_reason, STORE_TEXT),
    PARTICIPANT(actor, STORE_TEXT),
    PARTICIPANT(focus_url, STORE_TEXT),
    PARTICIPANT(focus_selection, STORE_TEXT),
    PARTICIPANT(focus_ours, STORE_BOOL),
    PARTICIPANT(intent, STORE_TEXT),
    PARTICIPANT(audio_muted, STORE_BOOL),
    PARTICIPANT(video_muted, STORE_BOOL),
    PARTICIPANT(screen_shared, STORE_BOOL),
    PARTICIPANT(refreshes, STORE_INT),
    PARTICIPANT(candidates_host, STORE_INT),
    PARTICIPANT(candidates_srflx, STORE_INT),
    PARTICIPANT(candidates_prflx, STORE_INT),
    PARTICIPANT(candidates_relay, STORE_INT),
    PARTICIPANT(candidates_tcp, STORE_INT),
};

const struct store_column store_kept_columns[STORE_KEPT_COLUMNS] = {
    STORE_COLUMN(store_kept_row, session_id, STORE_UUID_REF),
    KEPT(n, STORE_INT),
    KEPT(input, STORE_INT),
    KEPT(event_id, STORE_TEXT),
    KEPT(sender, STORE_TEXT),
    KEPT(party, STORE_TEXT),
    KEPT(voip_version, STORE_INT),
    KEPT(origin_at, STORE_TIME),
    KEPT(sent_at, STORE_TIME),
    KEPT(received_at, STORE_TIME),
    KEPT(reason, STORE_TEXT),
    KEPT(selected_party, STORE_TEXT),
    KEPT(text, STORE_TEXT),
};

const struct store_column store_event_columns[STORE_EVENT_COLUMNS] = {
    ROW(session_id, STORE_UUID_REF),
    ROW(n, STORE_INT),
    EVENT(type, STORE_TEXT),
    EVENT(room_id, STORE_TEXT),
    EVENT(call_id, STORE_TEXT),
    EVENT(user_id, STORE_TEXT),
    EVENT(subject, STORE_TEXT),
    EVENT(source_event_id, STORE_TEXT),
    EVENT(at, STORE_TIME),
    EVENT(recorded_at, STORE_TIME),
    EVENT(late, STORE_BOOL),
    EVENT(inferred, STORE_BOOL),
    EVENT(ignored, STORE_BOOL),
    EVENT(partial, STORE_BOOL),
    ROW(salt, STORE_SALT),
    ROW(payload, STORE_JSON),
    ROW(erasable_sha256, STORE_MAC),
    ROW(mac, STORE_MAC),
};

const struct store_column store_repeat_columns[STORE_REPEAT_COLUMNS] = {
    ROW(session_id, STORE_UUID_REF),
    EVENT(type, STORE_TEXT),
    EVENT(subject, STORE_TEXT),
    EVENT(source_event_id, STORE_TEXT),
};

const struct store_column store_head_columns[STORE_HEAD_COLUMNS] = {
    HEAD(seq, STORE_SPAN),
    HEAD(kind, STORE_TEXT),
    HEAD(session_id, STORE_UUID_REF),
    HEAD(rows, STORE_SPAN),
    HEAD(last_mac, STORE_MAC),
    HEAD(at, STORE_TIME),
    HEAD(mac, STORE_MAC),
};

const struct store_column store_delegation_columns[STORE_DELEGATION_COLUMNS] = {
    DELEGATION(alias, STORE_TEXT),
    DELEGATION(identity, STORE_TEXT),
    DELEGATION(delay_id, STORE_TEXT),
    DELEGATION(delay_ms, STORE_SPAN),
    DELEGATION(user_id, STORE_TEXT),
    DELEGATION(room_id, STORE_TEXT),
    DELEGATION(state, STORE_TEXT),
    DELEGATION(created_at, STORE_TIME),
    DELEGATION(restarted_at, STORE_TIME),
};

const struct store_column store_identity_columns[STORE_IDENTITY_COLUMNS] = {
    IDENTITY(alias, STORE_TEXT),
    IDENTITY(identity, STORE_TEXT),
    IDENTITY(room_id, STORE_TEXT),
    IDENTITY(slot_id, STORE_TEXT),
    IDENTITY(user_id, STORE_TEXT),
    IDENTITY(device_id, STORE_TEXT),
    IDENTITY(member_id, STORE_TEXT),
    IDENTITY(dialect, STORE_TEXT),
    IDENTITY(minted_at, STORE_TIME),
    IDENTITY(barred_at, STORE_TIME),
};

const struct store_column store_removal_columns[STORE_REMOVAL_COLUMNS] = {
    REMOVAL(room_id, STORE_TEXT),
    REMOVAL(user_id, STORE_TEXT),
    REMOVAL(device_id, STORE_TEXT),
    REMOVAL(reason, STORE_TEXT),
    REMOVAL(actor, STORE_TEXT),
    REMOVAL(left_at, STORE_TIME),
};

const struct store_column store_stay_columns[STORE_STAY_COLUMNS] = {
    STAY(connection, STORE_TEXT),
    STAY(node, STORE_TEXT),
    STAY(run, STORE_TEXT),
    STAY(alias, STORE_TEXT),
    STAY(identity, STORE_TEXT),
    STAY(is_room, STORE_BOOL),
    STAY(since, STORE_TIME),
};

const struct store_column store_news_columns[STORE_NEWS_COLUMNS] = {
    NEWS(id, STORE_UUID),
    NEWS(receiver, STORE_TEXT),
    NEWS(session_id, STORE_UUID_REF),
    NEWS(room_id, STORE_TEXT),
    NEWS(type, STORE_TEXT),
    NEWS(at, STORE_TIME),
    NEWS(due_at, STORE_TIME),
    NEWS(body, STORE_TEXT),
};

const struct store_column store_claim_columns[STORE_CLAIM_COLUMNS] = {
    CLAIM(seq, STORE_SPAN),
    CLAIM(id, STORE_UUID),
    CLAIM(receiver, STORE_TEXT),
    CLAIM(session_id, STORE_UUID),
    CLAIM(room_id, STORE_TEXT),
    CLAIM(type, STORE_TEXT),
    CLAIM(at, STORE_TIME),
    CLAIM(attempts, STORE_INT),
    CLAIM(body, STORE_TEXT),
};

const struct store_column store_watch_columns[STORE_WATCH_COLUMNS] = {
    WATCH(session_id, STORE_UUID_REF),
    WATCH(n, STORE_INT),
    WATCH(room_id, STORE_TEXT),
    WATCH(slot, STORE_TEXT),
    WATCH(user_id, STORE_TEXT),
    WATCH(device_id, STORE_TEXT),
    WATCH(generation, STORE_TEXT),
    WATCH(entry_key, STORE_TEXT),
    WATCH(membership_id, STORE_TEXT),
    WATCH(last_event_id, STORE_TEXT),
    WATCH(places, STORE_TEXT),
    WATCH(heard_at, STORE_TIME),
    WATCH(asked_at, STORE_TIME),
    WATCH(due_at, STORE_TIME),
    WATCH(leased_until, STORE_TIME),
    WATCH(seen_at, STORE_TIME),
    WATCH(absent_at, STORE_TIME),
    WATCH(stale_at, STORE_TIME),
    WATCH(tries, STORE_INT),
    WATCH(in_use, STORE_BOOL),
    WATCH(delegated, STORE_BOOL),
};

const struct store_column store_watch_found_columns[STORE_WATCH_FOUND_COLUMNS] = {
    FOUND(session_id, STORE_UUID_REF),
    FOUND(n, STORE_INT),
    FOUND(leased_until, STORE_TIME),
    FOUND(look_at, STORE_TIME),
    FOUND(seen_at, STORE_TIME),
    FOUND(absent_at, STORE_TIME),
    FOUND(stale_at, STORE_TIME),
    FOUND(tries, STORE_INT),
};

const struct store_column store_visit_columns[STORE_VISIT_COLUMNS] = {
    VISIT(leased_until, STORE_TIME),
    VISIT(left_at, STORE_TIME),
    VISIT(is_member, STORE_BOOL),
};

const struct store_column store_visit_found_columns[STORE_VISIT_FOUND_COLUMNS] = {
    VISITED(alias, STORE_TEXT),
    VISITED(identity, STORE_TEXT),
    VISITED(leased_until, STORE_TIME),
    VISITED(look_at, STORE_TIME),
};

const struct store_column store_node_columns[STORE_NODE_COLUMNS] = {
    NODE(name, STORE_TEXT),
    NODE(run, STORE_TEXT),
    NODE(url, STORE_TEXT),
    NODE(inner_url, STORE_TEXT),
    NODE(version, STORE_TEXT),
    NODE(workers, STORE_INT),
    NODE(members, STORE_INT),
    NODE(draining, STORE_BOOL),
    NODE(started_at, STORE_TIME),
    NODE(clock_at, STORE_TIME),
    NODE(seen_at, STORE_TIME),
    NODE(expires_at, STORE_TIME),
    NODE(alive, STORE_BOOL),
    NODE(rooms, STORE_INT),
};

const struct store_column store_place_columns[STORE_PLACE_COLUMNS] = {
    PLACE(alias, STORE_TEXT),
    PLACE(node, STORE_TEXT),
    PLACE(url, STORE_TEXT),
    PLACE(inner_url, STORE_TEXT),
};
