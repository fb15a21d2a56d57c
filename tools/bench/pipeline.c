/*
 * The measure for store/: the same rows, sent by bare libpq.
 *
 *     pipeline <source url> <target url> [events a transaction]
 *
 * Reads what a run of Parley has written from the source database into memory, then writes it to
 * the target (an empty database with the same schema): each row one prepared INSERT in pipeline
 * mode, each transaction of the source one transaction with its COMMIT waited for, or each so many
 * audit rows when a number is given. Reading the source is not timed. Prints one line of JSON.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COLUMNS_MAX 64

/* Which transaction a row belongs to: of an event by its time of recording, one transaction having
 * one time; of the rest by what it hangs on or by its own time. */
#define GROUP_AT(time) "coalesce((SELECT max(g) FROM bench_start WHERE since <= t." time "), 1)"

struct table {
    const char *name;
    const char *group; /* SQL */
    PGresult *rows;    /* column 0 is the group */
    int next;
    Oid types[COLUMNS_MAX];
};

static struct table tables[] = {
    { .name = "call_sessions",
        .group = "coalesce((SELECT min(g) FROM bench_group b WHERE b.session_id = t.id), 1)" },
    { .name = "call_participants",
        .group =
            "coalesce((SELECT min(g) FROM bench_group b WHERE b.session_id = t.session_id), 1)" },
    { .name = "call_kept_inputs",
        .group =
            "coalesce((SELECT min(g) FROM bench_group b WHERE b.session_id = t.session_id), 1)" },
    { .name = "call_events",
        .group = "(SELECT g FROM bench_group b WHERE b.session_id = t.session_id AND b.n = t.n)" },
    { .name = "call_heads", .group = GROUP_AT("at") },
    { .name = "appservice_events", .group = GROUP_AT("received_at") },
    { .name = "appservice_txns", .group = GROUP_AT("received_at") },
};
#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

static void die(const char *what, const char *why) {
    fprintf(stderr, "pipeline: %s: %s\n", what, why);
    exit(1);
}

static PGconn *connect_to(const char *url) {
    PGconn *c = PQconnectdb(url);
    if (PQstatus(c) != CONNECTION_OK) {
        die("connect", PQerrorMessage(c));
    }
    return c;
}

static void run(PGconn *c, const char *sql) {
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) {
        die(sql, PQerrorMessage(c));
    }
    PQclear(r);
}

/* --- reading --- */

static void read_groups(PGconn *c, long per_group) {
    char sql[512];
    snprintf(sql, sizeof(sql),
        "CREATE TEMP TABLE bench_group AS SELECT session_id, n, recorded_at,"
        " CASE WHEN %ld = 0 THEN dense_rank() OVER (ORDER BY recorded_at)"
        " ELSE (row_number() OVER (ORDER BY recorded_at, session_id, n) - 1) / greatest(1, %ld) + "
        "1 END AS g"
        " FROM call_events",
        per_group, per_group);
    run(c, sql);
    run(c, "CREATE INDEX ON bench_group (session_id, n)");
    run(c, "CREATE TEMP TABLE bench_start AS SELECT g, min(recorded_at) AS since FROM bench_group "
           "GROUP BY g");
    run(c, "CREATE INDEX ON bench_start (since, g)");
    run(c, "ANALYZE bench_group; ANALYZE bench_start");
}

static void read_table(PGconn *c, struct table *t) {
    char sql[512];
    snprintf(sql, sizeof(sql), "SELECT (%s)::integer AS bench_g, t.* FROM %s t ORDER BY 1",
        t->group, t->name);
    t->rows = PQexecParams(c, sql, 0, NULL, NULL, NULL, NULL, 1);
    if (PQresultStatus(t->rows) != PGRES_TUPLES_OK) {
        die(t->name, PQerrorMessage(c));
    }
    for (int i = 1; i < PQnfields(t->rows) && i < COLUMNS_MAX; i++) {
        t->types[i - 1] = PQftype(t->rows, i);
    }
}

static int group_of(const struct table *t, int row) {
    const unsigned char *b = (const unsigned char *)PQgetvalue(t->rows, row, 0);
    return (int)((unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3]);
}

/* --- writing --- */

static void prepare(PGconn *c, const struct table *t) {
    char sql[4096];
    int n = snprintf(sql, sizeof(sql), "INSERT INTO %s (", t->name);
    for (int i = 1; i < PQnfields(t->rows); i++) {
        n += snprintf(
            sql + n, sizeof(sql) - (size_t)n, "%s%s", i == 1 ? "" : ", ", PQfname(t->rows, i));
    }
    n += snprintf(sql + n, sizeof(sql) - (size_t)n, ") VALUES (");
    for (int i = 1; i < PQnfields(t->rows); i++) {
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, "%s$%d", i == 1 ? "" : ", ", i);
    }
    snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
    PGresult *r = PQprepare(c, t->name, sql, PQnfields(t->rows) - 1, t->types);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        die(sql, PQerrorMessage(c));
    }
    PQclear(r);
}

static void send_row(PGconn *c, const struct table *t, int row) {
    const char *values[COLUMNS_MAX];
    int lengths[COLUMNS_MAX];
    int formats[COLUMNS_MAX];
    int n = PQnfields(t->rows) - 1;
    for (int i = 0; i < n; i++) {
        values[i] = PQgetisnull(t->rows, row, i + 1) != 0 ? NULL : PQgetvalue(t->rows, row, i + 1);
        lengths[i] = PQgetlength(t->rows, row, i + 1);
        formats[i] = 1;
    }
    if (PQsendQueryPrepared(c, t->name, n, values, lengths, formats, 1) != 1) {
        die(t->name, PQerrorMessage(c));
    }
}

/* Reads and writes until the transaction is over. */
static void await_sync(PGconn *c) {
    for (;;) {
        int left = PQflush(c);
        while (PQisBusy(c) == 0) {
            PGresult *r = PQgetResult(c);
            ExecStatusType status = PQresultStatus(r);
            bool bad = status == PGRES_FATAL_ERROR && r != NULL;
            if (bad) {
                die("insert", PQerrorMessage(c));
            }
            PQclear(r);
            if (status == PGRES_PIPELINE_SYNC) {
                return;
            }
        }
        struct pollfd p = { .fd = PQsocket(c),
            .events = (short)(left > 0 ? POLLIN | POLLOUT : POLLIN) };
        if (poll(&p, 1, -1) < 0 && errno != EINTR) {
            die("poll", strerror(errno));
        }
        if ((p.revents & POLLIN) != 0 && PQconsumeInput(c) == 0) {
            die("receive", PQerrorMessage(c));
        }
    }
}

static void send_plain(PGconn *c, const char *sql) {
    if (PQsendQueryParams(c, sql, 0, NULL, NULL, NULL, NULL, 1) != 1) {
        die(sql, PQerrorMessage(c));
    }
}

static long write_group(PGconn *c, int group) {
    long rows = 0;
    send_plain(c, "BEGIN");
    for (size_t i = 0; i < N_TABLES; i++) {
        struct table *t = &tables[i];
        for (; t->next < PQntuples(t->rows) && group_of(t, t->next) <= group; t->next++) {
            send_row(c, t, t->next);
            rows++;
        }
    }
    send_plain(c, "COMMIT");
    if (PQpipelineSync(c) != 1) {
        die("sync", PQerrorMessage(c));
    }
    await_sync(c);
    return rows;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int last_group(void) {
    int last = 0;
    for (size_t i = 0; i < N_TABLES; i++) {
        int n = PQntuples(tables[i].rows);
        int g = n > 0 ? group_of(&tables[i], n - 1) : 0;
        last = g > last ? g : last;
    }
    return last;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: pipeline <source url> <target url> [events a transaction]\n");
        return 2;
    }
    PGconn *source = connect_to(argv[1]);
    PGconn *target = connect_to(argv[2]);
    read_groups(source, argc > 3 ? strtol(argv[3], NULL, 10) : 0);
    for (size_t i = 0; i < N_TABLES; i++) {
        read_table(source, &tables[i]);
        prepare(target, &tables[i]);
    }
    PQfinish(source);
    if (PQenterPipelineMode(target) != 1 || PQsetnonblocking(target, 1) != 0) {
        die("pipeline mode", PQerrorMessage(target));
    }
    int groups = last_group();
    long rows = 0;
    double began = now();
    for (int g = 1; g <= groups; g++) {
        rows += write_group(target, g);
    }
    double seconds = now() - began;
    int events = PQntuples(tables[3].rows);
    printf("{\"transactions\": %d, \"events\": %d, \"rows\": %ld, \"seconds\": %.6f, "
           "\"rows_per_second\": %.0f}\n",
        groups, events, rows, seconds, (double)rows / seconds);
    for (size_t i = 0; i < N_TABLES; i++) {
        PQclear(tables[i].rows);
    }
    PQfinish(target);
    return 0;
}
