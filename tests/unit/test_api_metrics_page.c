/* The process as Prometheus sees it. */
#include "api/metrics_page.h"

#include "core/buf.h"
#include "core/clock.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The value of a metric without labels, or -1. */
static double value_of(const char *page, const char *name) {
    char needle[128];
    double value = -1;
    snprintf(needle, sizeof(needle), "\n%s ", name);
    const char *at = strstr(page, needle);
    if (at != NULL) {
        sscanf(at + strlen(needle), "%lf", &value);
    }
    return value;
}

TEST(api_metrics_page, tells_what_the_process_costs) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    api_metrics_page_process(&b);
    const char *page = buf_str(&b);
    double now = (double)clock_wall_ms() / 1000;
    CHECK(value_of(page, "process_resident_memory_bytes") > 100e3);
    CHECK(value_of(page, "process_open_fds") >= 3);
    CHECK(value_of(page, "process_max_fds") >= value_of(page, "process_open_fds"));
    CHECK(value_of(page, "process_cpu_seconds_total") > 0);
    double started = value_of(page, "process_start_time_seconds");
    CHECK(started > now - 600 && started <= now + 1);
    CHECK(strstr(page, "\nparley_build_info{version=\"" PARLEY_VERSION "\"} 1\n") != NULL);
}

TEST(api_metrics_page, counts_open_descriptors) {
    double before, after;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    api_metrics_page_process(&b);
    before = value_of(buf_str(&b), "process_open_fds");
    int ends[2];
    CHECK(pipe(ends) == 0);
    buf_clear(&b);
    api_metrics_page_process(&b);
    after = value_of(buf_str(&b), "process_open_fds");
    CHECK_INT(2, after - before);
    close(ends[0]);
    close(ends[1]);
}

TEST_ALLOC(api_metrics_page, survives_no_memory) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    api_metrics_page_process(&b);
    return buf_check(&b);
}
