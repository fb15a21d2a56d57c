/*
 * The registration file: what may stand in it, how it is read, written and kept from others.
 * Thread: main.
 */
#include "appservice/registration.h"

#include "appservice/namespace.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret_file.h"
#include "core/yaml.h"
#include "matrix/ids.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX_BYTES  255 /* of every text but the url */
#define URL_MAX_BYTES   1024
#define IS_JOINED_SCOPE "urn:matrix:client:io.element.msc4502:rooms:is_joined"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* --- what may stand in it: each gives NULL, or what is wrong --- */

/* Printable ASCII but quotes, backslash and `without`: what YAML, a header and a path take alike.
 */
static bool text_plain(const char *s, size_t max, const char *without) {
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        if (s[i] < ' ' || s[i] > '~' || strchr("\"\\", s[i]) != NULL ||
            strchr(without, s[i]) != NULL) {
            return false;
        }
    }
    return n > 0 && n <= max;
}

static const char *id_problem(const char *s) {
    return text_plain(s, TEXT_MAX_BYTES, "|") && s[0] != ' ' && s[strlen(s) - 1] != ' '
               ? NULL
               : "want 1 to 255 printable characters without | \" and \\";
}

static const char *url_problem(const char *s) {
    size_t scheme = strncmp(s, "http://", 7) == 0 ? 7 : strncmp(s, "https://", 8) == 0 ? 8 : 0;
    if (scheme == 0 || s[scheme] == '\0' || !text_plain(s, URL_MAX_BYTES, " #?<>^`{|}")) {
        return "want http://host:port or https://host:port, where the homeserver reaches our "
               "private listener";
    }
    return NULL;
}

static const char *token_problem(const char *s) {
    return strlen(s) >= AS_TOKEN_MIN && text_plain(s, TEXT_MAX_BYTES, " ")
               ? NULL
               : "want 32 to 255 printable characters without spaces; `parley register` makes them";
}

/* The homeserver refuses characters that need percent-encoding (1.1). */
static const char *localpart_problem(const char *s) {
    size_t n = strlen(s);
    return n > 0 && n <= TEXT_MAX_BYTES &&
                   strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-/") == n
               ? NULL
               : "want small letters, digits and . _ - / only";
}

/* --- keys --- */

static const struct key {
    const char *name;
    enum doc_kind kind;
    const char *(*problem)(const char *s); /* of a text we keep */
    size_t field;
} needed[] = {
    { "id", DOC_TEXT, id_problem, offsetof(struct as_registration, id) },
    { "url", DOC_TEXT, url_problem, offsetof(struct as_registration, url) },
    { "as_token", DOC_TEXT, token_problem, offsetof(struct as_registration, as_token) },
    { "hs_token", DOC_TEXT, token_problem, offsetof(struct as_registration, hs_token) },
    { "sender_localpart", DOC_TEXT, localpart_problem,
        offsetof(struct as_registration, sender_localpart) },
    { "namespaces", DOC_MAP, NULL, 0 },
};

/* Keys that Synapse reads and that mean nothing to us, 1.1. */
static const char *const known[] = {
    "rate_limited",
    "receive_ephemeral",
    "protocols",
    "de.sorunome.msc2409.push_ephemeral",
    "org.matrix.msc3202",
    "io.element.msc4190",
    "org.matrix.msc3905",
    "ip_range_whitelist",
    "io.element.msc4502.scopes",
    "io.element.msc4512.proxy_prefix",
    "io.element.msc4512.proxy_url",
};

/* Switches whose value costs something, and what. `usual`: what it is where the key is missing. */
static const struct {
    const char *name;
    bool usual;
    bool costs;
    const char *advice;
} switches[] = {
    { "rate_limited", true, true, "set it to false: the homeserver would delay what we ask of it" },
    { "receive_ephemeral", false, true,
        "set it to false: typing and receipts of the whole server are of no use to calls" },
    { "de.sorunome.msc2409.push_ephemeral", false, true,
        "set it to false: typing and receipts of the whole server are of no use to calls" },
};

static char **field_of(struct as_registration *r, const struct key *k) {
    return (char **)((char *)r + k->field);
}

static bool key_known(const char *name) {
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        if (strcmp(needed[i].name, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(known[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_yes(const struct doc_node *n) {
    return n != NULL && n->kind == DOC_TEXT &&
           (strcasecmp(n->text, "true") == 0 || strcasecmp(n->text, "yes") == 0);
}

static int line_of(const struct doc_node *n) {
    return n == NULL ? 0 : n->line;
}

static void advise_on_unknown(
    const struct doc_node *root, const struct as_registration_adviser *to) {
    for (const struct doc_node *n = root->first; n != NULL; n = n->next) {
        if (!key_known(n->key)) {
            to->tell(to->arg, n->line, n->key, "no homeserver we know reads this key");
        }
    }
}

static void advise_on_switches(
    const struct doc_node *root, const struct as_registration_adviser *to) {
    for (size_t i = 0; i < COUNT_OF(switches); i++) {
        const struct doc_node *n = doc_get(root, switches[i].name);
        bool value = n == NULL ? switches[i].usual : is_yes(n);
        if (value == switches[i].costs) {
            to->tell(to->arg, line_of(n), switches[i].name, switches[i].advice);
        }
    }
}

/* What stops Synapse at its start, or does nothing without its other half (1.1, 4.8). */
static void advise_on_proxy(const struct doc_node *root, const struct as_registration_adviser *to) {
    const struct doc_node *prefix = doc_get(root, "io.element.msc4512.proxy_prefix");
    const struct doc_node *url = doc_get(root, "io.element.msc4512.proxy_url");
    const struct doc_node *scopes = doc_get(root, "io.element.msc4502.scopes");
    if ((prefix == NULL) != (url == NULL)) {
        to->tell(to->arg, line_of(prefix != NULL ? prefix : url),
            prefix != NULL ? prefix->key : url->key,
            "proxy_prefix and proxy_url mean something only together");
    }
    if (prefix != NULL && prefix->kind == DOC_TEXT && strcmp(prefix->text, "rtc/livekit") != 0) {
        to->tell(to->arg, prefix->line, prefix->key, "the only prefix allowed is rtc/livekit");
    }
    for (const struct doc_node *n = scopes == NULL ? NULL : scopes->first; n != NULL; n = n->next) {
        if (n->kind != DOC_TEXT || strcmp(n->text, IS_JOINED_SCOPE) != 0) {
            to->tell(to->arg, n->line, scopes->key,
                "a scope Synapse does not know stops it at its start; want " IS_JOINED_SCOPE);
        }
    }
}

static void log_advice(void *arg, int line, const char *key, const char *sentence) {
    const char *name = arg;
    LOG_WARN(&log_root, "registration_advice", "file=%s line=%d key=%s advice=\"%s\"", LOG_Q(name),
        line, LOG_Q(key), sentence);
}

static enum err key_read(const struct doc *d, const struct key *k, struct as_registration *r) {
    const struct doc_node *n = doc_get(doc_root(d), k->name);
    if (n == NULL) {
        return doc_err(d, NULL, ERR_INVALID, "%s: this key is missing", k->name);
    }
    if (strcmp(k->name, "url") == 0 && doc_is_null(n)) {
        return doc_err(d, n, ERR_INVALID,
            "url: null means that the homeserver pushes no events at all; want our address");
    }
    if (n->kind != k->kind) {
        return doc_err(
            d, n, ERR_INVALID, "%s: want %s", k->name, k->kind == DOC_MAP ? "a map" : "a text");
    }
    if (k->problem == NULL) {
        return OK;
    }
    /* The text is not quoted in the sentence: it may be a token. */
    const char *problem = k->problem(n->text);
    if (problem != NULL) {
        return doc_err(d, n, ERR_INVALID, "%s: %s", k->name, problem);
    }
    *field_of(r, k) = mem_strdup(n->text);
    return *field_of(r, k) != NULL ? OK : err_set(ERR_NOMEM, "no memory for a registration");
}

enum err as_registration_parse_advised(const char *name, const char *bytes, size_t len,
    const char *server_name, const struct as_registration_adviser *to,
    struct as_registration **ret) {
    CLEANUP(doc_destroyp) struct doc *d = NULL;
    CLEANUP(as_registration_destroyp) struct as_registration *r = mem_zalloc(sizeof *r);
    if (r == NULL) {
        return err_set(ERR_NOMEM, "no memory for a registration");
    }
    TRY(doc_parse(name, bytes, len, &d));
    const struct doc_node *root = doc_root(d);
    if (root == NULL || root->kind != DOC_MAP) {
        return doc_err(d, root, ERR_INVALID,
            "want a registration: id, url, as_token, hs_token, sender_localpart, namespaces");
    }
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        TRY(key_read(d, &needed[i], r));
    }
    if (crypto_equal(r->as_token, r->hs_token)) {
        return doc_err(
            d, doc_get(root, "hs_token"), ERR_INVALID, "hs_token: want another one than as_token");
    }
    bool all = false;
    TRY(as_namespace_check(d, doc_get(root, "namespaces"), server_name, &all));
    advise_on_unknown(root, to);
    advise_on_switches(root, to);
    advise_on_proxy(root, to);
    if (!all) {
        to->tell(to->arg, line_of(doc_get(root, "namespaces")), "namespaces",
            "the users patterns do not match everybody: calls of the others are not seen");
    }
    *ret = STEAL(r);
    return OK;
}

enum err as_registration_parse(const char *name, const char *bytes, size_t len,
    const char *server_name, struct as_registration **ret) {
    const struct as_registration_adviser to = { log_advice, (void *)(uintptr_t)name };
    return as_registration_parse_advised(name, bytes, len, server_name, &to, ret);
}

/* --- life --- */

void as_registration_destroy(struct as_registration *r) {
    if (r == NULL) {
        return;
    }
    mem_free(r->id);
    mem_free(r->url);
    mem_free_secret(r->as_token);
    mem_free_secret(r->hs_token);
    mem_free_secret(r->as_token_old);
    mem_free_secret(r->hs_token_old);
    mem_free(r->sender_localpart);
    mem_free(r);
}

void as_registration_destroyp(struct as_registration **r) {
    as_registration_destroy(*r);
}

static char *token_generate(void) {
    char text[TOKEN_TEXT_SIZE];
    crypto_token(text);
    char *token = mem_strdup(text);
    explicit_bzero(text, sizeof text);
    return token;
}

enum err as_registration_generate(
    const char *id, const char *url, const char *sender_localpart, struct as_registration **ret) {
    const struct {
        const char *name;
        const char *problem;
    } checks[] = {
        { "id", id_problem(id) },
        { "url", url_problem(url) },
        { "sender_localpart", localpart_problem(sender_localpart) },
    };
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        if (checks[i].problem != NULL) {
            return err_set(ERR_INVALID, "%s: %s", checks[i].name, checks[i].problem);
        }
    }
    CLEANUP(as_registration_destroyp) struct as_registration *r = mem_zalloc(sizeof *r);
    if (r == NULL) {
        return err_set(ERR_NOMEM, "no memory for a registration");
    }
    r->id = mem_strdup(id);
    r->url = mem_strdup(url);
    r->as_token = token_generate();
    r->hs_token = token_generate();
    r->sender_localpart = mem_strdup(sender_localpart);
    if (r->id == NULL || r->url == NULL || r->as_token == NULL || r->hs_token == NULL ||
        r->sender_localpart == NULL) {
        return err_set(ERR_NOMEM, "no memory for a registration");
    }
    *ret = STEAL(r);
    return OK;
}

/* --- writing --- */

/* A literal as a regex matches it; inside single quotes YAML leaves backslashes alone. */
static void print_literal(struct buf *b, const char *s) {
    for (; *s != '\0'; s++) {
        if (strchr(letters, *s) == NULL && strchr("_-:/", *s) == NULL) {
            buf_putc(b, '\\');
        }
        buf_putc(b, *s);
    }
}

void as_registration_print(
    const struct as_registration *r, const char *server_name, struct buf *b) {
    buf_puts(b, "# Parley's registration with the homeserver: list this file under "
                "app_service_config_files in homeserver.yaml and\n"
                "# restart the homeserver. Whoever reads it can act as every user of the server: "
                "let only the homeserver and Parley.\n");
    buf_printf(b,
        "\n# The name the homeserver keeps our place in its stream under: never change it.\nid: "
        "\"%s\"\n",
        r->id);
    buf_printf(
        b, "# Where the homeserver reaches Parley's private listener.\nurl: \"%s\"\n", r->url);
    buf_printf(b,
        "# What Parley says to the homeserver, and what the homeserver says to Parley.\nas_token: "
        "\"%s\"\nhs_token: \"%s\"\n",
        r->as_token, r->hs_token);
    buf_printf(b, "sender_localpart: \"%s\"\n", r->sender_localpart);
    buf_puts(b,
        "# The homeserver's limits are for people; Parley keeps its own.\nrate_limited: false\n"
        "# Typing, receipts and presence are of no use to calls.\nreceive_ephemeral: false\n"
        "namespaces:\n  users:\n    - regex: '@");
    print_literal(b, r->sender_localpart);
    buf_puts(b, ":");
    print_literal(b, server_name);
    buf_puts(b, "'\n      exclusive: true\n"
                "    # Every room with a local user. Never make this one exclusive: it would "
                "switch the server off for people.\n"
                "    - regex: '@.*:");
    print_literal(b, server_name);
    buf_puts(b, "'\n      exclusive: false\n  aliases: []\n  rooms: []\n");
}

enum err as_registration_save(
    const struct as_registration *r, const char *server_name, const char *path) {
    CLEANUP(buf_finish) struct buf text;
    buf_init(&text, 0);
    if (!mx_server_name_valid(server_name)) {
        return err_set(ERR_INVALID, "%s is no server name", LOG_Q(server_name));
    }
    as_registration_print(r, server_name, &text);
    enum err e = buf_check(&text);
    e = e == OK ? secret_file_write(path, buf_str(&text), text.len) : e;
    if (text.data != NULL) {
        explicit_bzero(text.data, text.len);
    }
    return e;
}
