/*
 * Metrics: counters, gauges and histograms that the room owning them declares, printed in the
 * Prometheus text format 0.0.4.
 *
 *     METRIC_COUNTER(events_ignored, "parley_appservice_events_ignored_total", "Events of types we
 * do not read."); metric_add(&events_ignored, 1);
 *
 * A metric registers itself at first use of metrics_register (called by its room's set-up). Labels
 * are a fixed set known at compile time: no room or user name ever becomes a label. Thread: adding
 * from any thread; registering and printing on main.
 */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include "core/buf.h"

#include <stdatomic.h>
#include <stdint.h>

enum metric_kind {
    METRIC_KIND_COUNTER,
    METRIC_KIND_GAUGE,
    METRIC_KIND_HISTOGRAM,
    METRIC_KIND_SECONDS /* a counter of microseconds, printed as seconds */
};

/* Upper bounds of the histogram buckets: from 0.5 ms to 10 s, or, for what people wait for and do,
 * a thousand times that: from 0.5 s to 10,000 s. */
#define METRIC_BUCKETS 14

struct metric {
    enum metric_kind kind;
    const char *name;
    const char *help;
    const char
        *labels; /* "" or `reason="x"`, without braces; metrics of one name share kind and help */
    atomic_int_fast64_t value;                   /* histogram: number of observations */
    atomic_int_fast64_t sum_us;                  /* histogram only */
    atomic_int_fast64_t buckets[METRIC_BUCKETS]; /* histogram only, not cumulative */
    struct metric *next;                         /* registry; NULL-terminated, private */
    bool registered;
    bool people; /* histogram only: the longer bounds */
};

#define METRIC_INIT(k, n, l, h)                                                                    \
    { .kind = (k), .name = (n), .labels = (l), .help = (h) }
/* A histogram of seconds to hours. */
#define METRIC_INIT_PEOPLE(n, l, h)                                                                \
    { .kind = METRIC_KIND_HISTOGRAM, .name = (n), .labels = (l), .help = (h), .people = true }
#define METRIC_COUNTER(var, n, h)                                                                  \
    static struct metric var = METRIC_INIT(METRIC_KIND_COUNTER, n, "", h)
#define METRIC_GAUGE(var, n, h) static struct metric var = METRIC_INIT(METRIC_KIND_GAUGE, n, "", h)
#define METRIC_HISTOGRAM(var, n, h)                                                                \
    static struct metric var = METRIC_INIT(METRIC_KIND_HISTOGRAM, n, "", h)

/** Puts it on the page; doing so twice is harmless. Metrics of one name must be registered one
 * after the other. */
void metrics_register(struct metric *m);
void metric_add(struct metric *m, int64_t n);
void metric_set(struct metric *m, int64_t value);
void metric_observe_us(struct metric *m, int64_t us);
/** Prints all registered metrics. */
void metrics_print(struct buf *b);

#endif
