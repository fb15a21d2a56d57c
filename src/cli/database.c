/* The order is the point: a key is made only behind a schema that can say whether the audit is
 * empty. */
#include "cli/database.h"

#include "core/config.h"
#include "store/chain.h"
#include "store/migrate.h"

#include <unistd.h>

static void key_destroyp(struct store_audit_key **k) {
    store_audit_key_destroy(*k);
}

static enum err key_is_missing(const char *path) {
    return err_set(ERR_NOT_FOUND,
        "the audit key %s is missing, but the audit holds rows written with one: put the file back "
        "from its copy",
        path);
}

/* Makes a key for an empty audit. Whether it is empty is for the database to say, in one
 * transaction: the claim records the first key of an empty audit and refuses a second one, also
 * when two nodes start at once. A key that is refused was made for nothing. */
static enum err make_key(
    const struct config *c, const struct cli_database_news *news, struct store_audit_key **ret) {
    CLEANUP(key_destroyp) struct store_audit_key *key = NULL;
    const char *path = c->audit.key_file;
    TRY(store_audit_key_generate(path, &key));
    enum err e = store_migrate_claim(c->database.url, key);
    if (e == ERR_CONFLICT) {
        unlink(path);
        return key_is_missing(path);
    }
    TRY(e); /* the file stays: the database may have recorded its key before it went away */
    news->key_made(news->arg, path);
    *ret = STEAL(key);
    return OK;
}

enum err cli_database_prepare(
    const struct config *c, const struct cli_database_news *news, struct store_audit_key **ret) {
    CLEANUP(key_destroyp) struct store_audit_key *key = NULL;
    struct store_migrate_report report;
    TRY(store_migrate(c->database.url, news->applied, news->arg, &report));
    enum err e = store_audit_key_load(c->audit.key_file, &key);
    if (e == ERR_NOT_FOUND) {
        return make_key(c, news, ret);
    }
    TRY(e);
    TRY(store_migrate_claim(c->database.url, key));
    *ret = STEAL(key);
    return OK;
}

enum err cli_database_check(const struct config *c) {
    CLEANUP(key_destroyp) struct store_audit_key *key = NULL;
    TRY(store_migrate_check(c->database.url, NULL));
    enum err e = store_audit_key_load(c->audit.key_file, &key);
    if (e == ERR_NOT_FOUND) {
        return err_set(e,
            "there is no audit key at %s: run parley migrate, or put the file back from its copy",
            c->audit.key_file);
    }
    TRY(e);
    return store_migrate_check(c->database.url, key);
}
