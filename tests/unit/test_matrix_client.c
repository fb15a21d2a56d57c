/* The homeserver's client against an HTTP client that is only a list of what was asked. */
#include "matrix_world.h"

/* --- two things to ask --- */

static enum err ask_ping(struct mx_client *c, void *arg) {
    return mx_client_ping(c, "calls/1", on_answer, arg);
}
static enum err ask_register(struct mx_client *c, void *arg) {
    return mx_client_register_sender(c, "_calls", on_answer, arg);
}
static enum err ask_state(struct mx_client *c, void *arg) {
    return mx_client_room_state(c, "!r:hs", NULL, on_answer, arg);
}
static enum err ask_state_as(struct mx_client *c, void *arg) {
    return mx_client_room_state(c, "!r:hs", "@a&b:hs", on_answer, arg);
}
static enum err ask_whoami(struct mx_client *c, void *arg) {
    return mx_client_whoami(c, on_answer, arg);
}

/* --- what is answered --- */

TEST(matrix_client, reads_answers) {
    static const struct {
        const char *name;
        enum err (*ask)(struct mx_client *c, void *arg);
        int status;
        const char *body;
        enum err want;
        const char *text;
        const char *errcode;
        bool json;
    } rows[] = {
        { "an object", ask_ping, 200, "{\"duration_ms\":3}", OK, "", "", true },
        { "a list", ask_ping, 200, "[]", OK, "", "", true },
        { "another success", ask_ping, 201, "{}", OK, "", "", true },
        { "no JSON", ask_ping, 200, "<html>", ERR_UNREACHABLE, "200 without JSON", "", false },
        { "nothing", ask_ping, 200, "", ERR_UNREACHABLE, "200 without JSON", "", false },
        { "401", ask_ping, 401, "{\"errcode\":\"M_UNKNOWN_TOKEN\",\"error\":\"Bad token\"}",
            ERR_UNAUTHORIZED, "401 M_UNKNOWN_TOKEN: Bad token", "M_UNKNOWN_TOKEN", true },
        { "403", ask_ping, 403, "{\"errcode\":\"M_FORBIDDEN\"}", ERR_FORBIDDEN, "403 M_FORBIDDEN",
            "M_FORBIDDEN", true },
        { "404", ask_ping, 404, "{\"errcode\":\"M_NOT_FOUND\",\"error\":\"?\"}", ERR_NOT_FOUND,
            "404 M_NOT_FOUND: ?", "M_NOT_FOUND", true },
        { "404 of a proxy", ask_ping, 404, "<h1>", ERR_NOT_FOUND, "404 without errcode", "",
            false },
        { "400", ask_ping, 400, "{\"errcode\":\"M_URL_NOT_SET\",\"error\":\"x\"}", ERR_UNREACHABLE,
            "400 M_URL_NOT_SET: x", "M_URL_NOT_SET", true },
        { "429 without a time", ask_ping, 429, "{\"errcode\":\"M_LIMIT_EXCEEDED\"}", ERR_LIMIT,
            "429 M_LIMIT_EXCEEDED", "M_LIMIT_EXCEEDED", true },
        { "502 of a POST", ask_ping, 502,
            "{\"errcode\":\"M_BAD_STATUS\",\"error\":\"Ping returned 503\"}", ERR_UNREACHABLE,
            "502 M_BAD_STATUS: Ping returned 503", "M_BAD_STATUS", true },
        { "a user in use", ask_ping, 400, "{\"errcode\":\"M_USER_IN_USE\"}", ERR_UNREACHABLE,
            "400 M_USER_IN_USE", "M_USER_IN_USE", true },
        { "the sender in use", ask_register, 400, "{\"errcode\":\"M_USER_IN_USE\"}", OK, "",
            "M_USER_IN_USE", true },
        { "errcode of another kind", ask_ping, 400, "{\"errcode\":7,\"error\":[]}", ERR_UNREACHABLE,
            "400 without errcode", "", true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK_ERR(OK, r->ask(w.client, &w.asker));
        answer_text(&w.http, r->status, r->body);
        CHECK_INT(1, w.asker.answers);
        CHECK_INT(r->want, w.asker.err);
        CHECK_STR(r->text, w.asker.text);
        CHECK_STR(r->errcode, w.asker.errcode);
        CHECK_INT(r->json, w.asker.json);
        world_finish(&w);
    }
}

TEST(matrix_client, cuts_long_sentences) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK_ERR(OK, ask_ping(w.client, &w.asker));
    char body[1200] = "{\"errcode\":\"M_X\",\"error\":\"";
    size_t n = strlen(body);
    memset(body + n, 'e', 1000);
    strcpy(body + n + 1000, "\"}");
    answer_text(&w.http, 400, body);
    CHECK_INT(strlen("400 M_X: ") + 300, strlen(w.asker.text));
    world_finish(&w);
}

TEST(matrix_client, reads_texts_with_nul) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK_ERR(OK, ask_state(w.client, &w.asker));
    answer_text(&w.http, 200, "{\"topic\":\"a\\u0000b\"}");
    CHECK_INT(OK, w.asker.err);
    CHECK_INT(3, w.asker.topic_len);
    world_finish(&w);
}

/* --- second attempts --- */

TEST(matrix_client, asks_twice_at_most) {
    static const struct {
        const char *name;
        enum err (*ask)(struct mx_client *c, void *arg);
        struct http_client_answer first;
        bool again;
        int64_t least_ms;
    } rows[] = {
        { "GET 502", ask_state, { .status = 502, .body = "{}", .len = 2 }, true, 250 },
        { "GET, no connection", ask_state, { .err = ERR_UNREACHABLE, .text = "refused" }, true,
            250 },
        { "GET, too slow", ask_state, { .err = ERR_TIMEOUT, .text = "10 s" }, false, 0 },
        { "GET, too large", ask_state, { .err = ERR_TOO_LARGE, .text = "large" }, false, 0 },
        { "GET, client gone", ask_state, { .err = ERR_GONE, .text = "gone" }, false, 0 },
        { "GET 404", ask_state, { .status = 404, .body = "{}", .len = 2 }, false, 0 },
        { "POST 502", ask_ping, { .status = 502, .body = "{}", .len = 2 }, false, 0 },
        { "POST, no connection", ask_ping, { .err = ERR_UNREACHABLE, .text = "refused" }, false,
            0 },
        { "limited by the header", ask_ping,
            { .status = 429, .body = "{}", .len = 2, .retry_after_ms = 20 }, true, 20 },
        { "limited by the body", ask_ping,
            { .status = 429, .body = "{\"retry_after_ms\":30}", .len = 21 }, true, 30 },
        { "limited for too long", ask_state,
            { .status = 429, .body = "{}", .len = 2, .retry_after_ms = 5001 }, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK_ERR(OK, r->ask(w.client, &w.asker));
        int64_t begin_us = clock_mono_us();
        answer(&w.http, &r->first);
        CHECK_INT(r->again ? 0 : 1, w.asker.answers);
        if (r->again) {
            wait_sent(&w, 2);
            CHECK(clock_mono_us() - begin_us >= r->least_ms * 1000);
            answer(&w.http, &r->first);
        }
        CHECK_INT(r->again ? 2 : 1, w.http.sent);
        CHECK_INT(1, w.asker.answers);
        CHECK(w.asker.err != OK);
        world_finish(&w);
    }
}

TEST(matrix_client, second_attempt_may_succeed) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
    answer_text(&w.http, 503, "busy");
    wait_sent(&w, 2);
    answer_text(&w.http, 200, "{}");
    CHECK_INT(OK, w.asker.err);
    CHECK_INT(1, w.asker.answers);
    world_finish(&w);
}

/* --- going away --- */

TEST(matrix_client, forgets_one_asker) {
    struct world w;
    struct asker other = { .answers = 0 };
    CHECK_ERR(OK, world_init(&w));
    CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
    answer_text(&w.http, 503, "busy");
    CHECK_ERR(OK, ask_state(w.client, &other));
    mx_client_forget(w.client, &w.asker);
    answer_text(&w.http, 200, "[]");
    uv_run(&w.loop, UV_RUN_DEFAULT);
    CHECK_INT(0, w.asker.answers);
    CHECK_INT(1, other.answers);
    CHECK_INT(2, w.http.sent);
    world_finish(&w);
}

TEST(matrix_client, pending_calls_end_silently) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
    world_finish(&w);
    CHECK_INT(0, w.asker.answers);
    CHECK(w.http.call == NULL);
}

TEST(matrix_client, bounds_what_is_under_way) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    struct http_client_call *calls[1000];
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
        calls[i] = w.http.call;
    }
    CHECK_ERR(ERR_LIMIT, ask_whoami(w.client, &w.asker));
    w.http.call = calls[0];
    answer_text(&w.http, 200, "{}");
    CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
    world_finish(&w);
}

TEST(matrix_client, refuses_impossible_settings) {
    static const struct {
        const char *name;
        const char *url;
        const char *token;
    } rows[] = {
        { "no scheme", "hs:8008", "t" },
        { "line end in the token", "http://hs", "a\r\nb" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct mx_client *c = NULL;
        CHECK_ERR(ERR_INVALID,
            mx_client_create(
                NULL, NULL, &(struct mx_client_config){ .url = r->url, .as_token = r->token }, &c));
    }
}

TEST_ALLOC(matrix_client, survives_no_memory) {
    struct world w;
    enum err e = world_init(&w);
    if (e == OK) {
        e = ask_register(w.client, &w.asker);
    }
    if (e == OK) {
        answer_text(&w.http, 200, "{}");
        e = ask_state_as(w.client, &w.asker);
    }
    if (e == OK) {
        answer_text(&w.http, 502, "{}");
        wait_sent(&w, 2);
        e = w.asker.err;
    }
    world_finish(&w);
    return e;
}

/* --- a token that is being changed --- */

#define UNKNOWN_TOKEN "{\"errcode\":\"M_UNKNOWN_TOKEN\",\"error\":\"no\"}"
#define WHOAMI        "GET http://hs:8008/_matrix/client/v3/account/whoami "

static void check_whoami_with(struct world *w, const char *token) {
    char want[128];
    snprintf(want, sizeof want, WHOAMI "%s", token);
    CHECK_STR(want, w->http.asked);
}

TEST(matrix_client, says_the_token_that_the_homeserver_knows) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK_ERR(OK, mx_client_set_tokens(w.client, "new", "old"));
    CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
    check_whoami_with(&w, "new");
    answer_text(&w.http, 401, UNKNOWN_TOKEN);
    CHECK_INT(0, w.asker.answers);
    check_whoami_with(&w, "old");
    answer_text(&w.http, 200, "{}");
    CHECK_INT(1, w.asker.answers);
    CHECK_INT(OK, w.asker.err);
    ROW("the next call begins with what was known");
    CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
    check_whoami_with(&w, "old");
    ROW("until the homeserver has read the new registration");
    answer_text(&w.http, 401, UNKNOWN_TOKEN);
    check_whoami_with(&w, "new");
    answer_text(&w.http, 200, "{}");
    CHECK_INT(2, w.asker.answers);
    CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
    check_whoami_with(&w, "new");
    ROW("both refused is an answer");
    answer_text(&w.http, 401, UNKNOWN_TOKEN);
    check_whoami_with(&w, "old");
    answer_text(&w.http, 401, UNKNOWN_TOKEN);
    CHECK_INT(3, w.asker.answers);
    CHECK_INT(ERR_UNAUTHORIZED, w.asker.err);
    ROW("nothing old any more");
    CHECK_ERR(OK, mx_client_set_tokens(w.client, "newer", NULL));
    CHECK_ERR(OK, ask_whoami(w.client, &w.asker));
    check_whoami_with(&w, "newer");
    answer_text(&w.http, 401, UNKNOWN_TOKEN);
    CHECK_INT(4, w.asker.answers);
    CHECK_INT(ERR_UNAUTHORIZED, w.asker.err);
    world_finish(&w);
}

TEST(matrix_client, asks_whose_token_it_is) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK_ERR(OK, mx_client_set_tokens(w.client, "new", "old"));
    CHECK_ERR(OK, mx_client_whoami_of(w.client, "theirs", on_answer, &w.asker));
    check_whoami_with(&w, "theirs");
    answer_text(&w.http, 401, UNKNOWN_TOKEN);
    CHECK_INT(1, w.asker.answers);
    CHECK_INT(ERR_UNAUTHORIZED, w.asker.err);
    CHECK_ERR(ERR_INVALID, mx_client_whoami_of(w.client, "a b", on_answer, &w.asker));
    world_finish(&w);
}

static enum err rotate_and_ask(struct world *w) {
    TRY(mx_client_set_tokens(w->client, "new", "old"));
    return mx_client_whoami_of(w->client, "theirs", on_answer, &w->asker);
}

TEST_ALLOC(matrix_client, changes_tokens_without_memory) {
    struct world w;
    enum err e = world_init(&w);
    e = e == OK ? rotate_and_ask(&w) : e;
    world_finish(&w);
    return e;
}
