/*
 * Standard output and standard error of a subcommand.
 *
 * A reader that leaves early (`parley audit calls | head`) has what it wanted: the write gives
 * ERR_GONE, and the command ends quietly with success.  Thread: main; blocks.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

/** Writes to standard output. ERR_GONE: nobody reads any more; ERR_IO: it cannot be written. Fits
 * cli_output_write. */
MUST_CHECK enum err cli_screen_write(void *unused, const char *bytes, size_t n);
MUST_CHECK enum err cli_screen_print(const char *text);
/** Hands on what is still held back. Same errors. */
MUST_CHECK enum err cli_screen_flush(void);
/** Has ERR_GONE happened? */
bool cli_screen_reader_left(void);
/** Do the bytes go to a terminal, where control characters act? */
bool cli_screen_is_terminal(void);

/** "parley: <sentence>" to standard error. */
__attribute__((format(printf, 1, 2))) void cli_screen_complain(const char *fmt, ...);

#endif
