/* Questions that change nothing, and a guess at what a failed connection means. */
#include "store/probe.h"

#include "core/clock.h"
#include "core/mem.h"
#include "store/query_wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void closep(struct store_session **s) {
    store_session_close(*s);
}

/* libpq has no codes for a connection that fails, only words; they are English, because we set no
 * locale. The server's own words may be in its language: then it is "other", and they are shown. */
static const struct {
    const char *words;
    enum store_trouble trouble;
} signs[] = {
    { "could not translate host name", STORE_TROUBLE_NAME },
    { "Connection refused", STORE_TROUBLE_REFUSED },
    { "No such file or directory", STORE_TROUBLE_SOCKET },
    { "timeout expired", STORE_TROUBLE_TIMEOUT },
    { "Connection timed out", STORE_TROUBLE_TIMEOUT },
    { "No route to host", STORE_TROUBLE_TIMEOUT },
    { "Network is unreachable", STORE_TROUBLE_TIMEOUT },
    { "authentication failed", STORE_TROUBLE_AUTH },
    { "no password supplied", STORE_TROUBLE_AUTH },
    { "no pg_hba.conf entry", STORE_TROUBLE_AUTH },
    { "role \"", STORE_TROUBLE_AUTH },
    { "permission denied", STORE_TROUBLE_AUTH },
    { "database \"", STORE_TROUBLE_DATABASE },
    { "too many clients", STORE_TROUBLE_FULL },
    { "connection slots", STORE_TROUBLE_FULL },
    { "starting up", STORE_TROUBLE_NOT_READY },
    { "shutting down", STORE_TROUBLE_NOT_READY },
    { "recovery", STORE_TROUBLE_NOT_READY },
};

enum store_trouble store_trouble_of(enum err e, const char *sentence) {
    if (e == ERR_INVALID) {
        return STORE_TROUBLE_URL;
    }
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        if (strstr(sentence, signs[i].words) != NULL) {
            return signs[i].trouble;
        }
    }
    return STORE_TROUBLE_OTHER;
}

/* --- questions --- */

static void copy(char ret[STORE_PROBE_TEXT_SIZE], const char *value) {
    snprintf(ret, STORE_PROBE_TEXT_SIZE, "%s", value == NULL ? "" : value);
}

static bool is_true(const char *value) {
    return value != NULL && value[0] == 't';
}

static enum err read_server(void *arg, const char *const *values) {
    struct store_probe *p = arg;
    p->version = atoi(values[0]);
    p->standby = is_true(values[1]);
    copy(p->encoding, values[2]);
    copy(p->user, values[3]);
    p->migrated = is_true(values[4]);
    return OK;
}

static enum err read_clock(void *arg, const char *const *values) {
    *(int64_t *)arg = strtoll(values[0], NULL, 10);
    return OK;
}

static enum err read_key(void *arg, const char *const *values) {
    struct store_probe *p = arg;
    copy(p->fingerprint, values[0]);
    p->audit_empty = is_true(values[1]);
    return OK;
}

/* Asked by itself, so that the round trip is short. */
static enum err ask_clock(struct store_session *s, int64_t *ret) {
    int64_t there = 0;
    int64_t before = clock_wall_ms();
    TRY(store_session_query(s, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
        NULL, 0, read_clock, &there));
    *ret = there - (before + clock_wall_ms()) / 2;
    return OK;
}

enum err store_probe_run(const char *url, struct store_probe *ret) {
    CLEANUP(closep) struct store_session *s = NULL;
    struct store_probe p = { 0 };
    TRY(store_session_open(url, &s));
    /* A migration under way holds locks: better no answer than a long wait. */
    TRY(store_session_run(s, "SET statement_timeout = '5s'"));
    TRY(store_session_run(s, "BEGIN READ ONLY"));
    TRY(store_session_query(s,
        "SELECT current_setting('server_version_num'), pg_is_in_recovery(),"
        " current_setting('server_encoding'), current_user,"
        " to_regclass('audit_keys') IS NOT NULL AND to_regclass('call_events') IS NOT NULL",
        NULL, 0, read_server, &p));
    TRY(ask_clock(s, &p.clock_off_ms));
    if (p.migrated) {
        TRY(store_session_query(s,
            "SELECT (SELECT fingerprint FROM audit_keys ORDER BY epoch DESC LIMIT 1),"
            " NOT EXISTS (SELECT FROM call_events)",
            NULL, 0, read_key, &p));
    }
    *ret = p;
    return OK;
}
