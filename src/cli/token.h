/*
 * Access tokens made by hand: `parley token`, and the banner of the development mode.
 * Thread: main.  See: livekit-protocol 1.2.
 */
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

#include "core/err.h"

#include <stdint.h>

struct lk_keys;

#define CLI_TOKEN_VALID_MS (6 * INT64_C(3600000)) /* LiveKit's own default */

/* Texts may be NULL: not said. Borrowed for the call. */
struct cli_token_wish {
    const char *room, *identity, *name, *metadata;
    const char *grants; /* "hidden, no-publish": names of rights, `no-` takes one away */
    int64_t valid_ms;
};

/** Gives the token (mem_free). ERR_INVALID: no identity where one joins, an unknown right, a name
 * that is too long; ERR_NOMEM. */
MUST_CHECK enum err cli_token_make(
    const struct cli_token_wish *wish, const struct lk_keys *keys, char **ret);
/** Refuses rights that are not known; for the option. */
MUST_CHECK enum err cli_token_check_grants(const char *grants);

#endif
