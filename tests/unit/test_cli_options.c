/* Words in, options out; what is refused, and with which sentence. */
#include "cli/options.h"

#include "core/buf.h"
#include "test.h"

#include <string.h>

static enum err even(const char *value) {
    return strlen(value) % 2 == 0 ? OK : err_set(ERR_INVALID, "must be even");
}

static const char *const colours[] = { "red", "green", "blue", NULL };
static const struct cli_option options[] = {
    { "name", "TEXT", "any text", NULL, NULL },
    { "colour", "COLOUR", "one of a few", colours, NULL },
    { "even", "TEXT", "checked by a function", NULL, even },
    { "quiet", NULL, "a switch", NULL, NULL },
    CLI_OPTION_HELP,
};

#define WORDS_MOST 8

static int count(const char *const *words) {
    int n = 0;
    while (n < WORDS_MOST && words[n] != NULL) {
        n++;
    }
    return n;
}

static enum err read_words(const char *const *words, struct cli_args *ret) {
    static const struct cli_grammar grammar = {
        .options = options, .n_options = COUNT_OF(options), .words_max = 1
    };
    return cli_options_read(&grammar, count(words), (char *const *)(uintptr_t)words, ret);
}

TEST(cli_options, reads_what_is_allowed) {
    static const struct {
        const char *name;
        const char *words[WORDS_MOST];
        const char *text; /* of --name */
        const char *colour;
        bool quiet, help;
        const char *word;
    } rows[] = {
        { "nothing", { NULL }, NULL, NULL, false, false, NULL },
        { "a value behind", { "--name", "x" }, "x", NULL, false, false, NULL },
        { "a value joined", { "--name=x" }, "x", NULL, false, false, NULL },
        { "a value with = inside", { "--name=a=b" }, "a=b", NULL, false, false, NULL },
        { "an empty value", { "--name=" }, "", NULL, false, false, NULL },
        { "a value that looks like an option", { "--name", "--quiet" }, "--quiet", NULL, false,
            false, NULL },
        { "a choice", { "--colour", "green" }, NULL, "green", false, false, NULL },
        { "a switch", { "--quiet" }, NULL, NULL, true, false, NULL },
        { "help in short", { "-h" }, NULL, NULL, false, true, NULL },
        { "a word first", { "@a:b", "--quiet" }, NULL, NULL, true, false, "@a:b" },
        { "a word last", { "--quiet", "@a:b" }, NULL, NULL, true, false, "@a:b" },
        { "a word behind --", { "--", "--quiet" }, NULL, NULL, false, false, "--quiet" },
        { "a dash is a word", { "-" }, NULL, NULL, false, false, "-" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct cli_args args;
        CHECK_ERR(OK, read_words(r->words, &args));
        CHECK_STR(r->text, cli_args_get(&args, "name"));
        CHECK_STR(r->colour, cli_args_get(&args, "colour"));
        CHECK_INT(r->quiet, cli_args_has(&args, "quiet"));
        CHECK_INT(r->help, cli_args_has(&args, "help"));
        CHECK_STR(r->word, args.n_words == 0 ? NULL : args.words[0]);
        CHECK_INT(count(r->words), args.used);
    }
}

TEST(cli_options, refuses_with_what_is_allowed) {
    static const struct {
        const char *name;
        const char *words[WORDS_MOST];
        const char *sentence;
    } rows[] = {
        { "unknown", { "--nmae", "x" },
            "unknown option --nmae; allowed: --name, --colour, --even, --quiet, --help" },
        { "a beginning is not the whole", { "--nam=x" },
            "unknown option --nam=x; allowed: --name, --colour, --even, --quiet, --help" },
        { "short", { "-q" },
            "unknown option -q; allowed: --name, --colour, --even, --quiet, --help" },
        { "no name", { "--=x" },
            "unknown option --=x; allowed: --name, --colour, --even, --quiet, --help" },
        { "no value", { "--name" }, "--name needs a value: TEXT" },
        { "a switch with a value", { "--quiet=yes" }, "--quiet takes no value" },
        { "twice", { "--name", "x", "--name=y" }, "--name is given twice" },
        { "a switch twice", { "--quiet", "--quiet" }, "--quiet is given twice" },
        { "no such choice", { "--colour", "pink" },
            "--colour must be red, green or blue, not \"pink\"" },
        { "refused by its check", { "--even", "x" }, "--even: must be even" },
        { "too many words", { "a", "b" }, "unexpected word \"b\"" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct cli_args args;
        CHECK_ERR(ERR_INVALID, read_words(r->words, &args));
        CHECK_STR(r->sentence, err_text());
    }
}

TEST(cli_options, stops_at_a_word_when_asked) {
    static const struct cli_grammar grammar = {
        .options = options, .n_options = COUNT_OF(options), .stop_at_word = true
    };
    const char *words[] = { "--name", "x", "serve", "--nobody-looks-here" };
    struct cli_args args;
    CHECK_ERR(OK, cli_options_read(&grammar, 4, (char *const *)(uintptr_t)words, &args));
    CHECK_INT(2, args.used);
    CHECK_STR("x", cli_args_get(&args, "name"));
}

TEST(cli_options, prints_a_line_each) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    cli_options_print(options, 1, &b);
    cli_options_print(options + 3, 1, &b);
    CHECK_ERR(OK, buf_check(&b));
    CHECK_STR("  --name TEXT         any text\n"
              "  --quiet             a switch\n",
        buf_str(&b));
}

TEST_ALLOC(cli_options, refuses_without_memory) {
    const char *words[] = { "--nobody" };
    static const struct cli_grammar grammar = { .options = options,
        .n_options = COUNT_OF(options) };
    struct cli_args args;
    enum err e = cli_options_read(&grammar, 1, (char *const *)(uintptr_t)words, &args);
    return e == ERR_INVALID ? OK : e;
}
