/*
 * The registration on the disk: one file, and while its tokens are being changed the earlier one
 * beside it. Thread: main.
 */
#include "appservice/registration.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "core/secret_file.h"
#include "core/yaml.h"

#include <string.h>

/* --- reading --- */

static void wipe(char **bytes) {
    mem_free_secret(*bytes);
}

/* `to` NULL = the log. */
static enum err load_one(const char *path, const char *server_name,
    const struct as_registration_adviser *to, struct as_registration **ret) {
    CLEANUP(wipe) char *bytes = NULL;
    size_t len = 0;
    TRY(secret_file_read(path, DOC_MAX_BYTES, &bytes, &len));
    return to == NULL ? as_registration_parse(path, bytes, len, server_name, ret)
                      : as_registration_parse_advised(path, bytes, len, server_name, to, ret);
}

/* What an earlier file costs is of no interest any more. */
static void keep_quiet(void *arg, int line, const char *key, const char *sentence) {
    (void)arg;
    (void)line;
    (void)key;
    (void)sentence;
}

/* A rotation that broke off before the new file was there leaves two equal ones: nothing is old. */
static char *if_other(char **token, const char *now) {
    return crypto_equal(*token, now) ? NULL : STEAL(*token);
}

static enum err load_old(const char *path, const char *server_name, struct as_registration *r) {
    CLEANUP(buf_finish) struct buf name;
    CLEANUP(as_registration_destroyp) struct as_registration *old = NULL;
    buf_init(&name, 0);
    TRY(secret_file_old_name(path, &name));
    enum err e = load_one(
        buf_str(&name), server_name, &(struct as_registration_adviser){ keep_quiet, NULL }, &old);
    if (e == ERR_NOT_FOUND) {
        return OK;
    }
    TRY(e);
    r->as_token_old = if_other(&old->as_token, r->as_token);
    r->hs_token_old = if_other(&old->hs_token, r->hs_token);
    return OK;
}

enum err as_registration_review(const char *path, const char *server_name,
    const struct as_registration_adviser *to, struct as_registration **ret) {
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    TRY(load_one(path, server_name, to, &r));
    TRY(load_old(path, server_name, r));
    *ret = STEAL(r);
    return OK;
}

enum err as_registration_load(
    const char *path, const char *server_name, struct as_registration **ret) {
    return as_registration_review(path, server_name, NULL, ret);
}

/* --- new tokens --- */

bool as_registration_alike(const struct as_registration *a, const struct as_registration *b) {
    return strcmp(a->id, b->id) == 0 && strcmp(a->url, b->url) == 0 &&
           strcmp(a->sender_localpart, b->sender_localpart) == 0;
}

static void swap(char **a, char **b) {
    char *c = *a;
    *a = *b;
    *b = c;
}

void as_registration_swap_tokens(struct as_registration *a, struct as_registration *b) {
    swap(&a->as_token, &b->as_token);
    swap(&a->hs_token, &b->hs_token);
    swap(&a->as_token_old, &b->as_token_old);
    swap(&a->hs_token_old, &b->hs_token_old);
}

/* All of `from`, with another text in the place of one. */
static enum err substitute(const char *from, const char *what, const char *with, struct buf *ret) {
    for (const char *at = strstr(from, what); at != NULL; at = strstr(from, what)) {
        buf_put(ret, from, (size_t)(at - from));
        buf_puts(ret, with);
        from = at + strlen(what);
    }
    buf_puts(ret, from);
    return buf_check(ret);
}

static void finish_secret(struct buf *b) {
    if (b->data != NULL) {
        explicit_bzero(b->data, b->len);
    }
    buf_finish(b);
}

/* Both tokens stand in the file as they are: their characters need no escape in YAML. */
static enum err renew(const char *text, const struct as_registration *was, struct buf *ret) {
    CLEANUP(finish_secret) struct buf half;
    char token[TOKEN_TEXT_SIZE];
    buf_init(&half, 0);
    crypto_token(token);
    TRY(substitute(text, was->as_token, token, &half));
    crypto_token(token);
    enum err e = substitute(buf_str(&half), was->hs_token, token, ret);
    explicit_bzero(token, sizeof token);
    return e;
}

enum err as_registration_rotate(const char *path, const char *server_name) {
    CLEANUP(as_registration_destroyp) struct as_registration *was = NULL;
    CLEANUP(as_registration_destroyp) struct as_registration *is = NULL;
    CLEANUP(wipe) char *bytes = NULL;
    CLEANUP(finish_secret) struct buf text;
    size_t len = 0;
    buf_init(&text, 0);
    TRY(secret_file_read(path, DOC_MAX_BYTES, &bytes, &len));
    TRY(as_registration_parse(path, bytes, len, server_name, &was));
    TRY(renew(bytes, was, &text));
    TRY(as_registration_parse(path, buf_str(&text), text.len, server_name, &is));
    if (crypto_equal(was->as_token, is->as_token) || crypto_equal(was->hs_token, is->hs_token)) {
        return err_set(ERR_INVALID,
            "%s: the tokens cannot be found in the text; write each on the line of its key", path);
    }
    return secret_file_replace(path, buf_str(&text), text.len);
}
