/*
 * The columns of the tables in schema/0001_calls.sql, as tables of fields. Only src/store includes
 * this.  Thread: main.
 */
#ifndef STORE_TABLES_H
#define STORE_TABLES_H

#include "store/call_rows.h"
#include "store/column.h"

/* Rows as they travel: the structs of call_rows.h with the session they belong to. */
struct store_participant_row {
    const char *session_id;
    struct store_participant stay;
};
struct store_kept_row {
    const char *session_id;
    struct store_kept kept;
};
struct store_event_row {
    const char *session_id;
    int n;
    struct store_event event;
    uint8_t salt[STORE_SALT_SIZE];
    const char *payload;
    uint8_t erasable_sha256[SHA256_SIZE];
    uint8_t mac[SHA256_SIZE];
};
/* News for one receiver, as they are written. */
struct store_news_row {
    char id[UUID_TEXT_SIZE];
    const char *receiver;
    const char *session_id;
    const char *room_id;
    const char *type;
    int64_t at;
    int64_t due_at;
    const char *body;
};
/* A head (kind "head") of call_heads. */
struct store_head_row {
    int64_t seq;
    const char *kind;
    const char *session_id;
    int64_t rows;
    uint8_t last_mac[SHA256_SIZE];
    int64_t at;
    uint8_t mac[SHA256_SIZE];
};

enum {
    STORE_CALL_COLUMNS = 39,
    STORE_PARTICIPANT_COLUMNS = 30,
    STORE_KEPT_COLUMNS = 13,
    STORE_EVENT_COLUMNS = 18,
    STORE_REPEAT_COLUMNS = 4,
    STORE_HEAD_COLUMNS = 7,
    STORE_DELEGATION_COLUMNS = 9,
    STORE_IDENTITY_COLUMNS = 10,
    STORE_REMOVAL_COLUMNS = 6,
    STORE_STAY_COLUMNS = 7,
    STORE_NEWS_COLUMNS = 8,
    STORE_CLAIM_COLUMNS = 9,
    STORE_WATCH_COLUMNS = 21,
    STORE_WATCH_FOUND_COLUMNS = 8,
    STORE_VISIT_COLUMNS = 3, /* behind those of the identity */
    STORE_VISIT_FOUND_COLUMNS = 4,
    STORE_NODE_OWN_COLUMNS = 10, /* written; those behind them are read alone */
    STORE_NODE_COLUMNS = 14,
    STORE_PLACE_COLUMNS = 4
};
extern const struct store_column store_call_columns[STORE_CALL_COLUMNS]; /* key: id */
extern const struct store_column
    store_participant_columns[STORE_PARTICIPANT_COLUMNS]; /* key: session_id, n */
extern const struct store_column store_kept_columns[STORE_KEPT_COLUMNS];
extern const struct store_column store_event_columns[STORE_EVENT_COLUMNS];
/* What makes an event a repeat: the columns of the constraint call_events_once. */
extern const struct store_column store_repeat_columns[STORE_REPEAT_COLUMNS];
extern const struct store_column store_head_columns[STORE_HEAD_COLUMNS];
extern const struct store_column
    store_delegation_columns[STORE_DELEGATION_COLUMNS]; /* key: alias, identity */
extern const struct store_column
    store_identity_columns[STORE_IDENTITY_COLUMNS]; /* key: alias, identity */
extern const struct store_column
    store_removal_columns[STORE_REMOVAL_COLUMNS]; /* key: room_id, user_id, device_id */
extern const struct store_column store_stay_columns[STORE_STAY_COLUMNS];   /* key: connection */
extern const struct store_column store_news_columns[STORE_NEWS_COLUMNS];   /* written */
extern const struct store_column store_claim_columns[STORE_CLAIM_COLUMNS]; /* read */
/* As store/watch_sql.h gives and takes them. */
extern const struct store_column store_watch_columns[STORE_WATCH_COLUMNS];
extern const struct store_column store_watch_found_columns[STORE_WATCH_FOUND_COLUMNS];
extern const struct store_column store_visit_columns[STORE_VISIT_COLUMNS];
extern const struct store_column store_visit_found_columns[STORE_VISIT_FOUND_COLUMNS];
extern const struct store_column store_node_columns[STORE_NODE_COLUMNS];   /* key: name */
extern const struct store_column store_place_columns[STORE_PLACE_COLUMNS]; /* read */

#endif
