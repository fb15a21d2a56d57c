/* A list with an end for the new and an end for the old. */
#include "sfu/data_cache.h"

#include "core/mem.h"

#include <string.h>

static void drop_oldest(struct sfu_data_cache *c) {
    struct sfu_data_kept *k = c->oldest;
    c->oldest = k->next;
    c->newest = c->oldest == NULL ? NULL : c->newest;
    c->bytes -= k->len;
    c->n--;
    mem_free(k);
}

void sfu_data_cache_put(struct sfu_data_cache *c, sfu_id sender, uint32_t sequence,
    const uint8_t *data, size_t len, int64_t now_us) {
    if (len > SFU_DATA_CACHE_BYTES) {
        return;
    }
    (void)sfu_data_cache_look(c, now_us);
    while (c->n == SFU_DATA_CACHE_MOST || c->bytes + len > SFU_DATA_CACHE_BYTES) {
        drop_oldest(c);
    }
    struct sfu_data_kept *k = mem_alloc(sizeof(*k) + len);
    if (k == NULL) {
        return;
    }
    *k = (struct sfu_data_kept){
        .at_us = now_us, .sender = sender, .sequence = sequence, .len = (uint32_t)len
    };
    memcpy(k->data, data, len);
    if (c->newest == NULL) {
        c->oldest = k;
    } else {
        c->newest->next = k;
    }
    c->newest = k;
    c->bytes += len;
    c->n++;
}

const struct sfu_data_kept *sfu_data_cache_look(struct sfu_data_cache *c, int64_t now_us) {
    while (c->oldest != NULL && now_us - c->oldest->at_us > SFU_DATA_CACHE_US) {
        drop_oldest(c);
    }
    return c->oldest;
}

void sfu_data_cache_finish(struct sfu_data_cache *c) {
    while (c->oldest != NULL) {
        drop_oldest(c);
    }
}
