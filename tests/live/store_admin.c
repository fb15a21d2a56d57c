/*
 * The waiting half of src/store for the live tests.
 *
 *     store_admin key <file>                       makes an audit key
 *     store_admin migrate <url>                    prints "migrated <before> <after>"
 *     store_admin check <url> <key file>           prints "checked"
 *     store_admin audit <url> <report> name=value… prints rows, values separated by tabs, and then
 *                                                  "rows <n> kib <peak memory>"; quiet: only that
 *     store_admin remove <url> <key file> <what> <session>:<n> …
 *                                                  purges (n 0) or erases; prints "tombstone <seq>"
 *
 * An error is printed as "<name>: <sentence>", exit code 1.
 */
#include "store/audit.h"
#include "store/chain.h"
#include "store/migrate.h"
#include "store/query_wait.h"
#include "store/tombstone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct counter {
    int64_t rows;
    size_t columns;
    bool quiet;
};

static int fail(enum err e) {
    printf("%s: %s\n", err_name(e), err_text());
    return 1;
}

static enum err print_row(void *arg, const char *const *values) {
    struct counter *c = arg;
    c->rows++;
    for (size_t i = 0; i < c->columns && !c->quiet; i++) {
        printf("%s%s", i == 0 ? "" : "\t", values[i] == NULL ? "" : values[i]);
    }
    printf("%s", c->quiet ? "" : "\n");
    return OK;
}

static int run_audit(int argc, char **argv) {
    static const char *const names[] = { "calls", "events", "user", "stats", "quality" };
    struct store_audit_filter f = { 0 };
    struct counter c = { 0 };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        f.report = strcmp(names[i], argv[3]) == 0 ? (enum store_audit_report)i : f.report;
    }
    const struct {
        const char *name;
        const char **text;
        int64_t *number;
    } filters[] = { { "since", NULL, &f.since_ms }, { "until", NULL, &f.until_ms },
        { "room", &f.room, NULL }, { "user", &f.user, NULL }, { "status", &f.status, NULL },
        { "call", &f.call, NULL }, { "type", &f.type, NULL }, { "limit", NULL, &f.limit } };
    for (int i = 4; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        c.quiet = c.quiet || strcmp(argv[i], "quiet") == 0;
        for (unsigned k = 0; k < sizeof(filters) / sizeof(filters[0]); k++) {
            if (strlen(filters[k].name) != n || strncmp(filters[k].name, argv[i], n) != 0) {
                continue;
            }
            if (filters[k].text != NULL) {
                *filters[k].text = argv[i] + n + 1;
            } else {
                *filters[k].number = strtoll(argv[i] + n + 1, NULL, 10);
            }
        }
    }
    (void)store_audit_columns(f.report, &c.columns);
    enum err e = store_audit_run(argv[2], &f, print_row, &c);
    if (e != OK) {
        return fail(e);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("rows %" PRId64 " kib %ld\n", c.rows, usage.ru_maxrss);
    return 0;
}

static int run_key(const char *path) {
    struct store_audit_key *key = NULL;
    enum err e = store_audit_key_generate(path, &key);
    if (e != OK) {
        return fail(e);
    }
    printf("%s\n", store_audit_key_fingerprint(key));
    store_audit_key_destroy(key);
    return 0;
}

static int run_migrate(const char *url) {
    struct store_migrate_report report;
    enum err e = store_migrate(url, NULL, NULL, &report);
    if (e != OK) {
        return fail(e);
    }
    printf("migrated %d %d\n", report.before, report.after);
    return 0;
}

static int run_check(const char *url, const char *path) {
    struct store_audit_key *key = NULL;
    enum err e = store_audit_key_load(path, &key);
    if (e == OK) {
        e = store_migrate_claim(url, key);
    }
    store_audit_key_destroy(key);
    if (e != OK) {
        return fail(e);
    }
    printf("checked\n");
    return 0;
}

/* --- purging and erasing --- */

static enum err take_count(void *arg, const char *const *values) {
    *(int *)arg = atoi(values[0]);
    return OK;
}

static enum err remove_one(struct store_session *s, struct store_removed *item) {
    char n[16];
    snprintf(n, sizeof(n), "%d", item->n);
    const char *const params[] = { item->session_id, n };
    if (item->n > 0) {
        item->rows = 1;
        return store_session_query(s,
            "UPDATE call_events SET salt = NULL, user_id = NULL, payload = NULL,"
            " subject = 'erased:' || n WHERE session_id = $1 AND n = $2",
            params, 2, NULL, NULL);
    }
    enum err e = store_session_query(s,
        "WITH gone AS (DELETE FROM call_events WHERE session_id = $1 RETURNING n)"
        " SELECT count(*) FROM gone",
        params, 1, take_count, &item->rows);
    if (e == OK) {
        e = store_session_query(
            s, "DELETE FROM call_sessions WHERE id = $1", params, 1, NULL, NULL);
    }
    return e != OK ? e
                   : store_session_query(
                         s, "DELETE FROM audit_strays WHERE id = $1", params, 1, NULL, NULL);
}

static enum err remove_all(struct store_session *s, const struct store_audit_key *key, int argc,
    char **argv, int64_t *seq) {
    struct store_removed items[64] = { 0 };
    struct store_tombstone t = { .what = argv[4],
        .reason = "a test",
        .actor = "store_admin",
        .at = INT64_C(1800000000000),
        .items = items };
    enum err e = store_tombstone_begin(s);
    for (int i = 5; e == OK && i < argc; i++) {
        struct store_removed *item = &items[t.n_items++];
        snprintf(item->session_id, sizeof(item->session_id), "%s", argv[i]);
        item->n = atoi(strchr(argv[i], ':') + 1);
        e = remove_one(s, item);
    }
    return e != OK ? e : store_tombstone_commit(s, key, &t, seq);
}

static int run_remove(int argc, char **argv) {
    struct store_audit_key *key = NULL;
    struct store_session *s = NULL;
    int64_t seq = 0;
    enum err e = store_audit_key_load(argv[3], &key);
    if (e == OK) {
        e = store_session_open(argv[2], &s);
    }
    if (e == OK) {
        e = remove_all(s, key, argc, argv, &seq);
    }
    store_session_close(s);
    store_audit_key_destroy(key);
    if (e != OK) {
        return fail(e);
    }
    printf("tombstone %" PRId64 "\n", seq);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "key") == 0) {
        return run_key(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "migrate") == 0) {
        return run_migrate(argv[2]);
    }
    if (argc == 4 && strcmp(argv[1], "check") == 0) {
        return run_check(argv[2], argv[3]);
    }
    if (argc >= 4 && strcmp(argv[1], "audit") == 0) {
        return run_audit(argc, argv);
    }
    if (argc >= 6 && argc < 64 && strcmp(argv[1], "remove") == 0) {
        return run_remove(argc, argv);
    }
    fprintf(stderr, "usage: store_admin key|migrate|check|audit|remove …\n");
    return 2;
}
