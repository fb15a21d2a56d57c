/*
 * The unit tests' harness: sentences over tables.
 *
 *     TEST(core_buf, quotes_json) { FOR_ROWS(rows, r) { ROW(r->name); CHECK_STR(r->want, got); } }
 *     TEST_ALLOC(core_buf, survives_no_memory) { …; return OK; }
 *
 * A TEST_ALLOC body returns an enum err. It runs once and must return OK; then it runs again with
 * its 1st, 2nd, 3rd … allocation failing until none fails any more: each run must return ERR_NOMEM
 * (or OK, where the code can do without) and every run must give back all memory. TRY works in it;
 * clean up with CLEANUP.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include "core/err.h"
#include "core/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct test {
    const char *suite;
    const char *name;
    void (*run)(void);
    enum err (*run_alloc)(void);
    struct test *next;
};

void test_register(struct test *t);
/** Notes a failure of the running test; the test goes on. */
__attribute__((format(printf, 3, 4))) void test_fail(
    const char *file, int line, const char *fmt, ...);
/** Names the row that is being checked, in later failures. */
void test_row(const char *name);
void test_check_str(const char *file, int line, const char *want, const char *got);
void test_check_int(const char *file, int line, int64_t want, int64_t got);

#define TEST_ENTRY_(s, n, r, a)                                                                    \
    __attribute__((constructor)) static void register_##s##_##n(void) {                            \
        static struct test t = { #s, #n, r, a, NULL };                                             \
        test_register(&t);                                                                         \
    }
#define TEST(s, n)                                                                                 \
    static void test_##s##_##n(void);                                                              \
    TEST_ENTRY_(s, n, test_##s##_##n, NULL)                                                        \
    static void test_##s##_##n(void)
#define TEST_ALLOC(s, n)                                                                           \
    static enum err test_##s##_##n(void);                                                          \
    TEST_ENTRY_(s, n, NULL, test_##s##_##n)                                                        \
    static enum err test_##s##_##n(void)

#define ROW(name) test_row(name)
#define FOR_ROWS(rows, r)                                                                          \
    for (__typeof__(&(rows)[0]) r = (rows); r < (rows) + sizeof(rows) / sizeof((rows)[0]); r++)
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            test_fail(__FILE__, __LINE__, "%s", #cond);                                            \
        }                                                                                          \
    } while (0)
#define CHECK_STR(want, got) test_check_str(__FILE__, __LINE__, want, got)
#define CHECK_INT(want, got) test_check_int(__FILE__, __LINE__, (int64_t)(want), (int64_t)(got))
#define CHECK_ERR(want, expr)                                                                      \
    do {                                                                                           \
        enum err check_err_ = (expr);                                                              \
        if (check_err_ != (want)) {                                                                \
            test_fail(__FILE__, __LINE__, "%s: want %s, got %s (%s)", #expr, err_name(want),       \
                err_name(check_err_), err_text());                                                 \
        }                                                                                          \
    } while (0)

#endif
