/* `parley audit …`: options become a filter, rows become lines as they arrive. */
#include "store/audit.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "cli/when.h"
#include "core/clock.h"

#include <stdio.h>
#include <stdlib.h>

static const char *option(const struct cli_args *args, const char *name) {
    return cli_args_has(args, name) ? cli_args_get(args, name) : NULL;
}

static enum err read_time(
    const struct cli_args *args, const char *name, int64_t now_ms, int64_t *ret) {
    const char *text = option(args, name);
    return text == NULL ? OK : cli_when_read(text, now_ms, ret);
}

static enum err read_filter(
    const struct cli_args *args, enum store_audit_report report, struct store_audit_filter *ret) {
    struct store_audit_filter f = {
        .report = report,
        .room = option(args, "room"),
        .user = args->n_words > 0 ? args->words[0] : option(args, "user"),
        .status = option(args, "status"),
        .call = option(args, "call"),
        .type = option(args, "type"),
    };
    int64_t now_ms = clock_wall_ms();
    TRY(read_time(args, "since", now_ms, &f.since_ms));
    TRY(read_time(args, "until", now_ms, &f.until_ms));
    if (f.until_ms != 0 && f.since_ms >= f.until_ms) {
        return err_set(ERR_INVALID, "--since is not before --until, so no row can match");
    }
    const char *limit = option(args, "limit");
    f.limit = limit == NULL ? 0 : strtoll(limit, NULL, 10);
    *ret = f;
    return OK;
}

static enum err take_row(void *arg, const char *const *values) {
    return cli_output_row(arg, values);
}

static enum err run(const struct cli_args *args, enum store_audit_report report, const char *none) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(cli_output_destroyp) struct cli_output *output = NULL;
    struct store_audit_filter filter;
    TRY(read_filter(args, report, &filter));
    TRY(cli_settings_load(args, &config));
    struct cli_output_config cfg = {
        .format = cli_format_read(cli_args_get(args, "format")),
        .terminal = cli_screen_is_terminal(),
        .write = cli_screen_write,
    };
    cfg.columns = store_audit_columns(report, &cfg.n_columns);
    TRY(cli_output_create(&cfg, &output));
    TRY(store_audit_run(config->database.url, &filter, take_row, output));
    TRY(cli_output_end(output));
    if (cfg.format == CLI_TABLE && cli_output_rows(output) == 0) {
        fprintf(stderr, "%s\n", none);
    }
    return OK;
}

enum err cli_audit_calls(const struct cli_args *args) {
    return run(args, STORE_AUDIT_CALLS, "no calls");
}

enum err cli_audit_events(const struct cli_args *args) {
    return run(args, STORE_AUDIT_EVENTS, "no events");
}

enum err cli_audit_user(const struct cli_args *args) {
    return run(args, STORE_AUDIT_USER, "no calls");
}

enum err cli_audit_stats(const struct cli_args *args) {
    return run(args, STORE_AUDIT_STATS, "no calls");
}
