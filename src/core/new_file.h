/*
 * A file that appears whole or not at all: written aside as `path`.part, synced, and renamed over
 * what was there.  Thread: one owner; blocks.
 */
#ifndef CORE_NEW_FILE_H
#define CORE_NEW_FILE_H

#include "core/err.h"

#include <stddef.h>
#include <sys/types.h>

struct new_file;

/** Begins one of this mode. A `path`.part that was left behind is overwritten. ERR_NOT_FOUND when
 * there is no such folder; ERR_IO; ERR_NOMEM. */
MUST_CHECK enum err new_file_create(const char *path, mode_t mode, struct new_file **ret);
MUST_CHECK enum err new_file_write(struct new_file *f, const void *bytes, size_t n);
/** On the disk and under its name. After an error it is as if it had never been. */
MUST_CHECK enum err new_file_commit(struct new_file *f);
/** Frees; what was not committed is removed. */
void new_file_destroy(struct new_file *f);
void new_file_destroyp(struct new_file **f);

#endif
