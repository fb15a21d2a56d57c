/*
 * Answers about OpenID tokens that were given before. A token is kept as its digest alone.
 * Thread: one owner.
 */
#ifndef MATRIX_OPENID_KEPT_H
#define MATRIX_OPENID_KEPT_H

#include "core/crypto.h"
#include "core/err.h"
#include "matrix/openid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MX_OPENID_KEPT_MAX 10000 /* about 3 MB; the one used longest ago makes room */

struct mx_openid_key {
    uint8_t bytes[SHA256_SIZE];
};

struct mx_openid_kept;
MUST_CHECK enum err mx_openid_kept_create(struct mx_openid_kept **ret);
void mx_openid_kept_destroy(struct mx_openid_kept *k);

/** The owner ("" = the token was refused), or NULL when nothing is known. Borrowed until the next
 * call. `now_us` is monotonic. */
const char *mx_openid_kept_find(
    struct mx_openid_kept *k, const struct mx_openid_key *key, int64_t now_us);
/** Keeps an owner, or "" for a refusal, until `until_us`. Without memory it is just not kept. */
void mx_openid_kept_add(struct mx_openid_kept *k, const struct mx_openid_key *key,
    const char *user_id, int64_t until_us);
size_t mx_openid_kept_count(const struct mx_openid_kept *k);

/** Until when: a refusal for a minute; an owner for five minutes, or as long as the client says the
 * token lives, which may be less. A token's true age nobody tells us, so five minutes is also how
 * long an expired one may pass. */
int64_t mx_openid_kept_until(const char *user_id, int64_t now_us, int64_t claimed_ms);

#endif
