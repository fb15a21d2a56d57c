/*
 * The words behind a subcommand: long options from a table, and what is left.
 *
 *     static const struct cli_option options[] = { CLI_OPTION_LIMIT, CLI_OPTION_CONFIG,
 * CLI_OPTION_HELP };
 *
 * `--name value` and `--name=value` are the same; `--` ends the options; `-h` is `--help`. What is
 * not in the table is refused with what is.  Thread: main.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define CLI_OPTIONS_MAX 16 /* options of one subcommand; more would not fit a screen of help */
#define CLI_WORDS_MAX   4  /* words that are no options */

struct cli_option {
    const char *name;                     /* without the dashes */
    const char *value;                    /* what help calls its value; NULL = a switch */
    const char *sentence;                 /* for help; about 50 characters */
    const char *const *choices;           /* allowed values, ends with NULL; NULL = any */
    enum err (*check)(const char *value); /* refuses a value with a sentence; NULL = none */
};

#define CLI_OPTION_CONFIG                                                                          \
    { "config", "FILE", "settings (default /etc/parley/parley.yaml)", NULL, NULL }
#define CLI_OPTION_HELP                                                                            \
    { "help", NULL, "print this and end", NULL, NULL }

/* What may be given. */
struct cli_grammar {
    const struct cli_option *options;
    size_t n_options;
    size_t words_max;  /* at most CLI_WORDS_MAX */
    bool stop_at_word; /* end at the first word that is no option, and leave it */
};

/* What was given; borrows the grammar and argv. */
struct cli_args {
    struct cli_grammar grammar;
    const char *values[CLI_OPTIONS_MAX]; /* by row of the table; NULL = not given, "" = a switch */
    const char *words[CLI_WORDS_MAX];
    size_t n_words;
    int used; /* elements of argv that were read */
};

/** Reads all of argv, or up to a word (`stop_at_word`). ERR_INVALID with a sentence. */
MUST_CHECK enum err cli_options_read(
    const struct cli_grammar *grammar, int argc, char *const *argv, struct cli_args *ret);

/** The value of an option that is in the table (asserted), or NULL. */
const char *cli_args_get(const struct cli_args *args, const char *name);
/** Was it given? The same for an option that is in no table: false. */
bool cli_args_has(const struct cli_args *args, const char *name);

/** A line for each option, two spaces in front. */
void cli_options_print(const struct cli_option *options, size_t n, struct buf *b);

#endif
