/* Both look at the newest calls only, by their index: a large audit must not make them slow. */
#include "store/call_places.h"

#include "store/query_wait.h"

#include <stdio.h>

#define NEWEST                                                                                     \
    "FROM (SELECT room_id, caller_user, created_at FROM call_sessions "                            \
    "ORDER BY created_at DESC NULLS LAST LIMIT 2000) AS newest "

struct asking {
    store_call_place *one;
    void *arg;
};

static enum err take(void *arg, const char *const *values) {
    struct asking *a = arg;
    return a->one(a->arg, values[0]);
}

static enum err ask(
    struct store_session *s, const char *sql, size_t most, store_call_place *one, void *arg) {
    char limit[24];
    const char *const params[] = { limit };
    struct asking a = { one, arg };
    snprintf(limit, sizeof(limit), "%zu", most);
    return store_session_query(s, sql, params, 1, take, &a);
}

enum err store_call_rooms(struct store_session *s, size_t most, store_call_place *one, void *arg) {
    return ask(s,
        "SELECT room_id " NEWEST
        "GROUP BY room_id ORDER BY max(created_at) DESC NULLS LAST LIMIT $1::bigint",
        most, one, arg);
}

enum err store_callers(struct store_session *s, size_t most, store_call_place *one, void *arg) {
    return ask(s,
        "SELECT caller_user " NEWEST "WHERE caller_user IS NOT NULL "
        "GROUP BY caller_user ORDER BY max(created_at) DESC NULLS LAST LIMIT $1::bigint",
        most, one, arg);
}
