/*
 * Memory: one allocator that tests can make fail and count, and arenas for everything that lives as
 * long as one request or one unit of work.
 *
 * Thread: any; an arena belongs to one thread at a time.
 */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/** All give memory that mem_free takes, or NULL. mem_zalloc clears it; mem_realloc keeps the old
 * block when it fails. */
void *mem_alloc(size_t n);
void *mem_zalloc(size_t n);
void *mem_realloc(void *p, size_t n);
char *mem_strdup(const char *s);
void mem_free(void *p);

/** Frees memory that held a secret: overwrites it first. */
void mem_free_secret(char *s);

/** For tests: the n-th allocation from now on fails (1 = the next), once; 0 switches it off. */
void mem_fail_at(uint64_t n);
/** For tests: has the failure asked for by mem_fail_at happened? */
bool mem_failed(void);
/** Blocks given and not yet freed. */
uint64_t mem_live(void);

/*
 * An arena: blocks that grow, freed all at once. Pointers stay valid until arena_finish.
 * Allocation gives NULL when memory is gone and remembers it in `failed`, so that code which reads
 * many fields may check once at the end.
 */
struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t used; /* bytes handed out, for limits and metrics */
    bool failed;
};

void arena_init(struct arena *a);
void arena_finish(struct arena *a);
/** Memory aligned for any type and cleared, or NULL. */
void *arena_alloc(struct arena *a, size_t n);
/** Like arena_alloc(count * size), NULL on overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);
/** A copy with a NUL behind it, or NULL. `s` NULL gives NULL without failing. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *a, const char *fmt, ...);

/* Locals clean themselves; STEAL is the visible moment of handing over. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define STEAL(p)                                                                                   \
    __extension__({                                                                                \
        __typeof__(p) steal_ = (p);                                                                \
        (p) = NULL;                                                                                \
        steal_;                                                                                    \
    })
/** For CLEANUP on a char pointer. */
void mem_freep(char **p);

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
