/* `parley audit verify`: a run of store/verify, told in words or as JSON, and its exit code. */
#include "cli/anchor_file.h"
#include "cli/command.h"
#include "cli/export_check.h"
#include "cli/options.h"
#include "cli/safe_text.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/new_file.h"
#include "store/keyring.h"
#include "store/migrate.h"
#include "store/verify.h"

#include <inttypes.h>
#include <string.h>

enum { EXIT_GREEN = 0, EXIT_BAD = 1, EXIT_NOT_RUN = 2 };

/* --- in words --- */

static void put_problem(struct buf *b, const struct store_problem *p) {
    struct buf text;
    buf_init(&text, 0);
    (void)cli_safe_text(&text, p->text); /* it may quote the database */
    buf_puts(b, p->table);
    buf_printf(b, p->session_id[0] == '\0' ? "" : " %s", p->session_id);
    if (p->n > 0) {
        buf_printf(b, " row %" PRId64, p->n);
    }
    buf_printf(b, ": %s\n", buf_str(&text));
    buf_finish(&text);
}

static void put_head(struct buf *b, const struct store_verify_report *r) {
    char head[STORE_ANCHOR_TEXT_SIZE];
    if (r->head.seq > 0) {
        store_anchor_write(&r->head, head);
        buf_printf(b, "head %s\n", head);
    }
}

static void put_counts(struct buf *b, const struct store_verify_report *r) {
    buf_printf(b, "%" PRId64 " rows in %" PRId64 " chains, %" PRId64 " heads, %d key%s", r->rows,
        r->chains, r->heads, r->keys, r->keys == 1 ? "" : "s");
    if (r->tombstones > 0) {
        buf_printf(b, ", %" PRId64 " tombstones for %" PRId64 " purged and %" PRId64 " erased rows",
            r->tombstones, r->purged, r->erased);
    }
    buf_putc(b, '\n');
}

static void put_text(struct buf *b, const struct store_verify_report *r) {
    if (r->problems == 0) {
        buf_puts(b, "green: the audit is as it was written\n");
        put_counts(b, r);
        put_head(b, r);
        return;
    }
    buf_puts(b, "BAD, first in ");
    put_problem(b, &r->first);
    buf_printf(b, "%" PRId64 " problem%s in all:", r->problems, r->problems == 1 ? "" : "s");
    for (int k = 0; k < STORE_PROBLEM_KINDS; k++) {
        if (r->by_kind[k] > 0) {
            buf_printf(
                b, " %s %" PRId64, store_problem_name((enum store_problem_kind)k), r->by_kind[k]);
        }
    }
    buf_putc(b, '\n');
    put_counts(b, r);
}

/* --- as JSON --- */

static void put_first_json(struct buf *b, const struct store_problem *p) {
    buf_json_key(b, "first");
    buf_putc(b, '{');
    buf_json_field(b, "kind", store_problem_name(p->kind));
    buf_json_field(b, "table", p->table);
    buf_json_field(b, "session_id", p->session_id[0] == '\0' ? NULL : p->session_id);
    if (p->n > 0) {
        buf_json_int_field(b, "n", p->n);
    }
    buf_json_field(b, "text", p->text);
    buf_putc(b, '}');
}

static void put_json(struct buf *b, const struct store_verify_report *r) {
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        { "rows", r->rows },
        { "chains", r->chains },
        { "heads", r->heads },
        { "keys", r->keys },
        { "tombstones", r->tombstones },
        { "purged", r->purged },
        { "erased", r->erased },
        { "problems", r->problems },
    };
    buf_putc(b, '{');
    buf_json_field(b, "result", r->problems == 0 ? "green" : "bad");
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        buf_json_int_field(b, numbers[i].name, numbers[i].value);
    }
    if (r->problems > 0) {
        put_first_json(b, &r->first);
        buf_json_key(b, "by_kind");
        buf_putc(b, '{');
        for (int k = 0; k < STORE_PROBLEM_KINDS; k++) {
            buf_json_int_field(b, store_problem_name((enum store_problem_kind)k), r->by_kind[k]);
        }
        buf_putc(b, '}');
    }
    if (r->head.seq > 0) {
        char head[STORE_ANCHOR_TEXT_SIZE];
        store_anchor_write(&r->head, head);
        buf_json_field(b, "head", head);
    }
    buf_puts(b, "}\n");
}

/* --- as metrics --- */

/* For a collector of files: a run may take long, and `parley serve` makes none. */
static enum err write_metrics(const char *path, const struct store_verify_report *r) {
    CLEANUP(buf_finish) struct buf b;
    CLEANUP(new_file_destroyp) struct new_file *f = NULL;
    buf_init(&b, 0);
    buf_printf(&b,
        "# HELP parley_audit_verified_timestamp_seconds When the audit was last proved, or not.\n"
        "# TYPE parley_audit_verified_timestamp_seconds gauge\n"
        "parley_audit_verified_timestamp_seconds %" PRId64 "\n"
        "# HELP parley_audit_problems What was wrong with it then.\n"
        "# TYPE parley_audit_problems gauge\n"
        "parley_audit_problems %" PRId64 "\n",
        clock_wall_ms() / SEC_MS, r->problems);
    TRY(buf_check(&b));
    TRY(new_file_create(path, 0644, &f)); /* the collector is another user */
    TRY(new_file_write(f, buf_str(&b), b.len));
    return new_file_commit(f);
}

/* --- running --- */

/* With --all: each as it is found. A reader that leaves is noticed at the end. */
static void print_problem(void *unused, const struct store_problem *p) {
    struct buf b;
    buf_init(&b, 0);
    put_problem(&b, p);
    (void)!cli_screen_write(unused, buf_str(&b), b.len);
    buf_finish(&b);
}

static enum err print_report(const struct cli_args *args, const struct store_verify_report *r) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    if (cli_args_has(args, "json")) {
        put_json(&b, r);
    } else {
        put_text(&b, r);
    }
    TRY(buf_check(&b));
    return cli_screen_print(buf_str(&b));
}

/* What is to be found in call_heads: given by hand, or kept in a file. */
static enum err read_anchor(
    const struct cli_args *args, struct store_anchor *anchor, const struct store_anchor **ret) {
    const char *text = cli_args_get(args, "expect");
    const char *file = cli_args_get(args, "anchor");
    if (text != NULL) {
        *ret = anchor;
        return store_anchor_read(text, anchor);
    }
    enum err e = file == NULL ? ERR_NOT_FOUND : cli_anchor_file_read(file, anchor);
    if (e == ERR_NOT_FOUND) {
        return OK; /* the first run makes it */
    }
    *ret = anchor;
    return e;
}

static enum err verify_database(const struct cli_args *args, struct store_verify_report *report) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(store_keyring_destroyp) struct store_keyring *keys = NULL;
    struct store_anchor anchor;
    struct store_verify_config cfg = { 0 };
    TRY(cli_settings_load(args, &config));
    TRY(read_anchor(args, &anchor, &cfg.anchor));
    TRY(store_migrate_check(config->database.url, NULL));
    TRY(store_keyring_load(config->audit.key_file, &keys));
    cfg.url = config->database.url;
    cfg.keys = keys;
    cfg.found = cli_args_has(args, "all") && !cli_args_has(args, "json") ? print_problem : NULL;
    return store_verify(&cfg, report);
}

/* --- an export --- */

static void put_export_json(struct buf *b, const struct cli_export_report *r) {
    const struct store_manifest *m = &r->manifest;
    buf_putc(b, '{');
    buf_json_field(b, "result", r->good ? "green" : "bad");
    if (r->good) {
        char head[STORE_ANCHOR_TEXT_SIZE];
        store_anchor_write(&m->head, head);
        buf_json_field(b, "made_at", m->made_at);
        buf_json_field(b, "what", m->what);
        buf_json_int_field(b, "rows", m->files[0].rows);
        buf_json_field(b, "head", m->head.seq > 0 ? head : NULL);
        buf_json_field(b, "key", m->fingerprint);
    } else {
        buf_json_field(b, "text", r->why);
    }
    buf_puts(b, "}\n");
}

static void put_export_text(struct buf *b, const struct cli_export_report *r) {
    const struct store_manifest *m = &r->manifest;
    if (!r->good) {
        buf_printf(b, "BAD: %s\n", r->why);
        return;
    }
    buf_puts(b, "green: the export is as it was made\n");
    buf_printf(b, "%" PRId64 " %s of %s, signed with key %s\n", m->files[0].rows, m->what,
        m->made_at, m->fingerprint);
    if (m->head.seq > 0) {
        char head[STORE_ANCHOR_TEXT_SIZE];
        store_anchor_write(&m->head, head);
        buf_printf(b, "head %s\n", head);
    }
}

static enum err verify_export(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(store_keyring_destroyp) struct store_keyring *keys = NULL;
    CLEANUP(buf_finish) struct buf b;
    struct cli_export_report r;
    buf_init(&b, 0);
    TRY(cli_settings_load(args, &config));
    TRY(store_keyring_load(config->audit.key_file, &keys));
    TRY(cli_export_check(cli_args_get(args, "export"), keys, &r));
    if (cli_args_has(args, "json")) {
        put_export_json(&b, &r);
    } else {
        put_export_text(&b, &r);
    }
    TRY(buf_check(&b));
    TRY(cli_screen_print(buf_str(&b)));
    cli_command_set_exit(r.good ? EXIT_GREEN : EXIT_BAD);
    return OK;
}

enum err cli_audit_verify(const struct cli_args *args) {
    struct store_verify_report report;
    cli_command_set_exit(EXIT_NOT_RUN);
    if (cli_args_has(args, "export")) {
        return verify_export(args);
    }
    TRY(verify_database(args, &report));
    if (report.problems == 0 && cli_args_has(args, "anchor") && report.head.seq > 0) {
        TRY(cli_anchor_file_write(cli_args_get(args, "anchor"), &report.head));
    }
    if (cli_args_has(args, "metrics")) {
        TRY(write_metrics(cli_args_get(args, "metrics"), &report));
    }
    TRY(print_report(args, &report));
    cli_command_set_exit(report.problems == 0 ? EXIT_GREEN : EXIT_BAD);
    return OK;
}
