/* Heads as they are noted outside, and the names of problems. */
#include "store/verify.h"

#include "core/mem.h"
#include "test.h"

#define DIGITS "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

TEST(store_verify, reads_heads_as_it_writes_them) {
    static const struct {
        const char *name, *text;
        bool good;
    } rows[] = {
        { "one", "1:" DIGITS, true },
        { "the largest", "999999999999999999:" DIGITS, true },
        { "too large", "1000000000000000000:" DIGITS, false },
        { "no number", ":" DIGITS, false },
        { "no digits", "1:", false },
        { "one digit too many", "1:" DIGITS "0", false },
        { "another letter", "1;" DIGITS, false },
        { "a sign", "-1:" DIGITS, false },
        { "nothing", "", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct store_anchor a;
        CHECK((store_anchor_read(r->text, &a) == OK) == r->good);
        if (r->good) {
            char text[STORE_ANCHOR_TEXT_SIZE];
            store_anchor_write(&a, text);
            CHECK_STR(r->text, text);
        }
    }
}

TEST(store_verify, names_every_kind_of_problem) {
    for (int k = 0; k < STORE_PROBLEM_KINDS; k++) {
        CHECK(store_problem_name((enum store_problem_kind)k) != NULL);
    }
}
