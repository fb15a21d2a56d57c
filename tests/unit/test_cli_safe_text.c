/* Hostile text on its way to a terminal. */
#include "cli/safe_text.h"

#include "core/buf.h"
#include "test.h"

#include <string.h>

TEST(cli_safe_text, escapes_what_a_terminal_acts_on) {
    static const struct {
        const char *name, *text, *want;
        int shown;
    } rows[] = {
        { "plain", "@bob:example.com", "@bob:example.com", 16 },
        { "nothing", "", "", 0 },
        { "letters of other scripts", "gr\xC3\xBC\xC3\x9F \xE6\x97\xA5",
            "gr\xC3\xBC\xC3\x9F \xE6\x97\xA5", 6 },
        { "four bytes", "\xF0\x9F\x93\x9E", "\xF0\x9F\x93\x9E", 1 },
        { "a colour", "\x1B[31mred", "\\x1b[31mred", 11 },
        { "a line feed", "a\nb", "a\\x0ab", 6 },
        { "a bell and delete", "\x07\x7F", "\\x07\\x7f", 8 },
        { "C1 as UTF-8",
            "\xC2\x9B"
            "31m",
            "\\x9b31m", 7 },
        { "C1 as a bare byte",
            "\x9B"
            "31m",
            "\\x9b31m", 7 },
        { "half a character", "a\xE6\x97", "a\\xe6\\x97", 9 },
        { "right to left override",
            "a\xE2\x80\xAE"
            "b",
            "a\\u{202e}b", 10 },
        { "an isolate", "\xE2\x81\xA6", "\\u{2066}", 8 },
        { "a line separator", "\xE2\x80\xA8", "\\u{2028}", 8 },
        { "a backslash stays", "\\x1b", "\\x1b", 4 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        CHECK_INT(r->shown, cli_safe_text(&b, r->text));
        CHECK_STR(r->want, buf_str(&b));
    }
}

TEST(cli_safe_text, keeps_json_valid) {
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "plain", "{\"a\":\"b\"}\n", "{\"a\":\"b\"}\n" },
        { "delete", "\"\x7F\"", "\"\\u007f\"" },
        { "C1", "\"\xC2\x9B\"", "\"\\u009b\"" },
        { "override", "\"\xE2\x80\xAE\"", "\"\\u202e\"" },
        { "a bare byte", "\"\x9B\"", "\"\xEF\xBF\xBD\"" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        cli_safe_json(&b, r->text, strlen(r->text));
        CHECK_STR(r->want, buf_str(&b));
    }
}
