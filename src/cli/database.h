/*
 * Making the database fit for this program: its schema, and the key its audit is written with. What
 * `parley migrate` does by hand, `parley serve` does at every start.
 */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "core/err.h"

struct config;
struct store_audit_key;
struct store_migration;

/* What is being done, as it is done. */
struct cli_database_news {
    void (*applied)(void *arg, const struct store_migration *m);
    void (*key_made)(void *arg, const char *path);
    void *arg;
};

/**
 * Applies the missing migrations, then loads the audit key; makes one when the file is not there
 * and the audit holds nothing yet. Blocks as long as PostgreSQL does; any thread.
 * @ret  the key; the caller destroys it
 * Errors: ERR_DATABASE (away, or it refuses: later may help); others need an admin, and the
 * sentence says what to do.
 */
MUST_CHECK enum err cli_database_prepare(
    const struct config *c, const struct cli_database_news *news, struct store_audit_key **ret);

/** Would cli_database_prepare find everything done? Changes nothing. ERR_CONFLICT or ERR_NOT_FOUND
 * with what is missing. Blocks. */
MUST_CHECK enum err cli_database_check(const struct config *c);

#endif
