/* Runs the tests of one binary and prints a line a test, then "N passed, N failed". */
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALLOCATIONS_MOST 20000

static struct test *first;
static struct test **end = &first;
static const char *row;
static int failures; /* of the running test */

void test_register(struct test *t) {
    *end = t;
    end = &t->next;
}

void test_row(const char *name) {
    row = name;
}

void test_fail(const char *file, int line, const char *fmt, ...) {
    failures++;
    printf("    %s:%d: ", file, line);
    if (row != NULL) {
        printf("row \"%s\": ", row);
    }
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

void test_check_str(const char *file, int line, const char *want, const char *got) {
    bool equal = want == NULL || got == NULL ? want == got : strcmp(want, got) == 0;
    if (!equal) {
        test_fail(
            file, line, "want \"%s\", got \"%s\"", want ? want : "(null)", got ? got : "(null)");
    }
}

void test_check_int(const char *file, int line, int64_t want, int64_t got) {
    if (want != got) {
        test_fail(file, line, "want %lld, got %lld", (long long)want, (long long)got);
    }
}

static void run_failing(const struct test *t) {
    for (uint64_t n = 0; n < ALLOCATIONS_MOST; n++) {
        uint64_t before = mem_live();
        mem_fail_at(n);
        enum err e = t->run_alloc();
        bool hit = mem_failed();
        mem_fail_at(0);
        bool fine = hit ? e == ERR_NOMEM || e == OK : e == OK;
        if (!fine) {
            test_fail(t->suite, (int)n, "allocation %llu failed: got %s (%s)",
                (unsigned long long)n, err_name(e), err_text());
        }
        if (mem_live() != before) {
            test_fail(t->suite, (int)n, "allocation %llu failed: %lld blocks leaked",
                (unsigned long long)n, (long long)(mem_live() - before));
        }
        if (failures > 0 || (n > 0 && !hit)) {
            return;
        }
    }
    test_fail(t->suite, 0, "more than %d allocations", ALLOCATIONS_MOST);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0); /* what ran before a crash must be seen */
    const char *only = argc > 1 ? argv[1] : NULL;
    int passed = 0;
    int failed = 0;
    for (struct test *t = first; t != NULL; t = t->next) {
        if (only != NULL && strstr(t->name, only) == NULL) {
            continue;
        }
        failures = 0;
        row = NULL;
        if (t->run_alloc != NULL) {
            run_failing(t);
        } else {
            t->run();
        }
        printf("%s %s: %s\n", failures == 0 ? "ok" : "not ok", t->suite, t->name);
        *(failures == 0 ? &passed : &failed) += 1;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
