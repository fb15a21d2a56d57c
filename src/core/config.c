/* Defaults, then the file, then the environment: each word goes through the row it belongs to. */
#include "core/config.h"

#include "core/buf.h"
#include "core/config_row.h"
#include "core/yaml.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 64 /* entries of any list */

/* Variables of that prefix that are no settings: they steer our own test tools. */
static const char *const other_variables[] = { "PARLEY_BUILD", "PARLEY_VENV", "PARLEY_TEST_" };

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "out of memory");
}

static const struct config_row *find_row(const char *section, const char *key) {
    for (size_t i = 0; i < config_n_rows; i++) {
        if (strcmp(config_rows[i].section, section) == 0 && strcmp(config_rows[i].key, key) == 0) {
            return &config_rows[i];
        }
    }
    return NULL;
}

static bool section_exists(const char *section) {
    for (size_t i = 0; i < config_n_rows; i++) {
        if (strcmp(config_rows[i].section, section) == 0) {
            return true;
        }
    }
    return false;
}

/* --- sentences --- */

/* The sections, or the keys of one. */
static void list_names(const char *section, struct buf *b) {
    for (size_t i = 0; i < config_n_rows; i++) {
        const struct config_row *row = &config_rows[i];
        bool wanted =
            section == NULL ? config_row_begins_section(i) : strcmp(row->section, section) == 0;
        if (wanted) {
            buf_printf(
                b, "%s%s", b->len == 0 ? "" : ", ", section == NULL ? row->section : row->key);
        }
    }
}

/* `got` NULL when it is no single text. A secret is not repeated: sentences end in logs. */
static enum err refuse(const struct config_row *row, const char *where, const char *got) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    row->kind->allowed(row, &b);
    TRY(buf_check(&b));
    const char *shown = row->flags & CONFIG_SECRET ? "something else"
                        : got != NULL              ? log_quote(got)
                        : row->kind->entry != NULL ? "something else"
                                                   : "no single value";
    return err_set(ERR_INVALID, "%s: %s.%s must be %s; got %s", where, row->section, row->key,
        buf_str(&b), shown);
}

/* Which word is wrong? NULL: it is their number. */
static const char *culprit(const struct config_row *row, struct config_words words) {
    if (row->kind->entry == NULL) {
        return words.n == 1 && !words.list ? words.items[0] : NULL;
    }
    for (size_t i = 0; i < words.n; i++) {
        if (!row->kind->entry(words.items[i])) {
            return words.items[i];
        }
    }
    return NULL;
}

/* A text in our own arena, so writing to it is allowed. */
static void wipe(const char *secret) {
    if (secret != NULL) {
        explicit_bzero((void *)(uintptr_t)secret, strlen(secret));
    }
}

static void wipe_list(const struct config_list *l) {
    for (size_t i = 0; i < l->n; i++) {
        wipe(l->items[i]);
    }
}

static void wipe_slot(const struct config_row *row, const void *slot) {
    if (row->kind->entry == NULL) {
        wipe(*(const char *const *)slot);
    } else {
        wipe_list(slot);
    }
}

static enum err set(
    struct config *c, const struct config_row *row, struct config_words words, const char *where) {
    void *slot = config_row_slot(c, row);
    bool secret = (row->flags & CONFIG_SECRET) != 0;
    const char *text = secret && row->kind->entry == NULL ? *(const char **)slot : NULL;
    struct config_list list = { 0 };
    if (secret && row->kind->entry != NULL) {
        list = *(struct config_list *)slot;
    }
    enum err e = row->kind->read(row, &c->arena, words, slot);
    if (e == ERR_INVALID) {
        return refuse(row, where, culprit(row, words));
    }
    if (e == OK) {
        wipe(text);
        wipe_list(&list);
    }
    return e;
}

/* Sets from one text; the items of a list stand between commas. */
static enum err set_text(
    struct config *c, const struct config_row *row, const char *text, const char *where) {
    if (row->kind->entry == NULL) {
        return set(c, row, (struct config_words){ &text, 1, false }, where);
    }
    CLEANUP(mem_freep) char *copy = mem_strdup(text);
    if (copy == NULL) {
        return no_memory();
    }
    const char *items[WORDS_MAX + 1];
    size_t n = 0;
    char *rest = copy;
    for (char *item = strsep(&rest, ","); item != NULL && n <= WORDS_MAX;
         item = strsep(&rest, ",")) {
        item += strspn(item, " \t");
        item[strcspn(item, " \t")] = '\0';
        items[n++] = item;
    }
    if (n == 1 && items[0][0] == '\0') {
        n = 0;
    }
    return set(c, row, (struct config_words){ items, n, true }, where);
}

/* --- the file --- */

static enum err set_node(
    struct config *c, const struct doc *d, const struct config_row *row, const struct doc_node *n) {
    if (doc_is_null(n)) {
        return doc_err(d, n, ERR_INVALID, "%s.%s has no value; leave the line out for the default",
            row->section, row->key);
    }
    const char *items[WORDS_MAX + 1];
    size_t count = 0;
    bool texts = n->kind != DOC_MAP;
    if (n->kind == DOC_TEXT) {
        items[count++] = n->text;
    }
    for (const struct doc_node *i = n->first; i != NULL && texts && count <= WORDS_MAX;
         i = i->next) {
        texts = i->kind == DOC_TEXT;
        items[count++] = i->text;
    }
    char where[DOC_WHERE_SIZE];
    doc_where(d, n, where);
    if (!texts) {
        return refuse(row, where, NULL);
    }
    return set(c, row, (struct config_words){ items, count, n->kind == DOC_LIST }, where);
}

static enum err read_section(
    struct config *c, const struct doc *d, const char *section, const struct doc_node *map) {
    CLEANUP(buf_finish) struct buf names;
    buf_init(&names, 0);
    for (const struct doc_node *n = map->first; n != NULL; n = n->next) {
        const struct config_row *row = find_row(section, n->key);
        if (row == NULL) {
            list_names(section, &names);
            TRY(buf_check(&names));
            return doc_err(d, n, ERR_INVALID, "unknown key %s.%s; allowed here: %s", section,
                log_quote(n->key), buf_str(&names));
        }
        TRY(set_node(c, d, row, n));
    }
    return OK;
}

static enum err read_doc(struct config *c, const struct doc *d) {
    const struct doc_node *root = doc_root(d);
    CLEANUP(buf_finish) struct buf names;
    buf_init(&names, 0);
    if (root == NULL || doc_is_null(root)) {
        return OK;
    }
    list_names(NULL, &names);
    TRY(buf_check(&names));
    if (root->kind != DOC_MAP) {
        return doc_err(d, root, ERR_INVALID, "sections expected: %s", buf_str(&names));
    }
    for (const struct doc_node *n = root->first; n != NULL; n = n->next) {
        if (!section_exists(n->key)) {
            return doc_err(d, n, ERR_INVALID, "unknown section %s; allowed: %s", log_quote(n->key),
                buf_str(&names));
        }
        if (n->kind != DOC_MAP && !doc_is_null(n)) {
            return doc_err(d, n, ERR_INVALID, "%s holds keys, not a value", n->key);
        }
        TRY(read_section(c, d, n->key, n));
    }
    return OK;
}

/* --- the environment --- */

static const struct config_row *find_variable(const char *name) {
    for (size_t i = 0; i < config_n_rows; i++) {
        char variable[CONFIG_VARIABLE_SIZE];
        config_row_variable(&config_rows[i], variable);
        if (strcmp(variable, name) == 0) {
            return &config_rows[i];
        }
    }
    return NULL;
}

static bool is_other_variable(const char *name) {
    for (size_t i = 0; i < COUNT_OF(other_variables); i++) {
        const char *other = other_variables[i];
        size_t n = strlen(other);
        bool family = other[n - 1] == '_';
        if (family ? strncmp(name, other, n) == 0 : strcmp(name, other) == 0) {
            return true;
        }
    }
    return false;
}

/* Which section is meant? Its variables are what the sentence lists. */
static enum err refuse_variable(const char *name) {
    CLEANUP(buf_finish) struct buf names;
    buf_init(&names, 0);
    for (size_t i = 0; i < config_n_rows; i++) {
        char variable[CONFIG_VARIABLE_SIZE];
        config_row_variable(&config_rows[i], variable);
        size_t section = strlen(CONFIG_VARIABLE_PREFIX) + strlen(config_rows[i].section) + 1;
        if (strncmp(variable, name, section) == 0) {
            buf_printf(&names, "%s%s", names.len == 0 ? "" : ", ", variable);
        }
    }
    bool section_known = names.len > 0;
    if (!section_known) {
        list_names(NULL, &names);
    }
    TRY(buf_check(&names));
    return err_set(ERR_INVALID, "environment: unknown variable %s; %s: %s", log_quote(name),
        section_known ? "allowed"
                      : "allowed is " CONFIG_VARIABLE_PREFIX "<SECTION>_<KEY> with the sections",
        buf_str(&names));
}

static enum err read_variable(struct config *c, const char *entry) {
    size_t n = strcspn(entry, "=");
    char name[128];
    snprintf(name, sizeof(name), "%.*s", (int)(n < sizeof(name) ? n : sizeof(name) - 1), entry);
    if (is_other_variable(name)) {
        return OK;
    }
    const struct config_row *row = find_variable(name);
    if (row == NULL || entry[n] == '\0') {
        return refuse_variable(name);
    }
    return set_text(c, row, entry + n + 1, name);
}

/* The names of another service; empty means "not set" there. */
static enum err read_aliases(struct config *c, char *const *env) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    if (config_env_get(env, "LIVEKIT_JWT_BIND") != NULL &&
        config_env_get(env, "LIVEKIT_JWT_PORT") != NULL) {
        return err_set(ERR_INVALID,
            "environment: LIVEKIT_JWT_BIND and LIVEKIT_JWT_PORT must not be set together");
    }
    for (size_t i = 0; i < config_n_aliases; i++) {
        const struct config_alias *alias = &config_aliases[i];
        const char *value = config_env_get(env, alias->variable);
        buf_clear(&b);
        if (value == NULL || (alias->translate != NULL && !alias->translate(value, &b))) {
            continue;
        }
        if (alias->section == NULL) {
            LOG_WARN(&log_root, "variable_ignored", "name=%s", alias->variable);
            continue;
        }
        TRY(buf_check(&b));
        const char *text = alias->translate == NULL ? value : buf_str(&b);
        TRY(set_text(c, find_row(alias->section, alias->key), text, alias->variable));
    }
    return OK;
}

/* Where that service would listen, when it alone is meant and nobody said anything about it. */
static enum err listen_as_alias(
    struct config *c, char *const *env, const struct config_list *unset) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    if (!config_alone(c) || config_env_get(env, "LIVEKIT_URL") == NULL ||
        c->http.public.items != unset->items) {
        return OK;
    }
    config_alias_listen(&b);
    TRY(buf_check(&b));
    return set_text(c, find_row("http", "public"), buf_str(&b), "LIVEKIT_URL");
}

static enum err read_environment(struct config *c, char *const *env) {
    for (; env != NULL && *env != NULL; env++) {
        if (strncmp(*env, CONFIG_VARIABLE_PREFIX, strlen(CONFIG_VARIABLE_PREFIX)) == 0) {
            TRY(read_variable(c, *env));
        }
    }
    return OK;
}

/* --- loading --- */

static enum err name_node(struct config *c) {
    if (c->node.name[0] != '\0') {
        return OK;
    }
    char host[65]; /* HOST_NAME_MAX and a NUL */
    if (gethostname(host, sizeof(host)) != 0) {
        host[0] = '\0';
    }
    host[sizeof(host) - 1] = '\0';
    return set_text(c, find_row("node", "name"), host[0] == '\0' ? "localhost" : host, "host name");
}

/* Clients that are sent to us find somebody who carries their media, without another word. */
static void choose_sfu(struct config *c) {
    if (c->rtc.sfu == RTC_SFU_AUTO) {
        c->rtc.sfu = c->rtc.public_url[0] != '\0' && c->livekit.url[0] == '\0' ? RTC_SFU_EMBEDDED
                                                                               : RTC_SFU_EXTERNAL;
    }
}

enum err config_create_default(struct config **ret) {
    CLEANUP(config_destroyp) struct config *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return no_memory();
    }
    arena_init(&c->arena);
    for (size_t i = 0; i < config_n_rows; i++) {
        TRY(set_text(c, &config_rows[i], config_rows[i].fallback, "default"));
    }
    *ret = STEAL(c);
    return OK;
}

/* `d` may be NULL. */
static enum err fill(const struct doc *d, char *const *env, struct config **ret) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    TRY(config_create_default(&c));
    const struct config_list unset = c->http.public;
    if (d != NULL) {
        TRY(read_doc(c, d));
    }
    TRY(read_aliases(c, env));
    TRY(read_environment(c, env));
    choose_sfu(c);
    TRY(listen_as_alias(c, env, &unset));
    TRY(name_node(c));
    *ret = STEAL(c);
    return OK;
}

enum err config_load(const char *path, char *const *env, struct config **ret) {
    CLEANUP(doc_destroyp) struct doc *d = NULL;
    if (path != NULL) {
        TRY(doc_load(path, &d));
    }
    return fill(d, env, ret);
}

enum err config_load_text(
    const char *name, const char *bytes, size_t len, char *const *env, struct config **ret) {
    CLEANUP(doc_destroyp) struct doc *d = NULL;
    TRY(doc_parse(name, bytes, len, &d));
    return fill(d, env, ret);
}

void config_destroy(struct config *c) {
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < config_n_rows; i++) {
        if (config_rows[i].flags & CONFIG_SECRET) {
            wipe_slot(&config_rows[i], config_row_slot(c, &config_rows[i]));
        }
    }
    arena_finish(&c->arena);
    mem_free(c);
}

void config_destroyp(struct config **c) {
    config_destroy(*c);
}
