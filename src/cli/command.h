/*
 * The subcommands: ONE table of rows (command.c), a file and a function each.
 *
 * Exit codes: 0 done, 1 failed (a sentence on standard error says why), 2 wrong usage (nothing was
 * done); `doctor` and `audit verify` have their own.  Thread: main.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/options.h"
#include "core/err.h"

#include <stddef.h>

struct buf;

enum cli_exit { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli_command {
    const char *name;     /* one word or two: "serve", "audit calls" */
    const char *argument; /* what help calls the word it needs behind it; NULL = none */
    enum err (*check_argument)(const char *word);
    const char *sentence; /* under 60 characters */
    const char *more;     /* lines for its help page, each ending with \n; "" = none */
    const struct cli_option *options;
    size_t n_options;
    enum err (*run)(const struct cli_args *args);
};

extern const struct cli_command cli_commands[];
extern const size_t cli_n_commands;

/** Finds the subcommand, reads its options, runs it. Gives the exit code. */
int cli_run(int argc, char *const *argv);

/** What the running command ends with instead of 0: for one whose answer is its exit code. A
 * failure never ends with less than 1. */
void cli_command_set_exit(int code);

/** A help page: of one subcommand, and of all whose name begins with `group` ("" = all). */
void cli_command_help(const struct cli_command *c, struct buf *b);
void cli_group_help(const char *group, struct buf *b);

/* What the rows run. */
MUST_CHECK enum err cli_serve(const struct cli_args *args);
MUST_CHECK enum err cli_register(const struct cli_args *args);
MUST_CHECK enum err cli_admin_token(const struct cli_args *args);
MUST_CHECK enum err cli_calls_list(const struct cli_args *args);
MUST_CHECK enum err cli_calls_end(const struct cli_args *args);
MUST_CHECK enum err cli_calls_kick(const struct cli_args *args);
MUST_CHECK enum err cli_calls_mute(const struct cli_args *args);
MUST_CHECK enum err cli_webhooks_list(const struct cli_args *args);
MUST_CHECK enum err cli_webhooks_retry(const struct cli_args *args);
MUST_CHECK enum err cli_webhooks_test(const struct cli_args *args);
MUST_CHECK enum err cli_migrate(const struct cli_args *args);
MUST_CHECK enum err cli_audit_calls(const struct cli_args *args);
MUST_CHECK enum err cli_audit_events(const struct cli_args *args);
MUST_CHECK enum err cli_audit_user(const struct cli_args *args);
MUST_CHECK enum err cli_audit_stats(const struct cli_args *args);
MUST_CHECK enum err cli_audit_quality(const struct cli_args *args);
MUST_CHECK enum err cli_audit_purge(const struct cli_args *args);
MUST_CHECK enum err cli_audit_verify(const struct cli_args *args);
MUST_CHECK enum err cli_audit_export(const struct cli_args *args);
MUST_CHECK enum err cli_audit_rotate_key(const struct cli_args *args);
MUST_CHECK enum err cli_config_print(const struct cli_args *args);
MUST_CHECK enum err cli_config_check(const struct cli_args *args);
MUST_CHECK enum err cli_config_sample(const struct cli_args *args);
MUST_CHECK enum err cli_doctor(const struct cli_args *args);
MUST_CHECK enum err cli_token(const struct cli_args *args);
MUST_CHECK enum err cli_version(const struct cli_args *args);

#endif
