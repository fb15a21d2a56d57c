/* Two questions over a connection that waits.  Thread: the caller's. */
#include "store/news_desk.h"

#include "core/clock.h"
#include "core/mem.h"
#include "store/query_wait.h"

#include <stdio.h>
#include <stdlib.h>

const char *const store_news_desk_columns[STORE_NEWS_DESK_COLUMNS] = { "seq", "id", "receiver",
    "state", "type", "room_id", "session_id", "at", "due_at", "attempts", "problem" };

#define AS_TEXT(column)                                                                            \
    "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

static void closep(struct store_session **s) {
    store_session_close(*s);
}

enum err store_news_desk_list(const char *url, size_t most, store_news_desk_row *row, void *arg) {
    CLEANUP(closep) struct store_session *s = NULL;
    char limit[24];
    snprintf(limit, sizeof(limit), "%zu", most);
    const char *const params[] = { limit };
    TRY(store_session_open(url, &s));
    return store_session_query(s,
        "SELECT seq, id, receiver, state, type, room_id, session_id, " AS_TEXT("at") ", " AS_TEXT(
            "due_at") ", attempts, problem FROM call_news"
                      " WHERE state <> 'told' ORDER BY seq LIMIT $1::bigint",
        params, COUNT_OF(params), row, arg);
}

static enum err take_number(void *arg, const char *const *values) {
    *(int64_t *)arg = strtoll(values[0], NULL, 10);
    return OK;
}

enum err store_news_desk_retry(const char *url, int64_t now_ms, int64_t *ret) {
    CLEANUP(closep) struct store_session *s = NULL;
    char now[CLOCK_TEXT_SIZE];
    clock_format(now_ms, now);
    const char *const params[] = { now };
    TRY(store_session_open(url, &s));
    return store_session_query(s,
        "WITH again AS (UPDATE call_news SET state = 'waiting', due_at = $1::timestamptz,"
        " at = CASE state WHEN 'dead' THEN $1::timestamptz ELSE at END,"
        " attempts = CASE state WHEN 'dead' THEN 0 ELSE attempts END"
        " WHERE state IN ('waiting', 'dead') AND receiver <> 'room' RETURNING 1)"
        " SELECT count(*) FROM again",
        params, COUNT_OF(params), take_number, ret);
}
