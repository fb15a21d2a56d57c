/* Paths and queries, percent-encoded. */
#include "matrix/path.h"

#include "tests/unit/test.h"

TEST(matrix_path, encodes_every_part) {
    static const struct {
        const char *name;
        const char *part;
        const char *want;
    } rows[] = {
        { "room id", "!r:example.com", "/rooms/%21r%3Aexample.com/state" },
        { "state key of a member", "_@a:b_D_m.call", "/rooms/_%40a%3Ab_D_m.call/state" },
        { "slash", "a/../b", "/rooms/a%2F..%2Fb/state" },
        { "what is already encoded", "%2e%2E", "/rooms/%252e%252E/state" },
        { "query and fragment", "a?b=c&d#e", "/rooms/a%3Fb%3Dc%26d%23e/state" },
        { "plus and space", "a+b c", "/rooms/a%2Bb%20c/state" },
        { "UTF-8", "\xc3\xa4", "/rooms/%C3%A4/state" },
        { "placeholder", "$", "/rooms/%24/state" },
        { "line end", "a\r\nb", "/rooms/a%0D%0Ab/state" },
        { "empty", "", "/rooms//state" },
        { "three dots", "...", "/rooms/.../state" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        CHECK_ERR(OK, mx_path_append(&b, "/rooms/$/state", &r->part, 1));
        CHECK_STR(r->want, buf_str(&b));
    }
}

TEST(matrix_path, refuses_steps) {
    static const char *const parts[] = { ".", ".." };
    FOR_ROWS (parts, part) {
        ROW(*part);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        CHECK_ERR(ERR_INVALID, mx_path_append(&b, "/state/$", part, 1));
    }
}

TEST(matrix_path, queries) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "/x");
    mx_path_query(&b, "none", NULL);
    mx_path_query(&b, "user_id", "@a&b:c");
    mx_path_query(&b, "format", "event");
    CHECK_STR("/x?user_id=%40a%26b%3Ac&format=event", buf_str(&b));
}
