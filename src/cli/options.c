/* One pass over the words; the table says what each may be. */
#include "cli/options.h"

#include "core/buf.h"
#include "core/mem.h"

#include <assert.h>
#include <string.h>

#define NAME_COLUMN 22 /* where the sentences of help begin, behind two spaces */

static const struct cli_option *find(const struct cli_grammar *g, const char *name, size_t len) {
    for (size_t i = 0; i < g->n_options; i++) {
        if (strlen(g->options[i].name) == len && strncmp(g->options[i].name, name, len) == 0) {
            return &g->options[i];
        }
    }
    return NULL;
}

static enum err refuse_unknown(const struct cli_grammar *g, const char *word) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < g->n_options; i++) {
        buf_printf(&b, "%s--%s", i == 0 ? "" : ", ", g->options[i].name);
    }
    TRY(buf_check(&b));
    return err_set(ERR_INVALID, "unknown option %.60s; allowed: %s", word, buf_str(&b));
}

static enum err refuse_choice(const struct cli_option *o, const char *value) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; o->choices[i] != NULL; i++) {
        const char *between = i == 0 ? "" : o->choices[i + 1] == NULL ? " or " : ", ";
        buf_printf(&b, "%s%s", between, o->choices[i]);
    }
    TRY(buf_check(&b));
    return err_set(ERR_INVALID, "--%s must be %s, not \"%.60s\"", o->name, buf_str(&b), value);
}

static enum err check_value(const struct cli_option *o, const char *value) {
    if (o->choices != NULL) {
        for (size_t i = 0; o->choices[i] != NULL; i++) {
            if (strcmp(o->choices[i], value) == 0) {
                return OK;
            }
        }
        return refuse_choice(o, value);
    }
    if (o->check != NULL) {
        enum err e = o->check(value);
        return e == OK ? OK : err_set(e, "--%s: %s", o->name, err_text());
    }
    return OK;
}

/* Reads the option at argv[*i], and its value when that is the next word. */
static enum err read_option(struct cli_args *a, int argc, char *const *argv, int *i) {
    const char *word = strcmp(argv[*i], "-h") == 0 ? "--help" : argv[*i];
    size_t len = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
    const struct cli_option *o = len == 0 ? NULL : find(&a->grammar, word + 2, len);
    if (o == NULL) {
        return refuse_unknown(&a->grammar, word);
    }
    bool joined = word[2 + len] == '=';
    const char *value = joined ? word + 2 + len + 1 : "";
    if (o->value == NULL && joined) {
        return err_set(ERR_INVALID, "--%s takes no value", o->name);
    }
    if (o->value != NULL && !joined) {
        if (*i + 1 >= argc) {
            return err_set(ERR_INVALID, "--%s needs a value: %s", o->name, o->value);
        }
        value = argv[++*i];
    }
    const char **slot = &a->values[o - a->grammar.options];
    if (*slot != NULL) {
        return err_set(ERR_INVALID, "--%s is given twice", o->name);
    }
    if (o->value != NULL) {
        TRY(check_value(o, value));
    }
    *slot = value;
    return OK;
}

static enum err read_word(struct cli_args *a, const char *word) {
    if (a->n_words == a->grammar.words_max) {
        return err_set(ERR_INVALID, "unexpected word \"%.60s\"", word);
    }
    a->words[a->n_words++] = word;
    return OK;
}

enum err cli_options_read(
    const struct cli_grammar *grammar, int argc, char *const *argv, struct cli_args *ret) {
    assert(grammar->n_options <= CLI_OPTIONS_MAX && grammar->words_max <= CLI_WORDS_MAX);
    struct cli_args a = { .grammar = *grammar };
    bool ended = false;
    int i = 0;
    for (; i < argc; i++) {
        bool option = !ended && argv[i][0] == '-' && argv[i][1] != '\0';
        if (!option && grammar->stop_at_word) {
            break;
        }
        if (!option) {
            TRY(read_word(&a, argv[i]));
        } else if (strcmp(argv[i], "--") == 0) {
            ended = true;
        } else {
            TRY(read_option(&a, argc, argv, &i));
        }
    }
    a.used = i;
    *ret = a;
    return OK;
}

const char *cli_args_get(const struct cli_args *args, const char *name) {
    const struct cli_option *o = find(&args->grammar, name, strlen(name));
    assert(o != NULL);
    return args->values[o - args->grammar.options];
}

bool cli_args_has(const struct cli_args *args, const char *name) {
    const struct cli_option *o = find(&args->grammar, name, strlen(name));
    return o != NULL && args->values[o - args->grammar.options] != NULL;
}

void cli_options_print(const struct cli_option *options, size_t n, struct buf *b) {
    for (size_t i = 0; i < n; i++) {
        const struct cli_option *o = &options[i];
        size_t start = b->len;
        buf_printf(b, "  --%s%s%s", o->name, o->value == NULL ? "" : " ", o->value ? o->value : "");
        size_t width = b->len - start;
        buf_printf(
            b, "%*s%s\n", width < NAME_COLUMN ? (int)(NAME_COLUMN - width) : 1, "", o->sentence);
    }
}
