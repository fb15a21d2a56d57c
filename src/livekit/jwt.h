/*
 * JSON Web Tokens as LiveKit has them: HS256 and nothing else. Landlord of libjwt, which by itself
 * takes expired tokens, other algorithms than meant, and anything when it is given no key
 * (decision 10); none of this gets through here.  Thread: main.  See: RFC 7515, RFC 7519,
 * livekit-protocol 1.1.
 */
#ifndef LIVEKIT_JWT_H
#define LIVEKIT_JWT_H

#include "core/err.h"
#include "core/mem.h"

#include <jansson.h>
#include <stdint.h>

struct lk_keys;

#define LK_JWT_MAX_BYTES (60 * KIB) /* what fits a query parameter of the door, 64 KiB in all */
#define LK_JWT_LEEWAY_S  60 /* between the clocks of issuer and verifier; as LiveKit has it */

/** Signs `claims` (an object; borrowed) with the secret's bytes as they are. Gives the token
 * (mem_free). ERR_INVALID without a secret; ERR_TOO_LARGE; ERR_NOMEM. */
MUST_CHECK enum err lk_jwt_mint(const json_t *claims, const char *secret, char **ret);

/**
 * Verifies a token and gives its claims (json_decref).
 *
 * Holds: three parts of base64url and no more; `alg` is "HS256" in exactly this spelling, nothing
 * is "crit"; `iss` is one of our keys and its secret made the signature; `exp` is there and not
 * over, `nbf`, if there, has come, each give or take LK_JWT_LEEWAY_S.
 *
 * Errors: ERR_UNAUTHORIZED with what may be told to its bearer (never the token), ERR_NOMEM.
 */
MUST_CHECK enum err lk_jwt_verify(
    const char *token, const struct lk_keys *keys, int64_t now_s, json_t **ret);

#endif
