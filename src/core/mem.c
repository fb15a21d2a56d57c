/* The allocator of the whole program: counts live blocks, fails on request of a test. */
#include "core/mem.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint_fast64_t live;
static atomic_uint_fast64_t fail_in; /* 0 = off; else the countdown to the failure */
static atomic_bool failed;

static bool must_fail(void) {
    if (atomic_load_explicit(&fail_in, memory_order_relaxed) == 0) {
        return false;
    }
    if (atomic_fetch_sub(&fail_in, 1) != 1) {
        return false;
    }
    atomic_store(&failed, true);
    return true;
}

void mem_fail_at(uint64_t n) {
    atomic_store(&failed, false);
    atomic_store(&fail_in, n);
}

bool mem_failed(void) {
    return atomic_load(&failed);
}

uint64_t mem_live(void) {
    return atomic_load(&live);
}

static void *counted(void *p) {
    if (p != NULL) {
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    }
    return p;
}

void *mem_alloc(size_t n) {
    return must_fail() ? NULL : counted(malloc(n ? n : 1));
}

void *mem_zalloc(size_t n) {
    return must_fail() ? NULL : counted(calloc(1, n ? n : 1));
}

void *mem_realloc(void *p, size_t n) {
    if (p == NULL) {
        return mem_alloc(n);
    }
    return must_fail() ? NULL : realloc(p, n ? n : 1);
}

char *mem_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = mem_alloc(n);
    if (copy != NULL) {
        memcpy(copy, s, n);
    }
    return copy;
}

void mem_free(void *p) {
    if (p != NULL) {
        atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
        free(p);
    }
}

void mem_free_secret(char *s) {
    if (s != NULL) {
        explicit_bzero(s, strlen(s));
        mem_free(s);
    }
}

void mem_freep(char **p) {
    mem_free(*p);
}

/* --- arenas --- */

#define ARENA_FIRST (1 * KIB)
#define ARENA_MOST  (256 * KIB)

struct arena_block {
    struct arena_block *next;
    size_t size; /* bytes behind this head */
    size_t used;
    alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *a) {
    *a = (struct arena){ 0 };
}

void arena_finish(struct arena *a) {
    struct arena_block *b = a->blocks;
    while (b != NULL) {
        struct arena_block *next = b->next;
        mem_free(b);
        b = next;
    }
    *a = (struct arena){ 0 };
}

/* Blocks double up to ARENA_MOST; what is larger gets a block of its own size. */
static struct arena_block *grow(struct arena *a, size_t n) {
    size_t size = a->blocks == NULL ? ARENA_FIRST : a->blocks->size * 2;
    if (size > ARENA_MOST) {
        size = ARENA_MOST;
    }
    if (size < n) {
        size = n;
    }
    struct arena_block *b = mem_zalloc(sizeof(*b) + size);
    if (b == NULL) {
        a->failed = true;
        return NULL;
    }
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n) {
    const size_t align = alignof(max_align_t);
    if (n > SIZE_MAX / 2) {
        a->failed = true;
        return NULL;
    }
    size_t need = (n + align - 1) / align * align;
    struct arena_block *b = a->blocks;
    if (b == NULL || b->size - b->used < need) {
        b = grow(a, need);
        if (b == NULL) {
            return NULL;
        }
    }
    void *p = b->bytes + b->used;
    b->used += need;
    a->used += need;
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) {
        a->failed = true;
        return NULL;
    }
    return arena_alloc(a, count * size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
    char *copy = arena_alloc(a, n + 1);
    if (copy != NULL) {
        memcpy(copy, s, n);
    }
    return copy;
}

char *arena_strdup(struct arena *a, const char *s) {
    return s == NULL ? NULL : arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (s != NULL) {
        va_start(ap, fmt);
        vsnprintf(s, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    return s;
}
