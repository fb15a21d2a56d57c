/*
 * All keys of the audit chain that lie beside `audit.key_file`: the one that is written with, and
 * those before it (store/key_rotation.h says how the files are called).  Thread: one owner.
 */
#ifndef STORE_KEYRING_H
#define STORE_KEYRING_H

#include "store/chain.h"

#define STORE_KEYS_MAX 1000 /* a key a day for almost three years */

struct store_keyring;

/** Loads `path`, `path`.next and `path`.<number>. ERR_NOT_FOUND when there is none of them; what is
 * there must be as store_audit_key_load wants it. */
MUST_CHECK enum err store_keyring_load(const char *path, struct store_keyring **ret);
void store_keyring_destroy(struct store_keyring *r);
void store_keyring_destroyp(struct store_keyring **r);

/** The key with this fingerprint, or NULL. Borrowed. */
const struct store_audit_key *store_keyring_find(
    const struct store_keyring *r, const char *fingerprint);

#endif
