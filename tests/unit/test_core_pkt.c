/* Pooled packets: what fits, what is counted, and what happens at the bound. */
#include "core/pkt.h"

#include "test.h"

#include <string.h>

static void poolp(struct pkt_pool **p) {
    pkt_pool_destroy(*p);
}

static size_t in_use(const struct pkt_pool *pool) {
    struct pkt_stats s;
    pkt_pool_stats(pool, &s);
    return s.in_use;
}

TEST_ALLOC(core_pkt, gives_slots_that_take_a_datagram) {
    CLEANUP(poolp) struct pkt_pool *pool = NULL;
    TRY(pkt_pool_create(MIB, &pool));
    struct pkt *p = pkt_take(pool);
    if (p == NULL) {
        return ERR_NOMEM;
    }
    CHECK_INT(0, p->len);
    CHECK(p->cap - p->off >= PKT_DATAGRAM + PKT_TAILROOM);
    memset(pkt_bytes(p), 0xab, PKT_DATAGRAM + PKT_TAILROOM);
    pkt_ref(p);
    pkt_unref(p);
    CHECK_INT(1, in_use(pool));
    pkt_unref(p);
    CHECK_INT(0, in_use(pool));
    struct pkt *again = pkt_take(pool);
    CHECK(again == p);
    pkt_unref(again);
    return OK;
}

TEST(core_pkt, has_no_packet_beyond_its_bound) {
    CLEANUP(poolp) struct pkt_pool *pool = NULL;
    CHECK_ERR(OK, pkt_pool_create(128 * KIB, &pool));
    struct pkt *held = NULL;
    size_t n = 0;
    for (struct pkt *p; n < 1000 && (p = pkt_take(pool)) != NULL; n++) {
        p->next = held;
        held = p;
    }
    CHECK(n >= 70 && n < 80);
    struct pkt_stats s;
    pkt_pool_stats(pool, &s);
    CHECK_INT(128 * KIB, s.slab_bytes);
    CHECK_INT(1, s.exhausted);
    struct pkt *one = held;
    held = held->next;
    pkt_unref(one);
    one = pkt_take(pool);
    CHECK(one != NULL);
    pkt_unref(one);
    while (held != NULL) {
        struct pkt *p = held;
        held = p->next;
        pkt_unref(p);
    }
}

TEST(core_pkt, keeps_small_packets_in_small_slots) {
    static const struct {
        const char *name;
        uint16_t len;
        bool small;
    } rows[] = {
        { "Opus", 100, true },
        { "the largest small one", 248, true },
        { "one more", 249, false },
        { "video", 1200, false },
    };
    CLEANUP(poolp) struct pkt_pool *pool = NULL;
    CHECK_ERR(OK, pkt_pool_create(MIB, &pool));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct pkt *p = pkt_take(pool);
        p->len = r->len;
        p->arrived_us = 77;
        for (int i = 0; i < r->len; i++) {
            pkt_bytes(p)[i] = (uint8_t)i;
        }
        struct pkt *kept = pkt_keep(p);
        pkt_unref(p);
        CHECK(kept->small == r->small);
        CHECK_INT(r->len, kept->len);
        CHECK_INT(77, kept->arrived_us);
        CHECK_INT((uint8_t)(r->len - 1), pkt_bytes(kept)[r->len - 1]);
        struct pkt *again = pkt_keep(kept);
        CHECK(again == kept);
        pkt_unref(again);
        CHECK_INT(1, in_use(pool));
        pkt_unref(kept);
    }
    CHECK_INT(0, in_use(pool));
}
