/* One question to sfu_nodes. */
#include "store/node_report.h"

#include "core/mem.h"
#include "store/node_sql.h"
#include "store/query_wait.h"

#include <stdlib.h>

static void closep(struct store_session **s) {
    store_session_close(*s);
}

enum { NAME, URL, INNER_URL, VERSION, ALIVE, DRAINING, CLOCK_OFF, SILENT, ROOMS, MEMBERS };
static const char question[] =
    "SELECT name, url, inner_url, version, " STORE_NODE_ALIVE ", draining,"
    " (extract(epoch FROM clock_at - seen_at) * 1000)::bigint,"
    " (extract(epoch FROM now() - seen_at) * 1000)::bigint,"
    " (SELECT count(*) FROM sfu_rooms r WHERE r.node = n.name), members"
    " FROM sfu_nodes n ORDER BY 5 DESC, 1";

struct reader {
    store_node_reported *each;
    void *arg;
};

static int64_t number(const char *text) {
    return strtoll(text, NULL, 10);
}

static enum err read_row(void *arg, const char *const *v) {
    const struct reader *r = arg;
    const struct store_node_report row = { .name = v[NAME],
        .url = v[URL],
        .inner_url = v[INNER_URL],
        .version = v[VERSION],
        .alive = v[ALIVE][0] == 't',
        .draining = v[DRAINING][0] == 't',
        .clock_off_ms = number(v[CLOCK_OFF]),
        .silent_ms = number(v[SILENT]),
        .rooms = number(v[ROOMS]),
        .members = number(v[MEMBERS]) };
    return r->each(r->arg, &row);
}

enum err store_node_report_run(const char *url, store_node_reported *each, void *arg) {
    CLEANUP(closep) struct store_session *s = NULL;
    struct reader r = { each, arg };
    TRY(store_session_open(url, &s));
    TRY(store_session_run(s, "SET statement_timeout = '5s'"));
    TRY(store_session_run(s, "BEGIN READ ONLY"));
    return store_session_query(s, question, NULL, 0, read_row, &r);
}
