/* No allocation for a packet, by whatever library: a call that has warmed up makes none but for
 * ICE's checks, whose HMACs (both ends') libnice has made by GnuTLS. */
#include "scene.h"
#include "unit/test.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_uint_fast64_t calls;

/* Every build counts malloc and its like: the sanitizers' allocators call a hook, the C library's
 * is wrapped. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#ifdef SANITIZED
int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void *, size_t), void (*free_hook)(const volatile void *));

static void allocated(const volatile void *p, size_t n) {
    (void)p;
    (void)n;
    atomic_fetch_add(&calls, 1);
}

static void freed(const volatile void *p) {
    (void)p;
}

__attribute__((constructor)) static void install(void) {
    (void)__sanitizer_install_malloc_and_free_hooks(allocated, freed);
}
#else
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n) {
    atomic_fetch_add(&calls, 1);
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n) {
    atomic_fetch_add(&calls, 1);
    return __libc_realloc(p, n);
}
#endif

#define SECONDS     10
#define CHECKS      (3 * SECONDS / 2) /* three clients, one in two seconds each */
#define FOR_A_CHECK 8

TEST(sim_malloc, is_counted) {
    uint64_t before = calls;
    void *volatile p = malloc(17);
    free(p);
    CHECK_INT(before + 1, calls);
}

TEST(sim_malloc, a_warm_call_allocates_for_nothing_but_checks) {
    static const struct {
        const char *name;
        struct net_way way; /* both ways */
    } rows[] = {
        { "on good ways", { 10000, 0, 0 } },
        { "with loss and resends", { 20000, 30000, 50 } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct scene s;
        scene_begin(&s, 90 + (uint64_t)(r - rows), true);
        struct peer_sink *third = world_subscribe(s.bad, &s.a->tracks[1], NULL);
        s.w->net.up = s.w->net.down = r->way;
        world_run(s.w, 15 * SECOND);
        uint64_t before = calls, packets = s.worker->stats.forwarded;
        world_run(s.w, SECONDS * SECOND);
        CHECK(calls - before <= FOR_A_CHECK * (CHECKS + 3));
        CHECK(s.worker->stats.forwarded - packets > 2000);
        CHECK_INT(0, peer_sink_faults(third));
        s.w->net.up = s.w->net.down = (struct net_way){ 10000, 0, 0 };
        world_destroy(s.w);
    }
}
