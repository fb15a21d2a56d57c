#include "test.h"

#include "sfu/data_cache.h"

static unsigned count(struct sfu_data_cache *c, int64_t now_us, uint32_t *first) {
    unsigned n = 0;
    *first = 0;
    for (const struct sfu_data_kept *k = sfu_data_cache_look(c, now_us); k != NULL; k = k->next) {
        *first = n++ == 0 ? k->sequence : *first;
        CHECK_INT(*first + n - 1, k->sequence);
        CHECK_INT((uint8_t)k->sequence, k->data[0]);
    }
    return n;
}

TEST(sfu_data_cache, keeps_so_long_and_so_much) {
    static const struct {
        const char *name;
        size_t len;
        int64_t every_us, wait_us;
        unsigned puts, want;
    } rows[] = {
        { "a few", 100, 1000, 0, 10, 10 },
        { "until they are old", 100, SEC_US / 2, 0, 10, 5 },
        { "none for ever", 100, 1000, SFU_DATA_CACHE_US + 1, 10, 0 },
        { "as many bytes", 30000, 1000, 0, 10, 3 },
        { "as many messages", 1, 10, 0, SFU_DATA_CACHE_MOST + 20, SFU_DATA_CACHE_MOST },
        { "none that is too large", SFU_DATA_CACHE_BYTES + 1, 10, 0, 2, 0 },
    };
    static uint8_t data[SFU_DATA_CACHE_BYTES + 1];
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_data_cache c = { 0 };
        int64_t now_us = 0;
        uint32_t first;
        for (uint32_t i = 1; i <= r->puts; i++) {
            data[0] = (uint8_t)i;
            now_us += r->every_us;
            sfu_data_cache_put(&c, 1, i, data, r->len, now_us);
        }
        CHECK_INT(r->want, count(&c, now_us + r->wait_us, &first));
        CHECK_INT(r->want == 0 ? 0 : r->puts - r->want + 1, first);
        CHECK_INT(r->want * r->len, c.bytes);
        sfu_data_cache_finish(&c);
        CHECK_INT(0, count(&c, now_us, &first));
    }
}

TEST_ALLOC(sfu_data_cache, survives_no_memory) {
    CLEANUP(sfu_data_cache_finish) struct sfu_data_cache c = { 0 };
    sfu_data_cache_put(&c, 1, 1, (const uint8_t *)"\1", 1, 0);
    sfu_data_cache_put(&c, 1, 2, (const uint8_t *)"\2", 1, 0);
    return OK;
}
