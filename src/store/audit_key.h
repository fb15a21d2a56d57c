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
};

#endif
