/*
 * What the check of the media's buffers goes by.  Thread: any; pure.
 */
#ifndef DOCTOR_MEDIA_H
#define DOCTOR_MEDIA_H

#include <stdbool.h>

/* A limit of the kernel, as /proc/sys has it. */
struct doctor_limit {
    const char *name; /* "net.core.rmem_max" */
    long bytes;       /* below 0: it could not be read */
};

/** Is it large enough for a worker's socket? One that cannot be read is. */
bool doctor_limit_enough(const struct doctor_limit *l);

#endif
