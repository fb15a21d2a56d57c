/*
 * Changing the tokens of the registration while calls go on: `parley register --rotate` and
 * `--finish` (appservice/registration.h says what stands in which file between the two).  Thread:
 * main.
 */
#ifndef CLI_ROTATION_H
#define CLI_ROTATION_H

#include "core/err.h"

#include <stdbool.h>

struct config;

/** New tokens into the file at `path`; prints what to do next. Makes no connection. */
MUST_CHECK enum err cli_rotation_begin(const char *path, const char *server_name);
/** Forgets the earlier ones; prints what to do next. Asks the homeserver first whether it knows the
 * new ones, unless `unasked`: ERR_CONFLICT when it does not, ERR_UNREACHABLE when it does not say.
 * Blocks. */
MUST_CHECK enum err cli_rotation_finish(
    const struct config *c, const char *path, const char *server_name, bool unasked);

#endif
