/*
 * Names in the SFU: what a MatrixRTC room and a member are called there. Both sides compute them,
 * the clients too, so every byte counts.  Thread: any; pure.  See: matrix-calls 4.3.
 */
#ifndef LIVEKIT_ALIAS_H
#define LIVEKIT_ALIAS_H

#include "core/crypto.h"
#include "core/err.h"

#include <stddef.h>

#define LK_HASH_SIZE CRYPTO_BASE64_SIZE(SHA256_SIZE)

/** SHA-256 of the canonical JSON text of the list of strings, in base64 of the standard alphabet
 * without padding: it may hold `+` and `/`. ERR_NOMEM. */
MUST_CHECK enum err lk_hash(const char *const *list, size_t n, char ret[LK_HASH_SIZE]);

#endif
