/* /.well-known/matrix/server: what it says, and for how long. */
#include "matrix/well_known.h"

#include "core/clock.h"
#include "http/client.h"
#include "matrix/known_servers.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

TEST(matrix_well_known, reads_the_delegate) {
    static const struct {
        const char *body, *want; /* NULL: refused */
    } rows[] = {
        { "{\"m.server\": \"d.org:443\"}", "d.org:443" },
        { "{\"m.server\": \"D.org\", \"x\": [1, {}]}", "d.org" },
        { " {\"m.server\":\"127.0.0.1:1\"}\n", "127.0.0.1:1" },
        { "{\"m.server\": \"\\u0064.org\"}", "d.org" },
        { "", NULL },
        { "null", NULL },
        { "[]", NULL },
        { "\"d.org\"", NULL },
        { "{}", NULL },
        { "{\"m.server\": null}", NULL },
        { "{\"m.server\": 1}", NULL },
        { "{\"m.server\": [\"d.org\"]}", NULL },
        { "{\"m.server\": \"\"}", NULL },
        { "{\"m.server\": \"https://d.org\"}", NULL },
        { "{\"m.server\": \"d.org/\"}", NULL },
        { "{\"m.server\": \"d.org\\u0000.evil\"}", NULL },
        { "{\"m.server\": \"127.1\"}", NULL },
        { "{\"m.server\": \"d.org\"", NULL },
        { "{\"m.server\": \"d.org\"} x", NULL },
        { "{\"m.server\": \"d.org\"}{}", NULL },
        { "<html>", NULL },
        { "\xff\xfe", NULL },
    };
    FOR_ROWS (rows, r) {
        struct mx_server_name n = { .text = "untouched" };
        ROW(r->body);
        CHECK_ERR(
            r->want == NULL ? ERR_INVALID : OK, mx_well_known_read(r->body, strlen(r->body), &n));
        CHECK_STR(r->want == NULL ? "untouched" : r->want, n.text);
    }
}

#define NOW_MS  (INT64_C(1700000000) * SEC_MS)
#define DATE_MS (NOW_MS + HOUR_MS) /* a server whose clock is wrong */

TEST(matrix_well_known, lives_as_long_as_its_headers_say) {
    static const struct {
        const char *name, *cache_control;
        int64_t expires_ms, date_ms, want_ms;
    } rows[] = {
        { "no word of it", "", 0, 0, DAY_MS },
        { "max-age", " max-age=3600", 0, 0, HOUR_MS },
        { "among others", "public, MAX-AGE=\"7200\", immutable", 0, 0, 2 * HOUR_MS },
        { "the last one", "max-age=1, max-age=3600", 0, 0, HOUR_MS },
        { "too short", "max-age=0", 0, 0, 5 * MIN_MS },
        { "too long", "max-age=31536000", 0, 0, 2 * DAY_MS },
        { "more than any number", "max-age=99999999999999999999999", 0, 0, 2 * DAY_MS },
        { "another word", "s-max-age=3600, xmax-age=1", 0, 0, DAY_MS },
        { "no number", "max-age=soon", 0, 0, DAY_MS },
        { "negative", "max-age=-1", 0, 0, DAY_MS },
        { "no-store", "max-age=3600, no-store", 0, 0, 5 * MIN_MS },
        { "no-cache", "No-Cache", 0, 0, 5 * MIN_MS },
        { "commas only", ",,, ,", 0, 0, DAY_MS },
        { "Expires by our clock", "", NOW_MS + HOUR_MS, 0, HOUR_MS },
        { "Expires by its clock", "", DATE_MS + HOUR_MS, DATE_MS, HOUR_MS },
        { "expired", "", 1, DATE_MS, 5 * MIN_MS },
        { "Expires far away", "", NOW_MS + 30 * DAY_MS, 0, 2 * DAY_MS },
        { "max-age wins", "max-age=3600", DATE_MS, DATE_MS, HOUR_MS },
    };
    FOR_ROWS (rows, r) {
        const struct http_client_answer a = { .status = 200,
            .cache_control = r->cache_control,
            .expires_ms = r->expires_ms,
            .date_ms = r->date_ms };
        ROW(r->name);
        CHECK_INT(r->want_ms, mx_well_known_lifetime_ms(&a, NOW_MS));
    }
}

TEST(matrix_well_known, absence_is_remembered_longer_than_silence) {
    static const struct {
        const char *name;
        enum err err;
        int status;
        int64_t want_ms;
    } rows[] = {
        { "no such file", OK, 404, HOUR_MS },
        { "nonsense", OK, 200, HOUR_MS },
        { "a redirect too many", OK, 302, HOUR_MS },
        { "trouble", OK, 503, 2 * MIN_MS },
        { "too often", OK, 429, 2 * MIN_MS },
        { "silence", ERR_TIMEOUT, 0, 2 * MIN_MS },
        { "no connection", ERR_UNREACHABLE, 0, 2 * MIN_MS },
    };
    FOR_ROWS (rows, r) {
        const struct http_client_answer a = { .err = r->err, .status = r->status };
        ROW(r->name);
        CHECK_INT(r->want_ms, mx_well_known_failure_ms(&a));
    }
}

/* --- what is kept --- */

TEST(matrix_known_servers, forgets_in_time) {
    struct mx_known_servers *k = NULL;
    struct mx_server_name d = { .text = "" };
    struct mx_server_name got = { .text = "untouched" };
    bool delegates = true;
    CHECK_ERR(OK, mx_server_name_read("d.org", 5, &d));
    CHECK_ERR(OK, mx_known_servers_create(&k));
    CHECK(!mx_known_servers_find(k, "a.org", 0, &delegates, &got));
    mx_known_servers_keep(k, "a.org", &d, 1000, 500);
    mx_known_servers_keep(k, "b.org", NULL, 1000, 100);
    CHECK(mx_known_servers_find(k, "b.org", 1099, &delegates, &got) && !delegates);
    CHECK_STR("untouched", got.text);
    CHECK(!mx_known_servers_find(k, "b.org", 1100, &delegates, &got));
    CHECK(mx_known_servers_find(k, "a.org", 1499, &delegates, &got) && delegates);
    CHECK_STR("d.org", got.text);
    CHECK_INT(1, mx_known_servers_count(k));
    mx_known_servers_keep(k, "a.org", NULL, 1499, 500);
    CHECK(mx_known_servers_find(k, "a.org", 1998, &delegates, &got) && !delegates);
    CHECK(!mx_known_servers_find(k, "a.org", 1999, &delegates, &got));
    CHECK_INT(0, mx_known_servers_count(k));
    mx_known_servers_destroy(k);
}

TEST(matrix_known_servers, is_bounded_and_keeps_what_is_used) {
    struct mx_known_servers *k = NULL;
    struct mx_server_name got;
    bool delegates = false;
    CHECK_ERR(OK, mx_known_servers_create(&k));
    for (int i = 0; i < MX_KNOWN_SERVERS_MAX + 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "s%d.org", i);
        mx_known_servers_keep(k, name, NULL, 0, 10);
        CHECK(mx_known_servers_find(k, "s0.org", 1, &delegates, &got));
    }
    CHECK_INT(MX_KNOWN_SERVERS_MAX, mx_known_servers_count(k));
    CHECK(!mx_known_servers_find(k, "s1.org", 1, &delegates, &got));
    mx_known_servers_destroy(k);
}

TEST_ALLOC(matrix_known_servers, survives_no_memory) {
    struct mx_known_servers *k = NULL;
    struct mx_server_name got;
    bool delegates = false;
    TRY(mx_known_servers_create(&k));
    mx_known_servers_keep(k, "a.org", NULL, 0, 10);
    CHECK(mem_failed() || mx_known_servers_find(k, "a.org", 1, &delegates, &got));
    mx_known_servers_destroy(k);
    return OK;
}
