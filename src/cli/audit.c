/* `parley audit …`: options become a filter, rows become lines as they arrive. */
#include "store/audit.h"
#include "cli/audit_filter.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What a report is called when it is empty, and the columns of its table: a screen has no room for
 * all of them. NULL = all. */
struct report {
    enum store_audit_report report;
    const char *none;
    const char *const *table;
};

#define COLUMNS_MAX 32 /* of a report */

/* The columns that are shown, and from where in a row they come. */
struct view {
    struct store_audit_column columns[COLUMNS_MAX];
    size_t from[COLUMNS_MAX];
    size_t n;
    struct cli_output *output;
};

static bool is_listed(const char *const *names, const char *name) {
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return names == NULL;
}

static void choose_columns(const struct report *r, enum cli_format format, struct view *v) {
    size_t n;
    const struct store_audit_column *all = store_audit_columns(r->report, &n);
    assert(n <= COLUMNS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (format != CLI_TABLE || is_listed(r->table, all[i].name)) {
            v->columns[v->n] = all[i];
            v->from[v->n++] = i;
        }
    }
}

static enum err take_row(void *arg, const char *const *values) {
    const struct view *v = arg;
    const char *shown[COLUMNS_MAX];
    for (size_t i = 0; i < v->n; i++) {
        shown[i] = values[v->from[i]];
    }
    return cli_output_row(v->output, shown);
}

static enum err run(const struct cli_args *args, const struct report *report) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(cli_output_destroyp) struct cli_output *output = NULL;
    struct store_audit_filter filter;
    struct view view = { .n = 0 };
    TRY(cli_audit_filter_read(args, report->report, &filter));
    TRY(cli_settings_load(args, &config));
    enum cli_format format = cli_format_read(cli_args_get(args, "format"));
    choose_columns(report, format, &view);
    struct cli_output_config cfg = {
        .format = format,
        .terminal = cli_screen_is_terminal(),
        .columns = view.columns,
        .n_columns = view.n,
        .write = cli_screen_write,
    };
    TRY(cli_output_create(&cfg, &output));
    view.output = output;
    TRY(store_audit_run(config->database.url, &filter, take_row, &view));
    TRY(cli_output_end(output));
    if (format == CLI_TABLE && cli_output_rows(output) == 0) {
        fprintf(stderr, "%s\n", report->none);
    }
    return OK;
}

/* In the order of the report. */
static const char *const calls_table[] = { "session_id", "status", "media", "caller", "callee",
    "created_at", "duration_ms", "peak_users", "end_reason", "mos", NULL };
static const char *const events_table[] = { "session_id", "at", "type", "user_id", "subject",
    "payload", NULL };
static const char *const user_table[] = { "session_id", "room_id", "role", "status", "media",
    "answered", "talking_ms", "created_at", "sent_mos", "received_mos", NULL };

static const char *const quality_table[] = { "user_id", "from_user", "source", "since",
    "seconds_received", "mos", "percent_lost", "layer", "seconds_frozen", "seconds_paused", NULL };

enum err cli_audit_calls(const struct cli_args *args) {
    return run(args, &(struct report){ STORE_AUDIT_CALLS, "no calls", calls_table });
}

enum err cli_audit_events(const struct cli_args *args) {
    return run(args, &(struct report){ STORE_AUDIT_EVENTS, "no events", events_table });
}

enum err cli_audit_user(const struct cli_args *args) {
    return run(args, &(struct report){ STORE_AUDIT_USER, "no calls", user_table });
}

enum err cli_audit_stats(const struct cli_args *args) {
    return run(args, &(struct report){ STORE_AUDIT_STATS, "no calls", NULL });
}

enum err cli_audit_quality(const struct cli_args *args) {
    return run(args, &(struct report){ STORE_AUDIT_QUALITY, "no figures", quality_table });
}
