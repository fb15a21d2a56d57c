/* The byte buffer and its JSON. */
#include "core/buf.h"

#include "test.h"

#include <string.h>

TEST(core_buf, quotes_json_strings) {
    static const struct {
        const char *name, *in, *want;
    } rows[] = {
        { "plain", "abc", "\"abc\"" },
        { "quote and backslash", "a\"\\b", "\"a\\\"\\\\b\"" },
        { "named escapes", "\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"" },
        { "control", "\x01\x1f", "\"\\u0001\\u001f\"" },
        { "two, three, four bytes", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x96\x90",
            "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x96\x90\"" },
        { "not UTF-8", "a\xFFz\xC3", "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"" },
        { "surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { "null", NULL, "null" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct buf b;
        buf_init(&b, 0);
        buf_json_str(&b, r->in);
        CHECK_STR(r->want, buf_str(&b));
        buf_finish(&b);
    }
}

TEST(core_buf, puts_commas_between_fields) {
    struct buf b;
    buf_init(&b, 0);
    buf_putc(&b, '{');
    buf_json_field(&b, "a", "x");
    buf_json_field(&b, "left out", NULL);
    buf_json_int_field(&b, "b", -7);
    buf_json_bool_field(&b, "c", true);
    buf_putc(&b, '}');
    CHECK_STR("{\"a\":\"x\",\"b\":-7,\"c\":true}", buf_str(&b));
    buf_finish(&b);
}

TEST(core_buf, stops_at_its_limit) {
    struct buf b;
    buf_init(&b, 4);
    buf_puts(&b, "1234");
    CHECK_ERR(OK, buf_check(&b));
    buf_putc(&b, '5');
    CHECK_ERR(ERR_TOO_LARGE, buf_check(&b));
    CHECK_STR("1234", buf_str(&b));
    buf_finish(&b);
}

static enum err write_much(struct buf *b) {
    for (int i = 0; i < 1000; i++) {
        buf_printf(b, "%d ", i);
    }
    return buf_check(b);
}

TEST(core_buf, gives_room_to_other_writers) {
    struct buf b;
    buf_init(&b, 5);
    buf_puts(&b, "ab");
    uint8_t *room = buf_room(&b, 3);
    CHECK(room != NULL);
    if (room != NULL) {
        memcpy(room, "cde", 4);
        b.len += 3;
    }
    CHECK_STR("abcde", buf_str(&b));
    CHECK(buf_room(&b, 1) == NULL);
    CHECK_ERR(ERR_TOO_LARGE, buf_check(&b));
    buf_finish(&b);
}

TEST_ALLOC(core_buf, survives_no_memory) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    return write_much(&b);
}
