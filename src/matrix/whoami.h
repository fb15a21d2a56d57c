/*
 * Whose access token is it? The homeserver says; a yes is remembered for a minute, under the
 * token's digest.  Thread: main.
 */
#ifndef MATRIX_WHOAMI_H
#define MATRIX_WHOAMI_H

#include "core/err.h"

struct mx_client;
struct mx_whoami;

/** Borrows the client. */
MUST_CHECK enum err mx_whoami_create(struct mx_client *client, struct mx_whoami **ret);
/** Questions under way are answered with ERR_GONE. */
void mx_whoami_destroy(struct mx_whoami *w);

/** `user_id` is borrowed for the call, and NULL on an error: ERR_UNAUTHORIZED nobody's token;
 * ERR_UNREACHABLE and ERR_TIMEOUT the homeserver did not say; ERR_GONE, ERR_NOMEM. */
typedef void mx_whoami_done(void *arg, enum err e, const char *user_id);
/** Copies the token. `done` is called once, perhaps from inside. On an error it is not called:
 * ERR_LIMIT too many questions are under way, ERR_INVALID no token can look like that, ERR_NOMEM.
 */
MUST_CHECK enum err mx_whoami_ask(
    struct mx_whoami *w, const char *token, mx_whoami_done *done, void *arg);

#endif
