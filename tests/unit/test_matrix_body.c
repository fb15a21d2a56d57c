/* The JSON of an answer, also where a stranger put something unreadable into it. */
#include "matrix/body.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

TEST(matrix_body, reads_what_it_can) {
    static const struct {
        const char *name;
        const char *text;
        const char *want; /* NULL = no JSON */
        size_t dropped;
    } rows[] = {
        { "object", "{\"a\":1}", "{\"a\":1}", 0 },
        { "list", " [1,[2],{}]", "[1,[2],{}]", 0 },
        { "empty list", "[]", "[]", 0 },
        { "a NUL in a key", "[{\"a\\u0000\":1},{\"b\":2}]", "[{\"b\":2}]", 1 },
        { "a huge number", " [ {\"b\":\"],[\"} , {\"a\":99999999999999999999999999} ]",
            "[{\"b\":\"],[\"}]", 1 },
        { "a number that is none", "[1,2e400,3]", "[1,3]", 1 },
        { "quotes and backslashes", "[{\"a\\u0000\":\"\\\\\"},{\"b\":\"\\\",[\"}]",
            "[{\"b\":\"\\\",[\"}]", 1 },
        { "brackets inside", "[{\"a\\u0000\":[[{},[]]]},[7]]", "[[7]]", 1 },
        { "nothing between", "[1,,2]", "[1,2]", 1 },
        { "a list without end", "[{\"a\\u0000\":1}", NULL, 0 },
        { "a string without end", "[1e999,\"a]", NULL, 0 },
        { "ends in a backslash", "[1e999,\"\\", NULL, 0 },
        { "more behind the list", "[1e999] x", NULL, 0 },
        { "an unreadable object", "{\"a\\u0000\":1}", NULL, 0 },
        { "no JSON", "<html>", NULL, 0 },
        { "nothing", "", NULL, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char printed[200] = "";
        size_t dropped = 77;
        json_t *got = mx_body_read(r->text, strlen(r->text), &dropped);
        CHECK((got != NULL) == (r->want != NULL));
        size_t n = got != NULL ? json_dumpb(got, printed, sizeof printed - 1, JSON_COMPACT) : 0;
        printed[n < sizeof printed ? n : 0] = '\0';
        CHECK_STR(r->want != NULL ? r->want : "", printed);
        CHECK_INT(r->dropped, dropped);
        json_decref(got);
    }
}
