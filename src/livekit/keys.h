/*
 * The API keys that Parley shares with a LiveKit server: a public name (the key) and a secret each.
 * The first pair signs our tokens; every pair verifies, so that keys can be rotated.  Thread: main.
 *
 * The secrets never reach a log line, a sentence, a database row or a process argument.
 */
#ifndef LIVEKIT_KEYS_H
#define LIVEKIT_KEYS_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

#define LK_KEYS_MAX      16   /* pairs: one in use, one that goes, and room for several services */
#define LK_KEY_MAX_BYTES 1024 /* of a key, and of a secret */

/* Where they come from, as in the settings; "" = not set. The variables of the token service that
 * we replace end up here too, with the same precedence: key_file before all, then a file before the
 * text. */
struct lk_keys_source {
    const char *key;
    const char *secret;
    const char *key_from_file;    /* path; the file holds the key alone */
    const char *secret_from_file; /* path; the file holds the secret alone */
    const char *key_file;         /* path; lines of "key: secret", as LiveKit's own key file */
};

/** Is a pair said there, or where to find one? */
bool lk_keys_said(const struct lk_keys_source *from);

struct lk_keys;
/** Reads them. Blocks: files. ERR_INVALID, ERR_NOT_FOUND, ERR_IO, ERR_TOO_LARGE, ERR_NOMEM; the
 * sentence names setting or file, never their content. */
MUST_CHECK enum err lk_keys_create(const struct lk_keys_source *from, struct lk_keys **ret);
/** A new pair that nobody else has: for an SFU of our own whose tokens only we sign. */
MUST_CHECK enum err lk_keys_invent(struct lk_keys **ret);
/** Overwrites the secrets. */
void lk_keys_destroy(struct lk_keys *k);
void lk_keys_destroyp(struct lk_keys **k);

/** The secret of a key, or NULL. Which of the known keys it is does not show in the time. */
const char *lk_keys_secret(const struct lk_keys *k, const char *key);
/** The pair that signs. Borrowed. */
const char *lk_keys_signing_key(const struct lk_keys *k);
const char *lk_keys_signing_secret(const struct lk_keys *k);

#endif
