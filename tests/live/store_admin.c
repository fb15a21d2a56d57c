/*
 * The waiting half of src/store for the live tests.
 *
 *     store_admin key <file>                       makes an audit key
 *     store_admin migrate <url>                    prints "migrated <before> <after>"
 *     store_admin check <url> <key file>           prints "checked"
 *     store_admin audit <url> <report> name=value… prints rows, values separated by tabs, and then
 *                                                  "rows <n> kib <peak memory>"; quiet: only that
 *
 * An error is printed as "<name>: <sentence>", exit code 1.
 */
#include "store/audit.h"
#include "store/chain.h"
#include "store/migrate.h"

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
    static const char *const names[] = { "calls", "events", "user", "stats" };
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
    fprintf(stderr, "usage: store_admin key|migrate|check|audit …\n");
    return 2;
}
