/* The page in Prometheus' text format. */
#include "core/metrics.h"

#include "core/clock.h"

#include "test.h"

#include <string.h>

METRIC_COUNTER(events, "test_events_total", "Events.");
METRIC_GAUGE(open_now, "test_open", "Open now.");
METRIC_HISTOGRAM(seconds, "test_seconds", "How long.");
static struct metric talk = METRIC_INIT_PEOPLE("test_talk_seconds", "kind=\"x\"", "How long.");
static struct metric dropped[] = {
    METRIC_INIT(METRIC_KIND_COUNTER, "test_dropped_total", "reason=\"late\"", "Dropped."),
    METRIC_INIT(METRIC_KIND_COUNTER, "test_dropped_total", "reason=\"odd\"", "Dropped."),
};

TEST(core_metrics, prints_what_is_registered) {
    struct buf b;
    buf_init(&b, 0);
    metric_add(&events, 2); /* counted before it is on the page */
    metrics_register(&events);
    metrics_register(&events);
    metrics_register(&open_now);
    metrics_register(&dropped[0]);
    metrics_register(&dropped[1]);
    metric_add(&events, 3);
    metric_set(&open_now, 9);
    metric_set(&open_now, -1);
    metric_add(&dropped[1], 1);
    metrics_print(&b);
    CHECK_STR(
        "# HELP test_events_total Events.\n# TYPE test_events_total counter\ntest_events_total 5\n"
        "# HELP test_open Open now.\n# TYPE test_open gauge\ntest_open -1\n"
        "# HELP test_dropped_total Dropped.\n# TYPE test_dropped_total counter\n"
        "test_dropped_total{reason=\"late\"} 0\ntest_dropped_total{reason=\"odd\"} 1\n",
        buf_str(&b));
    buf_finish(&b);
}

static struct metric busy =
    METRIC_INIT(METRIC_KIND_SECONDS, "test_busy_seconds_total", "", "How long.");

TEST(core_metrics, counters_of_time_are_in_seconds) {
    struct buf b;
    buf_init(&b, 0);
    metrics_register(&busy);
    metric_add(&busy, 1000000);
    metric_add(&busy, 2050);
    metrics_print(&b);
    CHECK(strstr(buf_str(&b), "# TYPE test_busy_seconds_total counter\n"
                              "test_busy_seconds_total 1.002050\n") != NULL);
    buf_finish(&b);
}

TEST(core_metrics, histograms_are_cumulative) {
    static const int64_t us[] = { 0, 500, 501, 2500000, 10000000, 10000001 };
    static const char *const want[] = { "test_seconds_bucket{le=\"0.0005\"} 2\n",
        "test_seconds_bucket{le=\"0.001\"} 3\n", "test_seconds_bucket{le=\"1\"} 3\n",
        "test_seconds_bucket{le=\"2.5\"} 4\n", "test_seconds_bucket{le=\"10\"} 5\n",
        "test_seconds_bucket{le=\"+Inf\"} 6\n", "test_seconds_sum 22.501002\n",
        "test_seconds_count 6\n" };
    struct buf b;
    buf_init(&b, 0);
    metrics_register(&seconds);
    for (size_t i = 0; i < COUNT_OF(us); i++) {
        metric_observe_us(&seconds, us[i]);
    }
    metrics_print(&b);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        ROW(want[i]);
        CHECK(strstr(buf_str(&b), want[i]) != NULL);
    }
    buf_finish(&b);
}

TEST(core_metrics, people_take_their_time) {
    static const int64_t us[] = { SEC_US / 2, SEC_US / 2 + 1, 60 * SEC_US, 10001 * SEC_US };
    static const char *const want[] = { "test_talk_seconds_bucket{kind=\"x\",le=\"0.5\"} 1\n",
        "test_talk_seconds_bucket{kind=\"x\",le=\"1\"} 2\n",
        "test_talk_seconds_bucket{kind=\"x\",le=\"100\"} 3\n",
        "test_talk_seconds_bucket{kind=\"x\",le=\"10000\"} 3\n",
        "test_talk_seconds_bucket{kind=\"x\",le=\"+Inf\"} 4\n",
        "test_talk_seconds_sum{kind=\"x\"} 10062.000001\n" };
    struct buf b;
    buf_init(&b, 0);
    metrics_register(&talk);
    for (size_t i = 0; i < COUNT_OF(us); i++) {
        metric_observe_us(&talk, us[i]);
    }
    metrics_print(&b);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        ROW(want[i]);
        CHECK(strstr(buf_str(&b), want[i]) != NULL);
    }
    buf_finish(&b);
}
