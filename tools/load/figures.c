/* Samples, and the clocks of processes. */
#include "figures.h"

#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void load_samples_finish(struct load_samples *s) {
    mem_free(s->us);
    *s = (struct load_samples){ 0 };
}

void load_samples_add(struct load_samples *s, int64_t us) {
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 4096 : 2 * s->cap;
        uint32_t *grown = cap > LOAD_SAMPLES_MAX ? NULL : mem_realloc(s->us, cap * sizeof(*s->us));
        if (grown == NULL) {
            return;
        }
        s->us = grown;
        s->cap = cap;
    }
    s->us[s->n++] = us < 0 ? 0 : (uint32_t)(us > UINT32_MAX ? UINT32_MAX : us);
}

static int compare(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint32_t load_samples_at(struct load_samples *s, unsigned percent) {
    if (s->n == 0) {
        return 0;
    }
    qsort(s->us, s->n, sizeof(*s->us), compare);
    size_t at = s->n * percent / 100;
    return s->us[at < s->n ? at : s->n - 1];
}

int64_t load_process_ns(pid_t pid) {
    clockid_t clock;
    struct timespec t;
    if (pid < 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) {
        return -1;
    }
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t load_process_kib(pid_t pid) {
    char path[64], line[256];
    int64_t kib = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = pid <= 0 ? NULL : fopen(path, "re");
    while (f != NULL && kib < 0 && fgets(line, sizeof(line), f) != NULL) {
        (void)sscanf(line, "VmRSS: %" SCNd64 " kB", &kib);
    }
    if (f != NULL) {
        fclose(f);
    }
    return kib;
}
