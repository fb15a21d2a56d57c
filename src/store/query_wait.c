/* A blocking connection, and rows one by one (libpq's single-row mode). */
#include "store/query_wait.h"

#include "core/mem.h"
#include "store/query_session.h"

#include <libpq-fe.h>
#include <string.h>

#define COLUMNS_MAX 64 /* of one result */

static void ignore_notice(void *arg, const PGresult *r) {
    (void)arg;
    (void)r;
}

/* libpq's messages end in a newline. */
static enum err fail(const char *message) {
    int n = (int)strcspn(message, "\n");
    return err_set(ERR_DATABASE, "%.*s", n, message);
}

enum err store_session_open(const char *url, struct store_session **ret) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options == NULL) {
        return err_set(ERR_INVALID, "database.url is no PostgreSQL connection string");
    }
    PQconninfoFree(options);
    struct store_session *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    const char *const keys[] = { "application_name", "dbname", "client_encoding", NULL };
    const char *const values[] = { "parley", url, "UTF8", NULL };
    s->pg = PQconnectdbParams(keys, values, 1);
    if (PQstatus(s->pg) != CONNECTION_OK) {
        enum err e = fail(PQerrorMessage(s->pg));
        store_session_close(s);
        return e;
    }
    PQsetNoticeReceiver(s->pg, ignore_notice, NULL);
    *ret = s;
    return OK;
}

void store_session_close(struct store_session *s) {
    if (s != NULL) {
        PQfinish(s->pg);
        mem_free(s);
    }
}

enum err store_session_run(struct store_session *s, const char *sql) {
    PGresult *r = PQexec(s->pg, sql);
    ExecStatusType status = PQresultStatus(r);
    bool good =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    PQclear(r);
    return good ? OK : fail(PQerrorMessage(s->pg));
}

static enum err hand_on(const PGresult *r, store_session_row *row, void *arg) {
    const char *values[COLUMNS_MAX];
    int n = PQnfields(r);
    if (n > COLUMNS_MAX) {
        return err_set(ERR_TOO_LARGE, "more than %d columns", COLUMNS_MAX);
    }
    for (int i = 0; i < n; i++) {
        values[i] = PQgetisnull(r, 0, i) != 0 ? NULL : PQgetvalue(r, 0, i);
    }
    return row(arg, values);
}

/* Stops a query whose reader has had enough; the server's own error for it is of no interest. */
static void cancel(struct store_session *s) {
    char why[256];
    PGcancel *c = PQgetCancel(s->pg);
    if (c != NULL) {
        (void)PQcancel(c, why, sizeof(why));
        PQfreeCancel(c);
    }
}

enum err store_session_query(struct store_session *s, const char *sql, const char *const *params,
    size_t n, store_session_row *row, void *arg) {
    if (PQsendQueryParams(s->pg, sql, (int)n, NULL, params, NULL, NULL, 0) != 1 ||
        PQsetSingleRowMode(s->pg) != 1) {
        return fail(PQerrorMessage(s->pg));
    }
    enum err e = OK;
    for (PGresult *r = PQgetResult(s->pg); r != NULL; r = PQgetResult(s->pg)) {
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_SINGLE_TUPLE && e == OK && row != NULL) {
            e = hand_on(r, row, arg);
            if (e != OK) {
                cancel(s);
            }
        } else if (status == PGRES_FATAL_ERROR && e == OK) {
            e = fail(PQresultErrorMessage(r));
        }
        PQclear(r);
    }
    return e;
}
