/*
 * What store/audit_key keeps of the key of the audit chain; its functions are in store/chain.h.
 * Thread: main.
 */
#ifndef STORE_AUDIT_KEY_H
#define STORE_AUDIT_KEY_H

#include "store/chain.h"

#define STORE_AUDIT_KEY_SIZE         32 /* bytes: as long as the digest (RFC 2104, 3) */
#define STORE_AUDIT_FINGERPRINT_SIZE 17

struct store_audit_key {
    struct hmac_key *hmac; /* holds the key; the bytes themselves are kept nowhere else */
    char fingerprint[STORE_AUDIT_FINGERPRINT_SIZE];
    char *path; /* where it came from */
};

/** Makes the key that comes after the one at `path`, as `path`.next, for the same owner; loads it
 * when it is there already. ERR_IO also where the owner cannot be kept. */
MUST_CHECK enum err store_audit_key_next(const char *path, struct store_audit_key **ret);
/** Keeps the key file under the number of its epoch too: `path`.<epoch>. ERR_CONFLICT when another
 * key has that name. */
MUST_CHECK enum err store_audit_key_keep(const char *path, int epoch);
/** `path`.next becomes `path`. */
MUST_CHECK enum err store_audit_key_take_over(const char *path);

#endif
