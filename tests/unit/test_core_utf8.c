/* UTF-8: the table of RFC 3629, section 4, at its edges. */
#include "core/utf8.h"

#include "test.h"

#include <string.h>

TEST(core_utf8, knows_the_width_of_a_character) {
    static const struct {
        const char *name, *bytes;
        size_t want;
    } rows[] = {
        { "ASCII", "a", 1 },
        { "DEL", "\x7F", 1 },
        { "lone continuation", "\x80", 0 },
        { "overlong two", "\xC1\xBF", 0 },
        { "first of two", "\xC2\x80", 2 },
        { "last of two", "\xDF\xBF", 2 },
        { "two without its second", "\xC3", 0 },
        { "two with a wrong second", "\xC3(", 0 },
        { "overlong three", "\xE0\x9F\xBF", 0 },
        { "first of three", "\xE0\xA0\x80", 3 },
        { "before the surrogates", "\xED\x9F\xBF", 3 },
        { "first surrogate", "\xED\xA0\x80", 0 },
        { "last surrogate", "\xED\xBF\xBF", 0 },
        { "behind the surrogates", "\xEE\x80\x80", 3 },
        { "three without its third", "\xE2\x82", 0 },
        { "overlong four", "\xF0\x8F\xBF\xBF", 0 },
        { "first of four", "\xF0\x90\x80\x80", 4 },
        { "U+10FFFF", "\xF4\x8F\xBF\xBF", 4 },
        { "beyond U+10FFFF", "\xF4\x90\x80\x80", 0 },
        { "five bytes", "\xF8\x88\x80\x80\x80", 0 },
        { "four without its fourth", "\xF0\x90\x80", 0 },
        { "nothing", "", 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, utf8_width(r->bytes, strlen(r->bytes)));
        CHECK(utf8_valid(r->bytes, strlen(r->bytes)) == (r->want == strlen(r->bytes)));
    }
}

TEST(core_utf8, never_cuts_a_character) {
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x96\x90"; /* 1 + 2 + 3 + 4 bytes */
    static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };
    for (size_t max = 0; max < COUNT_OF(want); max++) {
        CHECK_INT(want[max], utf8_prefix(text, strlen(text), max));
    }
}

TEST(core_utf8, looks_at_the_length_not_at_a_nul) {
    CHECK(utf8_valid("a\0b", 3));
    CHECK(!utf8_valid("a\0\xFF", 3));
}
