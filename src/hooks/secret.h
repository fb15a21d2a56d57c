/*
 * The secret that signs webhooks, and the headers that go with one (docs/webhooks.md).
 *
 * While the secret is being changed there are two files, PATH and PATH.old; then a webhook carries
 * a signature by each, so that receivers may learn of the new one in their own time.  Thread: main.
 */
#ifndef HOOKS_SECRET_H
#define HOOKS_SECRET_H

#include "core/err.h"
#include "http/client.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct hooks_secret;

#define HOOKS_SECRET_LEAST 16   /* bytes; what is shorter can be guessed */
#define HOOKS_SECRET_MOST  4096 /* bytes of the file */

/** Reads PATH, and PATH.old where there is one: their text without white space at the end. Blocks.
 * ERR_NOT_FOUND, ERR_FORBIDDEN (strangers may read it), ERR_INVALID (too short), ERR_TOO_LARGE,
 * ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err hooks_secret_load(const char *path, struct hooks_secret **ret);
void hooks_secret_destroy(struct hooks_secret *s);
void hooks_secret_destroyp(struct hooks_secret **s);

/** How much of a webhook's URL may be shown: scheme, host and port. The rest may be a secret. */
size_t hooks_url_shown(const char *url);

/* What is sent. */
struct hooks_message {
    const char *id;
    const char *type;
    const char *body;
};

#define HOOKS_FIELDS         4
#define HOOKS_SIGNATURE_SIZE 192 /* "t=", digits, and at most two of ",v1=" with 64 digits */
struct hooks_head {
    struct http_client_field fields[HOOKS_FIELDS];
    char signature[HOOKS_SIGNATURE_SIZE];
};
/** The headers of a message that is sent at `now_s` (Unix seconds). They point into `ret` and `m`.
 */
MUST_CHECK enum err hooks_head_make(
    struct hooks_secret *s, const struct hooks_message *m, int64_t now_s, struct hooks_head *ret);

/** Writes the body of a message that only asks whether somebody is there; check `b`. */
void hooks_ping_write(struct buf *b, const char *id, int64_t now_ms);
#define HOOKS_PING "ping" /* its type */

#endif
