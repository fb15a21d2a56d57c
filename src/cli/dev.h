/*
 * `parley serve --dev`: an SFU for whoever writes a client, with nothing to set up. It listens as
 * LiveKit's own server does in its development mode, on loopback alone, with a key that everybody
 * knows; PARLEY_* variables change its settings.  Thread: main.
 */
#ifndef CLI_DEV_H
#define CLI_DEV_H

#include "core/err.h"

struct cli_args;
struct config;
struct lk_keys;

/** With --dev the settings that are built in, then the environment; otherwise as
 * cli_settings_load. Gives *ret. ERR_INVALID: both --dev and --config; errors of config_load. */
MUST_CHECK enum err cli_dev_settings(const struct cli_args *args, struct config **ret);
/** Prints where it listens (`port`), its key, and a token to begin with. */
MUST_CHECK enum err cli_dev_banner(const struct config *c, const struct lk_keys *keys, int port);

#endif
