/* PostgreSQL: is it there, does it fit this program, and do we hold the key of its audit? */
#include "core/config.h"
#include "doctor/checks.h"
#include "store/chain.h"
#include "store/migrate.h"

#include <string.h>

#define POSTGRES_LEAST 150000 /* server_version_num; what we are tested with */

static const struct {
    const char *means;
    const char *paste;
} troubles[] = {
    [STORE_TROUBLE_URL] = { "it cannot be read",
        "database:\n"
        "  url: \"postgresql:///parley\"   # or postgresql://user:password@host:5432/database" },
    [STORE_TROUBLE_NAME] = { "its host name has no address here", NULL },
    [STORE_TROUBLE_REFUSED] = { "nobody listens there: PostgreSQL is down, or on another port",
        "systemctl status postgresql\nsystemctl start postgresql" },
    [STORE_TROUBLE_SOCKET] = { "there is no socket: PostgreSQL is down, or its socket lies "
                               "elsewhere",
        "systemctl start postgresql\nls -A /run/postgresql" },
    [STORE_TROUBLE_TIMEOUT] = { "no answer: wrong address, or a firewall in between", NULL },
    [STORE_TROUBLE_AUTH] = { "PostgreSQL does not let us in: user, password or pg_hba.conf",
        "sudo -u postgres createuser parley            # as Parley's system user, over the socket\n"
        "sudo -u postgres psql -c '\\password parley'   # with a password, over TCP" },
    [STORE_TROUBLE_DATABASE] = { "the server has no such database",
        "sudo -u postgres createdb --owner parley --encoding UTF8 --template template0 parley" },
    [STORE_TROUBLE_FULL] = { "all its connections are taken",
        "sudo -u postgres psql -c 'SELECT datname, usename, count(*) FROM pg_stat_activity GROUP "
        "BY 1, 2'" },
    [STORE_TROUBLE_NOT_READY] = { "PostgreSQL is starting, stopping or recovering: try again",
        NULL },
    [STORE_TROUBLE_OTHER] = { "PostgreSQL gives no connection", NULL },
};

static void say_properties(struct doctor *d) {
    const struct store_probe *p = &d->database;
    if (p->version < POSTGRES_LEAST) {
        doctor_say(d, DOCTOR_WARN, NULL, "PostgreSQL %d is older than what Parley is made for (15)",
            p->version / 10000);
    }
    if (p->standby) {
        doctor_say(d, DOCTOR_FAIL, NULL,
            "database.url leads to a standby, which only reads: name the primary");
    }
    if (strcmp(p->encoding, "UTF8") != 0) {
        doctor_say(d, DOCTOR_WARN,
            "sudo -u postgres createdb --owner parley --encoding UTF8 --template template0 parley",
            "the database's encoding is %s, not UTF8: calls with other letters are not recorded",
            p->encoding);
    }
    if (d->running->worst == DOCTOR_OK) {
        doctor_say(d, DOCTOR_OK, NULL, "PostgreSQL %d answers, and knows us as %s",
            p->version / 10000, p->user);
    }
}

void doctor_check_database(struct doctor *d) {
    enum err e = store_probe_run(d->config->database.url, &d->database);
    if (e != OK) {
        enum store_trouble t = store_trouble_of(e, err_text());
        doctor_say(d, DOCTOR_FAIL, troubles[t].paste, "database.url: %s (%s)", troubles[t].means,
            doctor_quote(d, err_text()));
        return;
    }
    d->database_known = true;
    say_properties(d);
}

void doctor_check_schema(struct doctor *d) {
    if (store_migrate_check(d->config->database.url, NULL) == OK) {
        doctor_say(d, DOCTOR_OK, NULL, "all tables are as this version needs them");
        return;
    }
    const char *why = doctor_quote(d, err_text());
    doctor_say(d, DOCTOR_FAIL,
        strstr(why, "run parley migrate") != NULL ? doctor_command(d, "migrate") : NULL, "%s", why);
}

/* --- the key --- */

static void say_no_key(struct doctor *d, const char *path) {
    if (d->database.fingerprint[0] == '\0' && d->database.audit_empty) {
        doctor_say(d, DOCTOR_WARN, doctor_command(d, "migrate"),
            "%s: there is no audit key yet; `parley migrate` or the first start makes it", path);
        return;
    }
    doctor_say(d, DOCTOR_FAIL, NULL,
        "%s: the audit key is missing, but the audit was written with one (fingerprint %s): put "
        "the file back from its copy",
        path, d->database.fingerprint);
}

static void compare_key(struct doctor *d, const char *path, const char *ours) {
    const char *known = d->database.fingerprint;
    if (known[0] == '\0' && d->database.audit_empty) {
        doctor_say(d, DOCTOR_OK, NULL, "fingerprint %s; the audit is still empty", ours);
    } else if (strcmp(known, ours) == 0) {
        doctor_say(d, DOCTOR_OK, NULL, "fingerprint %s, which the audit was written with", ours);
    } else {
        doctor_say(d, DOCTOR_FAIL, NULL,
            "%s holds another key (fingerprint %s) than the audit was written with (%s): put the "
            "right file back from its copy",
            path, ours, known[0] == '\0' ? "unknown" : known);
    }
}

void doctor_check_audit_key(struct doctor *d) {
    const char *path = d->config->audit.key_file;
    struct store_audit_key *key = NULL;
    enum err e = store_audit_key_load(path, &key);
    if (e == ERR_NOT_FOUND) {
        say_no_key(d, path);
    } else if (e != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "%s", err_text());
    } else {
        compare_key(d, path, store_audit_key_fingerprint(key));
    }
    store_audit_key_destroy(key);
}
