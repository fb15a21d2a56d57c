/* `parley audit export`: rows into a file as they come, and the manifest that is signed. */
#include "cli/audit_filter.h"
#include "cli/command.h"
#include "cli/export_check.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/new_file.h"
#include "store/chain.h"
#include "store/manifest.h"
#include "store/migrate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096 /* PATH_MAX of Linux */

/* What is being written. */
struct export {
    const char *folder;
    struct store_audit_filter filter;
    struct store_manifest manifest;
    struct store_manifest_file *file; /* of the rows, in the manifest */
    struct new_file *to;
    struct sha256 *sha;
    struct cli_output *output;
};

static void export_finish(struct export *x) {
    cli_output_destroy(x->output);
    new_file_destroy(x->to);
    sha256_destroy(x->sha);
}

static enum err name_in(const char *folder, const char *name, char ret[PATH_SIZE]) {
    int n = snprintf(ret, PATH_SIZE, "%s/%s", folder, name);
    return n >= 0 && n < PATH_SIZE ? OK : err_set(ERR_INVALID, "%s: the path is too long", folder);
}

/* The names of people are in it: for us alone. An export that is there already stays. */
static enum err make_folder(const char *folder) {
    char manifest[PATH_SIZE];
    TRY(name_in(folder, CLI_EXPORT_MANIFEST, manifest));
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return err_set(ERR_IO, "%s: %s", folder, strerror(errno));
    }
    return access(manifest, F_OK) != 0
               ? OK
               : err_set(ERR_CONFLICT, "%s: there is an export already", folder);
}

static void put_time(struct buf *b, const char *key, int64_t ms) {
    char text[CLOCK_TEXT_SIZE];
    if (ms != 0) {
        clock_format(ms, text);
        buf_json_field(b, key, text);
    }
}

/* What was asked for, with the moments that "7d" meant. */
static enum err describe_filter(const struct store_audit_filter *f, char *ret, size_t size) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, size - 1);
    buf_putc(&b, '{');
    put_time(&b, "since", f->since_ms);
    put_time(&b, "until", f->until_ms);
    buf_json_field(&b, "room", f->room);
    buf_json_field(&b, "user", f->user);
    buf_json_field(&b, "status", f->status);
    buf_json_field(&b, "call", f->call);
    buf_json_field(&b, "type", f->type);
    if (f->limit != 0) {
        buf_json_int_field(&b, "limit", f->limit);
    }
    buf_putc(&b, '}');
    TRY(buf_check(&b));
    snprintf(ret, size, "%s", buf_str(&b));
    return OK;
}

static enum err write_bytes(void *arg, const char *bytes, size_t n) {
    struct export *x = arg;
    sha256_add(x->sha, bytes, n);
    x->file->bytes += (int64_t)n;
    return new_file_write(x->to, bytes, n);
}

static enum err take_row(void *arg, const char *const *values) {
    struct export *x = arg;
    return cli_output_row(x->output, values);
}

static enum err begin(struct export *x, const struct cli_args *args) {
    const char *what = cli_args_has(args, "what") ? cli_args_get(args, "what") : "events";
    const char *format = cli_args_has(args, "format") ? cli_args_get(args, "format") : "jsonl";
    struct store_manifest *m = &x->manifest;
    enum store_audit_report report =
        strcmp(what, "calls") == 0 ? STORE_AUDIT_CALLS : STORE_AUDIT_EVENTS;
    TRY(cli_audit_filter_read(args, report, &x->filter));
    x->filter.by_chain = true;
    TRY(describe_filter(&x->filter, m->filter, sizeof(m->filter)));
    clock_format(clock_wall_ms(), m->made_at);
    snprintf(m->what, sizeof(m->what), "%s", what);
    snprintf(m->format, sizeof(m->format), "%s", format);
    x->file = &m->files[m->n_files++];
    snprintf(x->file->name, sizeof(x->file->name), "%s.%s", what, format);
    struct cli_output_config cfg = {
        .format = cli_format_read(format), .write = write_bytes, .arg = x
    };
    cfg.columns = store_audit_columns(report, &cfg.n_columns);
    TRY(cli_output_create(&cfg, &x->output));
    return sha256_create(&x->sha);
}

static enum err write_rows(struct export *x, const char *url) {
    char path[PATH_SIZE];
    TRY(name_in(x->folder, x->file->name, path));
    TRY(new_file_create(path, 0600, &x->to));
    sha256_begin(x->sha);
    TRY(store_audit_export(url, &x->filter, take_row, x, &x->manifest.head));
    TRY(cli_output_end(x->output));
    sha256_end(x->sha, x->file->sha256);
    x->file->rows = cli_output_rows(x->output);
    return new_file_commit(x->to);
}

/* Last: an export without a manifest was cut off. */
static enum err write_manifest(struct export *x, const struct store_audit_key *key) {
    CLEANUP(new_file_destroyp) struct new_file *to = NULL;
    CLEANUP(buf_finish) struct buf b;
    char path[PATH_SIZE];
    buf_init(&b, STORE_MANIFEST_MAX);
    snprintf(x->manifest.fingerprint, sizeof(x->manifest.fingerprint), "%s",
        store_audit_key_fingerprint(key));
    TRY(store_manifest_write(&b, &x->manifest, key));
    TRY(name_in(x->folder, CLI_EXPORT_MANIFEST, path));
    TRY(new_file_create(path, 0600, &to));
    TRY(new_file_write(to, b.data, b.len));
    return new_file_commit(to);
}

static enum err print_done(const struct export *x) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "%" PRId64 " %s, %" PRId64 " bytes, in %s/%s; %s is signed with key %s\n",
        x->file->rows, x->manifest.what, x->file->bytes, x->folder, x->file->name,
        CLI_EXPORT_MANIFEST, x->manifest.fingerprint);
    TRY(buf_check(&b));
    return cli_screen_print(buf_str(&b));
}

enum err cli_audit_export(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *key = NULL;
    CLEANUP(export_finish) struct export x = { .folder = cli_args_get(args, "output") };
    if (x.folder == NULL || x.folder[0] == '\0') {
        cli_command_set_exit(CLI_USAGE);
        return err_set(ERR_INVALID, "say where to with --output");
    }
    TRY(cli_settings_load(args, &config));
    TRY(store_audit_key_load(config->audit.key_file, &key));
    TRY(store_migrate_check(config->database.url, key));
    TRY(begin(&x, args));
    TRY(make_folder(x.folder));
    TRY(write_rows(&x, config->database.url));
    TRY(write_manifest(&x, key));
    return print_done(&x);
}
