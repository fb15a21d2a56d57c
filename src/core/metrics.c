/* The registry of metrics and its page. */
#include "core/metrics.h"

#include <inttypes.h>
#include <string.h>

static struct metric *first;
static struct metric *last;

#define PEOPLE 1000 /* how much longer the bounds of people's time are */

static const struct {
    int64_t us;
    const char *le[2]; /* ours, people's */
} bounds[METRIC_BUCKETS] = {
    { 500, { "0.0005", "0.5" } },
    { 1000, { "0.001", "1" } },
    { 2500, { "0.0025", "2.5" } },
    { 5000, { "0.005", "5" } },
    { 10000, { "0.01", "10" } },
    { 25000, { "0.025", "25" } },
    { 50000, { "0.05", "50" } },
    { 100000, { "0.1", "100" } },
    { 250000, { "0.25", "250" } },
    { 500000, { "0.5", "500" } },
    { 1000000, { "1", "1000" } },
    { 2500000, { "2.5", "2500" } },
    { 5000000, { "5", "5000" } },
    { 10000000, { "10", "10000" } },
};

void metrics_register(struct metric *m) {
    if (m->registered) {
        return;
    }
    m->registered = true;
    if (last == NULL) {
        first = m;
    } else {
        last->next = m;
    }
    last = m;
}

void metric_add(struct metric *m, int64_t n) {
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

void metric_set(struct metric *m, int64_t value) {
    atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

void metric_observe_us(struct metric *m, int64_t us) {
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        if (us <= bounds[i].us * (m->people ? PEOPLE : 1)) {
            metric_add(m, 1);
            atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
            atomic_fetch_add_explicit(&m->sum_us, us, memory_order_relaxed);
            return;
        }
    }
    metric_add(m, 1);
    atomic_fetch_add_explicit(&m->sum_us, us, memory_order_relaxed);
}

static void print_histogram(struct buf *b, const struct metric *m) {
    const char *comma = m->labels[0] == '\0' ? "" : ",";
    int64_t sum = 0;
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        sum += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        buf_printf(b, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", m->name, m->labels, comma,
            bounds[i].le[m->people], sum);
    }
    int64_t count = atomic_load_explicit(&m->value, memory_order_relaxed);
    int64_t sum_us = atomic_load_explicit(&m->sum_us, memory_order_relaxed);
    buf_printf(b, "%s_bucket{%s%sle=\"+Inf\"} %" PRId64 "\n", m->name, m->labels, comma, count);
    const char *open = m->labels[0] == '\0' ? "" : "{";
    const char *close = m->labels[0] == '\0' ? "" : "}";
    buf_printf(b, "%s_sum%s%s%s %" PRId64 ".%06" PRId64 "\n", m->name, open, m->labels, close,
        sum_us / 1000000, sum_us % 1000000);
    buf_printf(b, "%s_count%s%s%s %" PRId64 "\n", m->name, open, m->labels, close, count);
}

/* The value, whole or in seconds, and the line's end. */
static void print_value(struct buf *b, const struct metric *m) {
    const int64_t value = atomic_load(&m->value);
    if (m->kind == METRIC_KIND_SECONDS) {
        buf_printf(b, "%" PRId64 ".%06" PRId64 "\n", value / 1000000, value % 1000000);
    } else {
        buf_printf(b, "%" PRId64 "\n", value);
    }
}

void metrics_print(struct buf *b) {
    static const char *const kinds[] = { "counter", "gauge", "histogram", "counter" };
    const char *name = "";
    for (const struct metric *m = first; m != NULL; m = m->next) {
        if (strcmp(name, m->name) != 0) {
            name = m->name;
            buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, m->help, name, kinds[m->kind]);
        }
        if (m->kind == METRIC_KIND_HISTOGRAM) {
            print_histogram(b, m);
        } else {
            const bool labels = m->labels[0] != '\0';
            buf_printf(b, labels ? "%s{%s} " : "%s%s ", name, m->labels);
            print_value(b, m);
        }
    }
}
