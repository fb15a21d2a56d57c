/*
 * Forward-only migrations, embedded in the binary from schema/NNNN_*.sql; each in a transaction of
 * its own, all under one advisory lock, so that two nodes may start at once. A migration that was
 * applied and whose text has changed since (its SHA-256 is kept) is refused.  Blocking: used by
 * `parley migrate` and before `parley serve` starts its loop.  Thread: main.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "core/err.h"

#include <stddef.h>

struct store_audit_key;

/** One embedded file; the table ends with a NULL name. Made at build from schema/ by tools/embed.
 */
struct store_migration {
    int version;
    const char *name;
    const char *sql;
};
extern const struct store_migration store_migrations[];

struct store_migrate_report {
    int before; /* versions: 0 = empty database */
    int after;
};

/** Applies what is missing. `progress` may be NULL. ERR_DATABASE with the server's words. */
MUST_CHECK enum err store_migrate(const char *url,
    void (*progress)(void *arg, const struct store_migration *m), void *arg,
    struct store_migrate_report *ret);

/** Is the schema exactly what this binary knows, and does the audit key match the one the rows were
 * written with? Any key fits an audit that is empty and has none yet. A
 * rotation that was cut off is followed (store_audit_key_follow). `key` NULL: only the schema
 * is looked at. Changes nothing. ERR_CONFLICT with what to do. */
MUST_CHECK enum err store_migrate_check(const char *url, struct store_audit_key *key);

/** The same, and `key` becomes the key of an audit that is empty and has none yet. */
MUST_CHECK enum err store_migrate_claim(const char *url, struct store_audit_key *key);

#endif
