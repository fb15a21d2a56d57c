/*
 * What others are told of calls, from the settings: for the domain, which decides what is told, and
 * for hooks/sender, which tells it.  Thread: main.
 */
#ifndef CLI_HOOKS_H
#define CLI_HOOKS_H

#include "calls/news.h"
#include "core/err.h"

#include <uv.h>

struct arena;
struct config;
struct hooks;
struct mx_client;
struct store;

/** The receivers' names live in the arena. ERR_NOMEM. */
MUST_CHECK enum err cli_hooks_policy(
    const struct config *c, struct arena *arena, struct call_news_policy *ret);
/** `ret` NULL: nobody is to be told anything. Errors of hooks_create. Borrows all but the settings.
 */
MUST_CHECK enum err cli_hooks_create(uv_loop_t *loop, const struct config *c, struct store *store,
    struct mx_client *client, struct hooks **ret);

#endif
