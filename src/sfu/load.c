/* From the worker's counters to a handful of numbers. */
#include "sfu/load.h"

#include "sfu/control.h"
#include "sfu/worker.h"

#define PERCENT 100

static void put(atomic_int_fast64_t *at, int64_t n) {
    atomic_store_explicit(at, n, memory_order_relaxed);
}

static int64_t get(const atomic_int_fast64_t *at) {
    return atomic_load_explicit(at, memory_order_relaxed);
}

void sfu_load_tell(struct sfu_worker *w, int64_t now_us) {
    struct sfu_load_told *told = &w->load;
    const uint64_t busy_us = w->media->stats.busy_us;
    const int64_t window_us = now_us - told->from_us;
    struct pkt_stats pool;
    pkt_pool_stats(w->media->pool, &pool);
    if (window_us > 0) {
        put(&told->busy_percent, (int64_t)(busy_us - told->busy_us) * PERCENT / window_us);
    }
    put(&told->transports, (int64_t)w->media->n_transports);
    put(&told->packets, (int64_t)pool.in_use);
    put(&told->packets_bytes, (int64_t)pool.slab_bytes);
    put(&told->at_us, now_us);
    told->from_us = now_us;
    told->busy_us = busy_us;
}

void sfu_load_read(const struct sfu_load_told *told, int64_t now_us, struct sfu_load *ret) {
    const bool idle = now_us - get(&told->at_us) > SFU_LOAD_OLD_US;
    ret->busy_percent = idle ? 0 : (unsigned)get(&told->busy_percent);
    ret->transports = (size_t)get(&told->transports);
    ret->packets = (size_t)get(&told->packets);
    ret->packets_bytes = (size_t)get(&told->packets_bytes);
}
