/* The allocator that can fail and count, and arenas. */
#include "core/mem.h"

#include "test.h"

#include <stdalign.h>
#include <string.h>

TEST(core_mem, counts_what_is_alive) {
    uint64_t before = mem_live();
    char *a = mem_alloc(0);
    char *b = mem_zalloc(8);
    char *c = mem_strdup("x");
    CHECK_INT(before + 3, mem_live());
    CHECK(a != NULL && b[0] == 0 && b[7] == 0);
    b = mem_realloc(b, 1000);
    CHECK_INT(before + 3, mem_live());
    mem_free(a);
    mem_free(b);
    mem_free_secret(c);
    mem_free(NULL);
    mem_free_secret(NULL);
    CHECK_INT(before, mem_live());
}

TEST(core_mem, fails_once_where_told) {
    mem_fail_at(2);
    void *a = mem_alloc(1);
    CHECK(a != NULL && !mem_failed());
    CHECK(mem_zalloc(1) == NULL);
    CHECK(mem_failed());
    void *b = mem_alloc(1);
    CHECK(b != NULL);
    mem_fail_at(1);
    CHECK(mem_realloc(b, 100) == NULL); /* b is still ours */
    mem_fail_at(0);
    CHECK(!mem_failed());
    mem_free(a);
    mem_free(b);
}

TEST(core_mem, arenas_give_cleared_aligned_memory) {
    uint64_t before = mem_live();
    struct arena a;
    arena_init(&a);
    for (size_t n = 1; n < 100000; n = n * 3 + 1) {
        uint8_t *p = arena_alloc(&a, n);
        CHECK(p != NULL && (uintptr_t)p % alignof(max_align_t) == 0);
        CHECK(p[0] == 0 && p[n - 1] == 0);
        memset(p, 0xAA, n); /* the sanitizer's and the next blocks' test */
    }
    CHECK(a.used >= 88573 && !a.failed);
    arena_finish(&a);
    CHECK_INT(before, mem_live());
}

TEST(core_mem, arenas_copy_and_print_text) {
    struct arena a;
    arena_init(&a);
    CHECK_STR("abc", arena_strdup(&a, "abc"));
    CHECK_STR("ab", arena_strndup(&a, "abc", 2));
    CHECK_STR("n=7 x", arena_printf(&a, "n=%d %s", 7, "x"));
    CHECK(arena_strdup(&a, NULL) == NULL && !a.failed);
    arena_finish(&a);
}

TEST(core_mem, arenas_remember_a_failure) {
    static const struct {
        const char *name;
        size_t count, size;
    } rows[] = { { "product overflows", SIZE_MAX / 2, 3 }, { "too much", SIZE_MAX - 8, 1 } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        arena_init(&a);
        CHECK(arena_array(&a, r->count, r->size) == NULL);
        CHECK(a.failed);
        arena_finish(&a);
    }
}

TEST_ALLOC(core_mem, arenas_survive_no_memory) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    arena_alloc(&a, 10);
    arena_alloc(&a, 100000);
    arena_printf(&a, "%5000d", 1);
    return a.failed ? ERR_NOMEM : OK;
}

static char *stolen_from(void) {
    CLEANUP(mem_freep) char *s = mem_strdup("kept");
    return STEAL(s);
}

TEST(core_mem, steal_hands_over) {
    uint64_t before = mem_live();
    char *s = stolen_from();
    CHECK_STR("kept", s);
    mem_free(s);
    CHECK_INT(before, mem_live());
}
