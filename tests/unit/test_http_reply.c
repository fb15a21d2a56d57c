/* Answers: the table of causes, errors as Matrix shapes them, headers that cannot be forged. */
#include "http/reply.h"

#include "core/log.h"
#include "http/exchange.h"
#include "http/request.h"

#include "test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int delivered;

static void count(struct http_request *r) {
    (void)r;
    delivered++;
}

static struct http_request *ask(const char *authorization) {
    struct http_request *r = http_request_create("GET", "/x?q=1", 6);
    if (r != NULL) {
        r->deliver = count;
        if (http_request_expect_fields(r, 1) && authorization != NULL) {
            http_request_put_field(r, "authorization", 13, authorization, strlen(authorization));
        }
    }
    return r;
}

__attribute__((constructor)) static void silence(void) {
    log_redirect(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

TEST(http_reply, turns_causes_into_answers) {
    static const struct {
        enum err cause;
        const char *authorization;
        int status;
        const char *body;
    } rows[] = {
        { ERR_INVALID, NULL, 400, "{\"errcode\":\"M_INVALID_PARAM\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_NOT_FOUND, NULL, 404, "{\"errcode\":\"M_NOT_FOUND\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_CONFLICT, NULL, 409, "{\"errcode\":\"M_CALL_STATE\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_GONE, NULL, 410, "{\"errcode\":\"M_GONE\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_UNAUTHORIZED, NULL, 401,
            "{\"errcode\":\"M_MISSING_TOKEN\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_UNAUTHORIZED, "Bearer t", 401,
            "{\"errcode\":\"M_UNKNOWN_TOKEN\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_FORBIDDEN, NULL, 403, "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_TOO_LARGE, NULL, 413, "{\"errcode\":\"M_TOO_LARGE\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_LIMIT, NULL, 429,
            "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"error\":\"why "
            "\\\"x\\\"\",\"retry_after_ms\":1000}" },
        { ERR_TIMEOUT, NULL, 504, "{\"errcode\":\"M_TIMEOUT\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_UNREACHABLE, NULL, 502,
            "{\"errcode\":\"M_HOMESERVER_UNREACHABLE\",\"error\":\"why \\\"x\\\"\"}" },
        { ERR_NOMEM, NULL, 503,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"The server is out of memory; try again\"}" },
        { ERR_DATABASE, NULL, 503,
            "{\"errcode\":\"M_DATABASE_UNAVAILABLE\",\"error\":\"The database is not available; "
            "try again\"}" },
        { ERR_IO, NULL, 500, "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Internal error\"}" },
    };
    FOR_ROWS (rows, r) {
        struct http_request *q = ask(r->authorization);
        ROW(err_name(r->cause));
        delivered = 0;
        http_reply_err(q, err_set(r->cause, "why \"%s\"", "x"));
        CHECK_INT(1, delivered);
        CHECK_INT(r->status, q->status);
        CHECK_STR(r->body, q->answer);
        CHECK_INT(strlen(r->body), q->answer_len);
        CHECK_STR("application/json", q->content_type);
        http_request_destroy(q);
    }
}

TEST(http_reply, says_when_to_come_again) {
    struct http_request *q = ask(NULL);
    http_reply_limited(q, 1500);
    CHECK_INT(429, q->status);
    CHECK(strstr(q->answer, "\"retry_after_ms\":1500") != NULL);
    CHECK_STR("Retry-After", q->answer_fields[0].name);
    CHECK_STR("2", q->answer_fields[0].value);
    http_request_destroy(q);
}

TEST(http_reply, lets_nobody_forge_headers) {
    struct http_request *q = ask(NULL);
    http_reply_header(q, "X-A", "one\r\nX-B: two");
    http_reply_header(q, "X-A\n", "one");
    http_reply_header(q, "X-A", "one");
    CHECK_INT(1, q->n_answer_fields);
    for (int i = 0; i < 2 * HTTP_ANSWER_FIELDS_MAX; i++) {
        http_reply_header(q, "X-More", "x");
    }
    CHECK_INT(HTTP_ANSWER_FIELDS_MAX, q->n_answer_fields);
    http_request_destroy(q);
}

TEST(http_reply, keeps_bytes_as_they_are) {
    struct http_request *q = ask(NULL);
    http_reply_bytes(q, 200, "image/x", "a\0b", 3);
    CHECK_INT(3, q->answer_len);
    CHECK(memcmp(q->answer, "a\0b", 3) == 0);
    http_request_destroy(q);
}

TEST(http_reply, reads_bearers) {
    static const struct {
        const char *header, *want;
    } rows[] = { { NULL, NULL }, { "Bearer abc", "abc" }, { "bearer  abc", "abc" },
        { "Basic abc", NULL }, { "Bearer", NULL }, { "Bearer ", "" } };
    FOR_ROWS (rows, r) {
        struct http_request *q = ask(r->header);
        ROW(r->header);
        CHECK_STR(r->want, http_request_bearer(q));
        http_request_destroy(q);
    }
}

static enum err grow_body(struct http_request *r, int64_t announced, size_t max) {
    char piece[1000];
    memset(piece, 'x', sizeof(piece));
    r->length = announced;
    r->body_max = max;
    for (int i = 0; i < 10; i++) {
        TRY(http_request_put_body(r, piece, sizeof(piece)));
    }
    return OK;
}

TEST(http_reply, grows_bodies_to_their_limit) {
    static const struct {
        const char *name;
        int64_t announced;
        size_t max;
        enum err want;
    } rows[] = {
        { "announced", 10000, 20000, OK },
        { "not announced", -1, 20000, OK },
        { "exactly the limit", -1, 10000, OK },
        { "one over", -1, 9999, ERR_TOO_LARGE },
        { "less announced than sent", 10, 20000, OK },
    };
    FOR_ROWS (rows, r) {
        struct http_request *q = ask(NULL);
        size_t len;
        ROW(r->name);
        CHECK_ERR(r->want, grow_body(q, r->announced, r->max));
        const char *body = http_request_body(q, &len);
        CHECK(len <= r->max);
        CHECK(body[len] == '\0');
        http_request_destroy(q);
    }
}

/* Without memory there is still an answer, and it says so. */
TEST_ALLOC(http_reply, survives_no_memory) {
    struct http_request *q = ask("Bearer t");
    if (q == NULL) {
        return ERR_NOMEM;
    }
    delivered = 0;
    http_reply_header(q, "X-A", "a");
    enum err e = grow_body(q, -1, 20000);
    http_reply_err(q, err_set(ERR_INVALID, "why"));
    CHECK_INT(1, delivered);
    CHECK(q->status == 400 || q->status == 503);
    http_request_destroy(q);
    return e;
}
