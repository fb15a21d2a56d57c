/*
 * The head of call_heads, kept in a file outside of the database from one `parley audit verify` to
 * the next: one line, as the command prints it.
 */
#ifndef CLI_ANCHOR_FILE_H
#define CLI_ANCHOR_FILE_H

#include "store/verify.h"

/** ERR_NOT_FOUND when there is no file; ERR_INVALID when it holds something else; ERR_IO. */
MUST_CHECK enum err cli_anchor_file_read(const char *path, struct store_anchor *ret);
/** Replaces the file. ERR_IO. */
MUST_CHECK enum err cli_anchor_file_write(const char *path, const struct store_anchor *a);

#endif
