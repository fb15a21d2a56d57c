/* What the process costs is read from /proc at the moment of asking; the names are those of the
 * Prometheus clients. */
#include "api/metrics_page.h"

#include "api/health.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/reply.h"
#include "http/router.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PROC_TEXT_MAX 4096 /* bytes of a /proc file that we look at */

static const char *read_proc(const char *path, char text[PROC_TEXT_MAX]) {
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return NULL;
    }
    size_t n = fread(text, 1, PROC_TEXT_MAX - 1, f);
    fclose(f);
    text[n] = '\0';
    return n > 0 ? text : NULL;
}

/* Every reader gives a negative number for "not known". */
static double resident_bytes(void) {
    char text[PROC_TEXT_MAX];
    unsigned long long pages;
    if (read_proc("/proc/self/statm", text) == NULL || sscanf(text, "%*u %llu", &pages) != 1) {
        return -1;
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void) {
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) {
        return -1;
    }
    int n = 0;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        n += e->d_name[0] != '.';
    }
    closedir(dir);
    return n - 1; /* the one that looked */
}

static double max_fds(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : -1;
}

static double cpu_seconds(void) {
    struct timespec t;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0
               ? (double)t.tv_sec + (double)t.tv_nsec / 1e9
               : -1;
}

/* The 22nd word of proc_pid_stat(5), in ticks since boot; words are counted behind the name, which
 * may hold anything. */
static double start_seconds(void) {
    char text[PROC_TEXT_MAX];
    const char *s = read_proc("/proc/self/stat", text);
    s = s == NULL ? NULL : strrchr(text, ')');
    unsigned long long ticks;
    if (s == NULL ||
        sscanf(s + 1,
            " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
            &ticks) != 1) {
        return -1;
    }
    struct timespec wall, boot;
    if (clock_gettime(CLOCK_REALTIME, &wall) != 0 || clock_gettime(CLOCK_BOOTTIME, &boot) != 0) {
        return -1;
    }
    double booted =
        (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9;
    return booted + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static const struct {
    const char *name;
    const char *kind;
    const char *help;
    double (*read)(void);
} rows[] = {
    { "process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM.",
        resident_bytes },
    { "process_open_fds", "gauge", "Open file descriptors.", open_fds },
    { "process_max_fds", "gauge", "Allowed file descriptors.", max_fds },
    { "process_cpu_seconds_total", "counter", "Processor time used by all threads.", cpu_seconds },
    { "process_start_time_seconds", "gauge", "When the process began, Unix time.", start_seconds },
};

void api_metrics_page_process(struct buf *b) {
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        double value = rows[i].read();
        if (value >= 0) {
            buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", rows[i].name, rows[i].help,
                rows[i].name, rows[i].kind, rows[i].name, value);
        }
    }
    buf_puts(b, "# HELP parley_build_info Which program this is.\n# TYPE parley_build_info gauge\n"
                "parley_build_info{version=\"" PARLEY_VERSION "\"} 1\n");
}

static void get_metrics(struct http_request *r, void *arg) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    metrics_print(&b);
    api_health_print_metrics(arg, &b);
    api_metrics_page_process(&b);
    enum err e = buf_check(&b);
    if (e != OK) {
        http_reply_err(r, e);
        return;
    }
    http_reply_bytes(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b), b.len);
}

static const struct http_route routes[] = {
    { "GET", "/metrics", get_metrics, 0 },
    { "HEAD", "/metrics", get_metrics, 0 },
};

enum err api_metrics_page_add(const struct api_health *h, struct http_router *router) {
    return http_router_add(router, routes, COUNT_OF(routes), NULL, (void *)(uintptr_t)h);
}
