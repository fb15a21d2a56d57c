/*
 * The API keys of the settings: for `serve`, and for tokens that are made by hand.  Thread: main.
 */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "core/err.h"

#include <stdbool.h>

struct config;
struct lk_keys;

/** Are there any in the settings? */
bool cli_keys_said(const struct config *c);
/** Those of the settings; without any, and with an embedded SFU, a pair that only this process
 * has. Gives *ret. Blocks: files. Errors of lk_keys_create. */
MUST_CHECK enum err cli_keys_load(const struct config *c, struct lk_keys **ret);

#endif
