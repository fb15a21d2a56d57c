/*
 * Files that hold secrets: written once for our eyes, read only when nobody else could.  Thread:
 * any; blocks.
 */
#ifndef APPSERVICE_SECRET_FILE_H
#define APPSERVICE_SECRET_FILE_H

#include "core/err.h"

#include <stddef.h>

/** Writes a new file of mode 0600: complete, on the disk and under its name, or not there at all.
 * ERR_CONFLICT when anything has that name, also a symbolic link; ERR_IO; ERR_NOMEM. */
MUST_CHECK enum err as_secret_file_write(const char *path, const char *bytes, size_t len);
/** Gives the bytes, with a NUL behind them. ERR_FORBIDDEN when others may read or change the file
 * (mode & 007); ERR_TOO_LARGE over `max` bytes; ERR_INVALID for what is no file; ERR_NOT_FOUND;
 * ERR_IO; ERR_NOMEM. */
MUST_CHECK enum err as_secret_file_read(const char *path, size_t max, char **ret, size_t *ret_len);

#endif
