/*
 * What workers count, as metrics: every second a worker adds what has come since to numbers that
 * all workers share, so that no packet touches another thread's memory.
 *
 * Thread: register on main, before workers run; the rest is the worker's.  See: core/metrics.h.
 */
#ifndef SFU_COUNTERS_H
#define SFU_COUNTERS_H

#include <stdint.h>

struct sfu_worker;

#define SFU_COUNTERS_US 1000000
#define SFU_COUNTERS    40

/** What was told already; zero it to begin. */
struct sfu_counters {
    int64_t told_us;
    uint64_t told[SFU_COUNTERS];
};

void sfu_counters_register(void);
/** Tells what has come since the last time, if that is long enough ago. */
void sfu_counters_tell(struct sfu_worker *w, int64_t now_us);

#endif
