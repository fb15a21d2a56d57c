/* Forward-only migrations, and whether the database fits this program and this key. */
#include "store/migrate.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "store/chain.h"
#include "store/locks.h"
#include "store/query_wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char bookkeeping[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    " version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now());"
    "COMMENT ON TABLE schema_migrations IS 'Which files of schema/ were applied. Source: parley "
    "migrate.';"
    "COMMENT ON COLUMN schema_migrations.version IS 'Number of the file.';"
    "COMMENT ON COLUMN schema_migrations.name IS 'Name of the file.';"
    "COMMENT ON COLUMN schema_migrations.sha256 IS 'SHA-256 of its text in hex: a file that was "
    "applied must not change.';"
    "COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied, the database''s "
    "clock.'";

static void closep(struct store_session **s) {
    store_session_close(*s);
}

static int newest(void) {
    int n = 0;
    while (store_migrations[n].name != NULL) {
        n++;
    }
    return n;
}

static void digest_of(const struct store_migration *m, char ret[2 * SHA256_SIZE + 1]) {
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(m->sql, strlen(m->sql), digest);
    crypto_hex(digest, sizeof(digest), ret);
}

/* --- what was applied --- */

/* One row of schema_migrations, in the order of versions; *arg is the version before. */
static enum err check_applied(void *arg, const char *const *values) {
    int *version = arg;
    int found = atoi(values[0]);
    if (found > newest()) {
        return err_set(ERR_CONFLICT,
            "the database is at version %d, this program knows %d: use a newer parley", found,
            newest());
    }
    if (found != *version + 1) {
        return err_set(ERR_CONFLICT,
            "the database lacks migration %d but has %d: restore it from a backup", *version + 1,
            found);
    }
    const struct store_migration *m = &store_migrations[found - 1];
    char digest[2 * SHA256_SIZE + 1];
    digest_of(m, digest);
    if (strcmp(values[1], digest) != 0) {
        return err_set(ERR_CONFLICT,
            "migration %s was applied with another text than this program has: use the program"
            " that made the database, or a newer one",
            m->name);
    }
    *version = found;
    return OK;
}

static enum err read_version(struct store_session *s, int *ret) {
    *ret = 0;
    return store_session_query(s, "SELECT version, sha256 FROM schema_migrations ORDER BY version",
        NULL, 0, check_applied, ret);
}

/* --- applying --- */

static enum err apply_inside(struct store_session *s, const struct store_migration *m) {
    char version[16];
    char digest[2 * SHA256_SIZE + 1];
    snprintf(version, sizeof(version), "%d", m->version);
    digest_of(m, digest);
    const char *const params[] = { version, m->name, digest };
    TRY(store_session_run(s, "BEGIN"));
    TRY(store_session_run(s, m->sql));
    TRY(store_session_query(s,
        "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1::integer, $2, $3)",
        params, COUNT_OF(params), NULL, NULL));
    return store_session_run(s, "COMMIT");
}

static enum err apply(struct store_session *s, const struct store_migration *m) {
    enum err e = apply_inside(s, m);
    if (e == OK) {
        return OK;
    }
    return err_set(e, "migration %s: %s", m->name, err_text());
}

enum err store_migrate(const char *url,
    void (*progress)(void *arg, const struct store_migration *m), void *arg,
    struct store_migrate_report *ret) {
    CLEANUP(closep) struct store_session *s = NULL;
    TRY(store_session_open(url, &s));
    TRY(store_session_run(s, "SELECT " STORE_MIGRATE_LOCK)); /* until the connection closes */
    TRY(store_session_run(s, bookkeeping));
    struct store_migrate_report report = { 0 };
    TRY(read_version(s, &report.before));
    for (report.after = report.before; report.after < newest(); report.after++) {
        const struct store_migration *m = &store_migrations[report.after];
        TRY(apply(s, m));
        if (progress != NULL) {
            progress(arg, m);
        }
    }
    *ret = report;
    return OK;
}

/* --- checking --- */

static enum err note_text(void *arg, const char *const *values) {
    char *text = arg;
    snprintf(text, CLOCK_TEXT_SIZE, "%s", values[0] == NULL ? "" : values[0]);
    return OK;
}

/* The first value of a question, cut to CLOCK_TEXT_SIZE; "" when there is none. */
static enum err ask(struct store_session *s, const char *sql, char ret[CLOCK_TEXT_SIZE]) {
    ret[0] = '\0';
    return store_session_query(s, sql, NULL, 0, note_text, ret);
}

static enum err check_schema(struct store_session *s) {
    char there[CLOCK_TEXT_SIZE];
    TRY(ask(s, "SELECT to_regclass('schema_migrations')", there));
    int version = 0;
    if (there[0] != '\0') {
        TRY(read_version(s, &version));
    }
    if (version < newest()) {
        return err_set(ERR_CONFLICT,
            "the database is at version %d, this program needs %d: run parley migrate", version,
            newest());
    }
    return OK;
}

static enum err record_key(struct store_session *s, const struct store_audit_key *key) {
    const char *const params[] = { store_audit_key_fingerprint(key) };
    /* Of two nodes that start at once on an empty audit, one records its key; the other finds it.
     */
    return store_session_query(s,
        "INSERT INTO audit_keys (epoch, fingerprint, since) SELECT 1, $1, now()"
        " WHERE NOT EXISTS (SELECT FROM audit_keys) AND NOT EXISTS (SELECT FROM call_events) ON "
        "CONFLICT DO NOTHING",
        params, COUNT_OF(params), NULL, NULL);
}

static enum err check_key(struct store_session *s, struct store_audit_key *key) {
    const char *mine = store_audit_key_fingerprint(key);
    char known[CLOCK_TEXT_SIZE];
    TRY(ask(s, "SELECT fingerprint FROM audit_keys ORDER BY epoch DESC LIMIT 1", known));
    char unused[CLOCK_TEXT_SIZE];
    TRY(ask(s,
        "SELECT 'unused' WHERE NOT EXISTS (SELECT FROM audit_keys) AND NOT EXISTS (SELECT FROM "
        "call_events)",
        unused));
    if (strcmp(known, mine) != 0 && unused[0] == '\0' &&
        (known[0] == '\0' || store_audit_key_follow(key, known) != OK)) {
        return err_set(ERR_CONFLICT,
            "the audit key (fingerprint %s) is not the one the audit was written with (%s): put the"
            " right key file back",
            mine, known[0] == '\0' ? "unknown" : known);
    }
    return OK;
}

enum err store_migrate_check(const char *url, struct store_audit_key *key) {
    CLEANUP(closep) struct store_session *s = NULL;
    TRY(store_session_open(url, &s));
    TRY(check_schema(s));
    return key == NULL ? OK : check_key(s, key);
}

enum err store_migrate_claim(const char *url, struct store_audit_key *key) {
    CLEANUP(closep) struct store_session *s = NULL;
    TRY(store_session_open(url, &s));
    TRY(check_schema(s));
    TRY(record_key(s, key));
    return check_key(s, key);
}
