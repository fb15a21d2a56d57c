/* What a run measures: times as samples, and what a process on this machine has used. */
#ifndef TOOLS_LOAD_FIGURES_H
#define TOOLS_LOAD_FIGURES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOAD_SAMPLES_MAX 2000000 /* 8 MB; what comes later is left out */

struct load_samples {
    uint32_t *us;
    size_t n, cap;
};
void load_samples_finish(struct load_samples *s);
/** Left out where memory is gone. */
void load_samples_add(struct load_samples *s, int64_t us);
/** The value that `percent` of the samples do not exceed, 0 without any. Sorts them. */
uint32_t load_samples_at(struct load_samples *s, unsigned percent);

/** User and system time of all its threads, those that ended too; -1 where it is not known. */
int64_t load_process_ns(pid_t pid);
/** Resident memory; -1 where it is not known. */
int64_t load_process_kib(pid_t pid);

#endif
