/* HMAC-SHA256 over "SECONDS." and the body, by each of the secrets.  Thread: main. */
#include "hooks/secret.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "core/secret_file.h"
#include "store/news.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SECRETS = 2 }; /* this one and the one before */

struct hooks_secret {
    struct hmac_key *keys[SECRETS];
    size_t n;
};

void hooks_secret_destroy(struct hooks_secret *s) {
    if (s != NULL) {
        for (size_t i = 0; i < s->n; i++) {
            hmac_key_destroy(s->keys[i]);
        }
        mem_free(s);
    }
}

void hooks_secret_destroyp(struct hooks_secret **s) {
    hooks_secret_destroy(*s);
}

static void wipep(char **s) {
    mem_free_secret(*s);
}

static enum err load_one(const char *path, struct hooks_secret *s) {
    CLEANUP(wipep) char *text = NULL;
    size_t n = 0;
    TRY(secret_file_read(path, HOOKS_SECRET_MOST, &text, &n));
    while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL) {
        n--;
    }
    if (n < HOOKS_SECRET_LEAST) {
        return err_set(ERR_INVALID, "%s: the secret has less than %d bytes; openssl rand -hex 32",
            path, HOOKS_SECRET_LEAST);
    }
    TRY(hmac_key_create((const uint8_t *)text, n, &s->keys[s->n]));
    s->n++;
    return OK;
}

enum err hooks_secret_load(const char *path, struct hooks_secret **ret) {
    CLEANUP(buf_finish) struct buf old;
    CLEANUP(hooks_secret_destroyp) struct hooks_secret *s = mem_zalloc(sizeof(*s));
    buf_init(&old, 0);
    if (s == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    TRY(load_one(path, s));
    TRY(secret_file_old_name(path, &old));
    enum err e = load_one(buf_str(&old), s);
    if (e != OK && e != ERR_NOT_FOUND) {
        return e;
    }
    *ret = STEAL(s);
    return OK;
}

size_t hooks_url_shown(const char *url) {
    const char *host = strstr(url, "://");
    size_t n = host == NULL ? 0 : (size_t)(host - url) + strlen("://");
    return n + strcspn(url + n, "/?");
}

/* --- the headers --- */

static enum err sign(struct hooks_secret *s, const char *body, int64_t now_s, struct buf *ret) {
    char stamp[24];
    int n = snprintf(stamp, sizeof(stamp), "%" PRId64 ".", now_s);
    buf_printf(ret, "t=%" PRId64, now_s);
    for (size_t i = 0; i < s->n; i++) {
        uint8_t mac[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];
        TRY(hmac_sign(s->keys[i], stamp, (size_t)n, body, strlen(body), mac));
        crypto_hex(mac, sizeof(mac), hex);
        buf_printf(ret, ",v1=%s", hex);
    }
    return buf_check(ret);
}

enum err hooks_head_make(
    struct hooks_secret *s, const struct hooks_message *m, int64_t now_s, struct hooks_head *ret) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, sizeof(ret->signature) - 1);
    TRY(sign(s, m->body, now_s, &b));
    snprintf(ret->signature, sizeof(ret->signature), "%s", buf_str(&b));
    ret->fields[0] = (struct http_client_field){ "User-Agent", "Parley/" PARLEY_VERSION };
    ret->fields[1] = (struct http_client_field){ "Parley-Event", m->type };
    ret->fields[2] = (struct http_client_field){ "Parley-Id", m->id };
    ret->fields[3] = (struct http_client_field){ "Parley-Signature", ret->signature };
    return OK;
}

void hooks_ping_write(struct buf *b, const char *id, int64_t now_ms) {
    char at[CLOCK_TEXT_SIZE];
    clock_format(now_ms, at);
    buf_puts(b, "{");
    buf_json_int_field(b, "version", STORE_NEWS_VERSION);
    buf_json_field(b, "id", id);
    buf_json_field(b, "type", HOOKS_PING);
    buf_json_field(b, "at", at);
    buf_puts(b, "}");
}
