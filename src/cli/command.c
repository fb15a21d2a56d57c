/* From argv to a row of the table and back to an exit code. */
#include "cli/command.h"

#include "cli/screen.h"
#include "core/buf.h"
#include "core/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HELP_COLUMNS 80
#define HELP_INDENT  18
#define HELP_BLANKS  "                  " /* so many */

static const struct cli_option global_options[] = {
    CLI_OPTION_CONFIG,
    CLI_OPTION_HELP,
    { "version", NULL, "print the version and end", NULL, NULL },
};

static int exit_code; /* of the one command that this process runs */

void cli_command_set_exit(int code) {
    exit_code = code;
}

/* --- help --- */

void cli_command_help(const struct cli_command *c, struct buf *b) {
    buf_printf(b, "usage: parley %s%s%s [options]\n\n%s.\n", c->name,
        c->argument == NULL ? "" : " ", c->argument == NULL ? "" : c->argument, c->sentence);
    if (c->more[0] != '\0') {
        buf_printf(b, "%s", c->more);
    }
    buf_puts(b, "\nOptions:\n");
    cli_options_print(c->options, c->n_options, b);
}

/* Is `name` the group itself or one of its commands? */
static bool in_group(const char *name, const char *group) {
    size_t n = strlen(group);
    return n == 0 || (strncmp(name, group, n) == 0 && name[n] == ' ');
}

/* All commands of one first word together, at the first of them: a page fits a screen. */
static void put_group(const struct cli_command *first, struct buf *b) {
    int n = (int)strcspn(first->name, " ");
    if (first > cli_commands && strncmp(first[-1].name, first->name, (size_t)n + 1) == 0) {
        return;
    }
    buf_printf(b, "  %-16.*s", n, first->name);
    size_t column = HELP_INDENT;
    const char *between = "";
    for (const struct cli_command *c = first; c < cli_commands + cli_n_commands; c++) {
        if (strncmp(c->name, first->name, (size_t)n + 1) != 0) {
            continue;
        }
        const size_t more = strlen(", ") + strlen(c->name + n + 1);
        const bool wraps = column + more >= HELP_COLUMNS;
        between = wraps ? ",\n" HELP_BLANKS : between;
        column = (wraps ? HELP_INDENT : column) + more;
        buf_printf(b, "%s%s", between, c->name + n + 1);
        between = ", ";
    }
    buf_putc(b, '\n');
}

void cli_group_help(const char *group, struct buf *b) {
    buf_printf(b, "usage: parley %s%s<command> [options]\n\n", group, group[0] == '\0' ? "" : " ");
    if (group[0] == '\0') {
        buf_puts(b, "Parley " PARLEY_VERSION ": calls for a Matrix homeserver.\n\n");
    }
    buf_puts(b, "Commands:\n");
    for (size_t i = 0; i < cli_n_commands; i++) {
        const struct cli_command *c = &cli_commands[i];
        if (group[0] == '\0' && strchr(c->name, ' ') != NULL) {
            put_group(c, b);
        } else if (in_group(c->name, group)) {
            buf_printf(b, "  %-16s%s\n", c->name, c->sentence);
        }
    }
    buf_puts(b, "\nOptions:\n");
    cli_options_print(global_options, group[0] == '\0' ? COUNT_OF(global_options) : 2, b);
    buf_puts(b, "\n`parley <command> --help` says more about each.\n");
}

/* --- endings --- */

static int usage_error(const char *command) {
    cli_screen_complain("%s", err_text());
    fprintf(stderr, "`parley %s%s--help` says what is allowed.\n", command,
        command[0] == '\0' ? "" : " ");
    return CLI_USAGE;
}

static int finish(enum err e) {
    if (e == OK) {
        e = cli_screen_flush();
    }
    if (e == OK || cli_screen_reader_left()) {
        return exit_code;
    }
    cli_screen_complain("%s", err_text());
    return exit_code > CLI_FAILED ? exit_code : CLI_FAILED;
}

static enum err print_help(const struct cli_command *c, const char *group) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    if (c != NULL) {
        cli_command_help(c, &b);
    } else {
        cli_group_help(group, &b);
    }
    TRY(buf_check(&b));
    return cli_screen_print(buf_str(&b));
}

/* --- finding and running --- */

/* How many words of argv the command's name takes; 0 when it is another. */
static int matches(const struct cli_command *c, int argc, char *const *argv) {
    const char *space = strchr(c->name, ' ');
    if (space == NULL) {
        return strcmp(c->name, argv[0]) == 0 ? 1 : 0;
    }
    size_t n = (size_t)(space - c->name);
    bool first = strlen(argv[0]) == n && strncmp(argv[0], c->name, n) == 0;
    return first && argc > 1 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static bool is_group(const char *word) {
    for (size_t i = 0; i < cli_n_commands; i++) {
        if (in_group(cli_commands[i].name, word)) {
            return true;
        }
    }
    return false;
}

/* No command was named: a group's page when it is asked for, else a refusal. */
static int no_command(int argc, char *const *argv) {
    if (!is_group(argv[0])) {
        cli_screen_complain("unknown command \"%.60s\"; `parley --help` lists them", argv[0]);
        return CLI_USAGE;
    }
    bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (help) {
        return finish(print_help(NULL, argv[0]));
    }
    cli_screen_complain("%s %s; `parley %s --help` lists them", argv[0],
        argc > 1 ? "has no such command" : "needs a command", argv[0]);
    return CLI_USAGE;
}

/* --config may also stand before the command. */
static void inherit_config(struct cli_args *args, const char *config) {
    for (size_t i = 0; i < args->grammar.n_options; i++) {
        if (strcmp(args->grammar.options[i].name, "config") == 0 && args->values[i] == NULL) {
            args->values[i] = config;
        }
    }
}

static enum err check_words(const struct cli_command *c, const struct cli_args *args) {
    if (c->argument != NULL && args->n_words == 0) {
        return err_set(ERR_INVALID, "%s needs %s", c->name, c->argument);
    }
    return c->argument == NULL ? OK : c->check_argument(args->words[0]);
}

static int run(const struct cli_command *c, int argc, char *const *argv, const char *config) {
    struct cli_grammar grammar = {
        .options = c->options, .n_options = c->n_options, .words_max = c->argument == NULL ? 0 : 1
    };
    struct cli_args args;
    if (cli_options_read(&grammar, argc, argv, &args) != OK) {
        return usage_error(c->name);
    }
    if (cli_args_has(&args, "help")) {
        return finish(print_help(c, NULL));
    }
    if (check_words(c, &args) != OK) {
        return usage_error(c->name);
    }
    inherit_config(&args, config);
    return finish(c->run(&args));
}

int cli_run(int argc, char *const *argv) {
    struct cli_grammar grammar = {
        .options = global_options, .n_options = COUNT_OF(global_options), .stop_at_word = true
    };
    struct cli_args globals;
    int skip = argc > 0 ? 1 : 0;
    argc -= skip;
    argv += skip;
    if (cli_options_read(&grammar, argc, argv, &globals) != OK) {
        return usage_error("");
    }
    argc -= globals.used;
    argv += globals.used;
    if (cli_args_has(&globals, "help")) {
        return finish(print_help(NULL, ""));
    }
    if (cli_args_has(&globals, "version")) {
        return finish(cli_version(&globals));
    }
    if (argc == 0) {
        cli_screen_complain("which command? `parley --help` lists them");
        return CLI_USAGE;
    }
    for (size_t i = 0; i < cli_n_commands; i++) {
        int words = matches(&cli_commands[i], argc, argv);
        if (words > 0) {
            return run(
                &cli_commands[i], argc - words, argv + words, cli_args_get(&globals, "config"));
        }
    }
    return no_command(argc, argv);
}

enum err cli_version(const struct cli_args *args) {
    (void)args;
    return cli_screen_print("parley " PARLEY_VERSION "\n");
}
