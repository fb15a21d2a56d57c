/*
 * The settings a subcommand works with: --config, else the usual file when it exists, then the
 * environment.  Thread: main.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "core/config.h"
#include "core/err.h"

struct cli_args;

#define CLI_SETTINGS_FILE "/etc/parley/parley.yaml" /* CLI_OPTION_CONFIG names it too */

/** The file that counts, or NULL when there is none. */
const char *cli_settings_path(const struct cli_args *args);
/** Gives *ret; errors of config_load. The first time it also limits how long sessions of libpq that
 * wait (store/query_wait.h) may take to connect, to database.connect_timeout. Blocks. */
MUST_CHECK enum err cli_settings_load(const struct cli_args *args, struct config **ret);
/** Warns in the log when the file holds a secret and strangers may read or change it. It is only a
 * warning: the file is the admin's, and where it lies may be closed to strangers. Blocks. */
void cli_settings_warn_open(const struct cli_args *args);

#endif
