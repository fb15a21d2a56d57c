/* Batches of statements in libpq's pipeline mode. */
#include "store/query.h"

#include "store/connection.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store_answer {
    struct pg_result *const *results;
    size_t n;
};

/* --- reading an answer --- */

static const PGresult *result_of(const struct store_answer *a, size_t result) {
    return result < a->n ? a->results[result] : NULL;
}

size_t store_answer_count(const struct store_answer *a) {
    return a->n;
}

size_t store_answer_rows(const struct store_answer *a, size_t result) {
    return (size_t)PQntuples(result_of(a, result));
}

const char *store_answer_value(
    const struct store_answer *a, size_t result, size_t row, size_t col, size_t *n) {
    const PGresult *r = result_of(a, result);
    if (r == NULL || (int)row >= PQntuples(r) || (int)col >= PQnfields(r) ||
        PQgetisnull(r, (int)row, (int)col)) {
        return NULL;
    }
    *n = (size_t)PQgetlength(r, (int)row, (int)col);
    return PQgetvalue(r, (int)row, (int)col);
}

int64_t store_answer_changed(const struct store_answer *a, size_t result) {
    /* PQcmdTuples takes a PGresult that it does not change, but does not say so. */
    return strtoll(PQcmdTuples((PGresult *)(uintptr_t)result_of(a, result)), NULL, 10);
}

const char *store_answer_tag(const struct store_answer *a, size_t result) {
    return PQcmdStatus((PGresult *)(uintptr_t)result_of(a, result));
}

/* --- sending --- */

/* Keeps the first failure of a batch. */
static void fail_batch(struct store_batch *b, enum err e, const char *sentence) {
    if (b->failed == OK) {
        b->failed = e;
        snprintf(b->sentence, sizeof(b->sentence), "%s", sentence);
    }
}

static bool expect_result(struct store_batch *b, enum store_statement statement, bool preparation) {
    if (b->n_expected == STORE_BATCH_MAX) {
        fail_batch(b, ERR_TOO_LARGE, "too many statements in one round trip");
        return false;
    }
    b->expected[b->n_expected++] =
        (struct store_expected){ .statement = statement, .preparation = preparation };
    return true;
}

static bool prepare(struct store_connection *c, enum store_statement statement) {
    if (c->prepared[statement]) {
        return true;
    }
    for (size_t i = 0; i < c->batch.n_expected; i++) {
        if (c->batch.expected[i].preparation && c->batch.expected[i].statement == statement) {
            return true; /* on its way in this very batch */
        }
    }
    const char *text = c->store->statements[statement];
    return expect_result(&c->batch, statement, true) &&
           PQsendPrepare(c->pg, store_statement_name(statement), text, 0, NULL) == 1;
}

static bool send_one(
    struct store_connection *c, enum store_statement statement, const struct store_args *args) {
    const char *values[STORE_ARGS_MAX];
    int lengths[STORE_ARGS_MAX];
    int formats[STORE_ARGS_MAX];
    int n = args == NULL ? 0 : args->n;
    for (int i = 0; i < n; i++) {
        bool null = args->values[i].len < 0;
        values[i] = null ? NULL : args->bytes.data + args->values[i].off;
        lengths[i] = null ? 0 : args->values[i].len;
        formats[i] = 1;
    }
    return expect_result(&c->batch, statement, false) &&
           PQsendQueryPrepared(
               c->pg, store_statement_name(statement), n, values, lengths, formats, 1) == 1;
}

void store_query_put(
    struct store_connection *c, enum store_statement statement, const struct store_args *args) {
    struct store_batch *b = &c->batch;
    if (b->failed == OK && c->pg == NULL) {
        fail_batch(b, ERR_DATABASE, "the connection to the database is lost");
    }
    enum err e = args == NULL ? OK : store_args_check(args);
    if (e != OK) {
        fail_batch(b, e, err_text());
    }
    if (b->failed != OK) {
        return;
    }
    if (!prepare(c, statement) || !send_one(c, statement, args)) {
        fail_batch(b, ERR_DATABASE, PQerrorMessage(c->pg));
    }
}

void store_query_fail(struct store_connection *c, enum err e) {
    char sentence[STORE_SENTENCE_SIZE];
    snprintf(sentence, sizeof(sentence), "%s", err_text());
    fail_batch(&c->batch, e, sentence);
}

/* Writes what libpq holds; waits for the socket where it does not take all. */
static void flush(struct store_connection *c) {
    int left = PQflush(c->pg);
    if (left < 0) {
        store_connection_lost(c, STORE_FAILED_LOST, PQerrorMessage(c->pg));
    } else if (!store_connection_watch(c, left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE)) {
        store_connection_lost(c, STORE_FAILED_LOST, "the socket cannot be watched");
    }
}

void store_query_send(struct store_connection *c, store_answered *answered, void *arg) {
    struct store_batch *b = &c->batch;
    b->answered = answered;
    b->arg = arg;
    if (c->store == NULL) {
        store_query_abort(c, "the service is going down"); /* no loop left that could do it later */
        return;
    }
    /* A batch that failed half-way has sent something: it ends with its sync like every other. */
    if (c->pg != NULL && PQpipelineSync(c->pg) == 1) {
        store_connection_expect(c, c->store->statement_timeout_us + STORE_ANSWER_US);
        int left = PQflush(c->pg);
        if (left == 0 || (left > 0 && store_connection_watch(c, UV_READABLE | UV_WRITABLE))) {
            return;
        }
    }
    fail_batch(b, ERR_DATABASE,
        c->pg == NULL ? "the connection to the database is lost" : PQerrorMessage(c->pg));
    b->unsent = true;
    store_turn(c->store);
}

/* --- receiving --- */

/* Ends the batch: its owner may begin the next one from inside. */
static void finish_batch(struct store_connection *c) {
    struct store_batch b = c->batch;
    c->batch = (struct store_batch){ 0 };
    struct store_answer answer = { .results = b.results, .n = b.n_results };
    if (b.failed != OK) {
        b.answered(b.arg, err_set(b.failed, "%s", b.sentence), NULL);
    } else {
        b.answered(b.arg, OK, &answer);
    }
    for (size_t i = 0; i < b.n_results; i++) {
        PQclear(b.results[i]);
    }
}

void store_query_abort(struct store_connection *c, const char *why) {
    if (c->batch.answered != NULL) {
        fail_batch(&c->batch, ERR_DATABASE, why);
        finish_batch(c);
    }
}

void store_query_turn(struct store_connection *c) {
    if (!c->batch.unsent) {
        return;
    }
    if (c->pg != NULL) {
        store_connection_lost(c, STORE_FAILED_LOST, c->batch.sentence);
    } else {
        finish_batch(c);
    }
}

static void note_failure(
    struct store_connection *c, const PGresult *r, const struct store_expected *x) {
    if (c->batch.failed != OK) {
        return;
    }
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    char sentence[STORE_SENTENCE_SIZE];
    snprintf(sentence, sizeof(sentence), "%s: %s (%s)", store_statement_name(x->statement),
        message == NULL ? "failed" : message, state == NULL ? "?" : state);
    fail_batch(&c->batch, ERR_DATABASE, sentence);
    store_count_failure(STORE_FAILED_STATEMENT);
}

/* One result arrived; takes it. */
static void take_result(struct store_connection *c, PGresult *r) {
    struct store_batch *b = &c->batch;
    if (b->n_arrived >= b->n_expected) {
        PQclear(r);
        return;
    }
    const struct store_expected *x = &b->expected[b->n_arrived++];
    ExecStatusType status = PQresultStatus(r);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (status == PGRES_FATAL_ERROR) {
        note_failure(c, r, x);
    }
    if (good && x->preparation) {
        c->prepared[x->statement] = true;
    }
    if (good && !x->preparation) {
        b->results[b->n_results++] = r;
    } else {
        PQclear(r);
    }
}

/* Takes what has arrived; true when the batch is over. */
static bool drain(struct store_connection *c) {
    /* Between two results libpq gives one NULL; more of them mean that there is nothing. */
    int nulls = 0;
    while (nulls < 2 && PQisBusy(c->pg) == 0) {
        PGresult *r = PQgetResult(c->pg);
        if (r == NULL) {
            nulls++;
            continue;
        }
        nulls = 0;
        if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            return true;
        }
        take_result(c, r);
        if (PQstatus(c->pg) == CONNECTION_BAD) {
            return false;
        }
    }
    return false;
}

void store_query_socket(struct store_connection *c, int events) {
    if ((events & UV_WRITABLE) != 0) {
        flush(c);
        if (c->pg == NULL) {
            return;
        }
    }
    if ((events & UV_READABLE) == 0) {
        return;
    }
    if (PQconsumeInput(c->pg) == 0) {
        store_connection_lost(c, STORE_FAILED_LOST, PQerrorMessage(c->pg));
        return;
    }
    bool over = drain(c);
    if (PQstatus(c->pg) == CONNECTION_BAD) {
        store_connection_lost(c, STORE_FAILED_LOST, PQerrorMessage(c->pg));
    } else if (over) {
        store_connection_expect(c, 0);
        finish_batch(c);
    } else if (c->batch.answered != NULL) {
        store_connection_expect(c, c->store->statement_timeout_us + STORE_ANSWER_US);
    }
}
