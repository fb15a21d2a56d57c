/*
 * Files that hold secrets: written once for our eyes, read only when nobody else could.  Thread:
 * any; blocks.
 */
#ifndef CORE_SECRET_FILE_H
#define CORE_SECRET_FILE_H

#include "core/err.h"

#include <stddef.h>

struct buf;

/** Writes a new file of mode 0600: complete, on the disk and under its name, or not there at all.
 * Made by root it belongs to whom its folder belongs to, so that the service can read it: in a
 * folder root:parley as root:parley 0640, in a folder parley:parley as parley:parley 0600.
 * ERR_CONFLICT when anything has that name, also a symbolic link; ERR_IO; ERR_NOMEM. */
MUST_CHECK enum err secret_file_write(const char *path, const char *bytes, size_t len);
/** Gives the bytes, with a NUL behind them. ERR_FORBIDDEN when strangers may read or change the
 * file (mode & 007); ERR_TOO_LARGE over `max` bytes; ERR_INVALID for what is no file;
 * ERR_NOT_FOUND; ERR_IO; ERR_NOMEM. */
MUST_CHECK enum err secret_file_read(const char *path, size_t max, char **ret, size_t *ret_len);

/* A secret that is being changed is two files for a while: `path`, and `path`.old, which was `path`
 * before. Both are accepted; so nobody is locked out while the other side learns of the new one. */

/** The name of the earlier one; ERR_NOMEM. */
MUST_CHECK enum err secret_file_old_name(const char *path, struct buf *ret);
/** Puts new contents under the name and keeps what was there as `path`.old; owner, group and mode
 * stay. At every moment both names hold something whole. ERR_CONFLICT when there is a `path`.old
 * already; ERR_NOT_FOUND; ERR_IO, also where the owner cannot be kept; ERR_NOMEM. */
MUST_CHECK enum err secret_file_replace(const char *path, const char *bytes, size_t len);
/** Removes `path`.old. ERR_NOT_FOUND when there is none; ERR_IO; ERR_NOMEM. */
MUST_CHECK enum err secret_file_drop_old(const char *path);

#endif
