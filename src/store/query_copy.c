/* Rows of COPY in binary. */
#include "store/query_copy.h"

#include "store/column.h"
#include "store/query_session.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

/* What comes before the first row: a signature, flags, the length of an extension (PostgreSQL's
 * manual, COPY, "Binary Format"). */
static const char signature[11] = "PGCOPY\n\377\r\n";
#define HEADER_SIZE (sizeof(signature) + 8)

#define PG_EPOCH_US INT64_C(946684800000000) /* 2000-01-01, from where PostgreSQL counts */

/* --- parsing --- */

static uint64_t get_number(const char *bytes, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | (uint8_t)bytes[i];
    }
    return v;
}

/* A field is its length in 4 bytes and its bytes; the length of NULL is -1. False when it is cut.
 */
static bool take_field(char *bytes, size_t len, size_t *at, struct store_copy_field *f) {
    if (len - *at < 4) {
        return false;
    }
    int32_t size = (int32_t)get_number(bytes + *at, 4);
    *at += 4;
    if (size < -1 || (size > 0 && (size_t)size > len - *at)) {
        return false;
    }
    f->len = size < 0 ? 0 : (size_t)size;
    f->bytes = size < 0 ? NULL : bytes + *at;
    *at += f->len;
    return true;
}

bool store_copy_parse(char *bytes, size_t len, struct store_copy_field fields[], size_t *n) {
    size_t at = 0;
    *n = 0;
    if (len >= HEADER_SIZE && memcmp(bytes, signature, sizeof(signature)) == 0) {
        at = HEADER_SIZE;
    }
    if (len - at < 2) {
        return false;
    }
    int16_t count = (int16_t)get_number(bytes + at, 2);
    at += 2;
    if (count == -1) {
        return at == len;
    }
    if (count < 1 || count > STORE_COPY_FIELDS_MAX) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (!take_field(bytes, len, &at, &fields[i])) {
            return false;
        }
    }
    /* The byte behind a field is the first of the next one's length, which has been read. */
    for (int i = 0; i < count; i++) {
        if (fields[i].bytes != NULL) {
            fields[i].bytes[fields[i].len] = '\0';
        }
    }
    *n = (size_t)count;
    return at == len;
}

bool store_copy_int(const struct store_copy_field *f, int64_t *ret) {
    if (f->bytes == NULL) {
        return false;
    }
    uint64_t v = get_number(f->bytes, f->len > 8 ? 0 : f->len);
    switch (f->len) {
    case 2:
        *ret = (int16_t)v;
        return true;
    case 4:
        *ret = (int32_t)v;
        return true;
    case 8:
        *ret = (int64_t)v;
        return true;
    default:
        return false;
    }
}

bool store_copy_bool(const struct store_copy_field *f, bool *ret) {
    if (f->bytes == NULL || f->len != 1) {
        return false;
    }
    *ret = f->bytes[0] != 0;
    return true;
}

bool store_copy_time(const struct store_copy_field *f, int64_t *ret_ms) {
    int64_t us;
    if (f->bytes == NULL) {
        *ret_ms = 0;
        return true;
    }
    if (f->len != 8 || !store_copy_int(f, &us) || us > INT64_MAX - PG_EPOCH_US ||
        us <= -PG_EPOCH_US || us % 1000 != 0) {
        return false;
    }
    *ret_ms = (us + PG_EPOCH_US) / 1000;
    return store_time_clamp(*ret_ms) == *ret_ms;
}

/* --- reading --- */

static enum err fail(const char *message) {
    int n = (int)strcspn(message, "\n"); /* libpq's messages end in a newline */
    return n == 0 ? err_set(ERR_DATABASE, "the server's rows are not as expected")
                  : err_set(ERR_DATABASE, "%.*s", n, message);
}

enum err store_copy_begin(struct store_copy *c, struct store_session *s, const char *select) {
    *c = (struct store_copy){ .session = s };
    char command[4096];
    int n = snprintf(command, sizeof(command), "COPY (%s) TO STDOUT (FORMAT binary)", select);
    if (n < 0 || (size_t)n >= sizeof(command)) {
        return err_set(ERR_TOO_LARGE, "a query has over %zu bytes", sizeof(command));
    }
    PGresult *r = PQexec(s->pg, command);
    bool good = PQresultStatus(r) == PGRES_COPY_OUT;
    PQclear(r);
    return good ? OK : fail(PQerrorMessage(s->pg));
}

/* The rows are over: was it the end, or an error? */
static enum err end(const struct store_copy *c) {
    enum err e = OK;
    for (PGresult *r = PQgetResult(c->session->pg); r != NULL; r = PQgetResult(c->session->pg)) {
        if (PQresultStatus(r) == PGRES_FATAL_ERROR && e == OK) {
            e = fail(PQresultErrorMessage(r));
        }
        PQclear(r);
    }
    return e;
}

enum err store_copy_next(struct store_copy *c, bool *more) {
    do {
        PQfreemem(c->buffer);
        c->buffer = NULL;
        int len = PQgetCopyData(c->session->pg, &c->buffer, 0);
        if (len == -1) {
            *more = false;
            return end(c);
        }
        if (len < 0) {
            return fail(PQerrorMessage(c->session->pg));
        }
        if (!store_copy_parse(c->buffer, (size_t)len, c->fields, &c->n)) {
            return fail("");
        }
    } while (c->n == 0); /* the end mark is a message of its own */
    *more = true;
    return OK;
}

void store_copy_finish(struct store_copy *c) {
    PQfreemem(c->buffer);
    c->buffer = NULL;
}
