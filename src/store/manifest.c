/* The manifest of an export: one form, byte for byte. */
#include "store/manifest.h"

#include "core/mem.h"
#include "store/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- writing --- */

static void put_file(struct buf *b, const struct store_manifest_file *f, bool last) {
    char sha256[2 * SHA256_SIZE + 1];
    crypto_hex(f->sha256, SHA256_SIZE, sha256);
    buf_printf(b,
        "    {\"name\": \"%s\", \"rows\": %" PRId64 ", \"bytes\": %" PRId64
        ", \"sha256\": \"%s\"}%s\n",
        f->name, f->rows, f->bytes, sha256, last ? "" : ",");
}

/* All that is signed. */
static void put_body(struct buf *b, const struct store_manifest *m) {
    char head[STORE_ANCHOR_TEXT_SIZE] = "";
    if (m->head.seq > 0) {
        store_anchor_write(&m->head, head);
    }
    buf_puts(b, "{\n  \"parley_export\": 1,\n");
    buf_printf(b, "  \"made_at\": \"%s\",\n", m->made_at);
    buf_printf(b, "  \"what\": \"%s\",\n", m->what);
    buf_printf(b, "  \"format\": \"%s\",\n", m->format);
    buf_printf(b, "  \"filter\": %s,\n", m->filter);
    buf_printf(b, "  \"head\": \"%s\",\n", head);
    buf_printf(b, "  \"key\": \"%s\",\n", m->fingerprint);
    buf_puts(b, "  \"files\": [\n");
    for (size_t i = 0; i < m->n_files; i++) {
        put_file(b, &m->files[i], i + 1 == m->n_files);
    }
    buf_puts(b, "  ],\n");
}

static void put_mac(struct buf *b, const uint8_t mac[SHA256_SIZE]) {
    char hex[2 * SHA256_SIZE + 1];
    crypto_hex(mac, SHA256_SIZE, hex);
    buf_printf(b, "  \"mac\": \"%s\"\n}\n", hex);
}

static enum err sign(
    const struct buf *body, const struct store_audit_key *key, uint8_t ret[SHA256_SIZE]) {
    /* A first row of a chain is signed behind the same zeros, but none begins with a brace. */
    static const uint8_t zero[SHA256_SIZE];
    return store_chain_next(key, zero, body, ret);
}

enum err store_manifest_write(
    struct buf *b, const struct store_manifest *m, const struct store_audit_key *key) {
    uint8_t mac[SHA256_SIZE];
    put_body(b, m);
    TRY(sign(b, key, mac));
    put_mac(b, mac);
    return buf_check(b);
}

enum err store_manifest_check(const struct store_manifest *m, const uint8_t mac[SHA256_SIZE],
    const struct store_audit_key *key, bool *ret) {
    CLEANUP(buf_finish) struct buf b;
    uint8_t want[SHA256_SIZE];
    buf_init(&b, 0);
    put_body(&b, m);
    TRY(sign(&b, key, want));
    *ret = memcmp(want, mac, SHA256_SIZE) == 0;
    return OK;
}

/* --- reading: what is not as it would be written again is refused at the end --- */

struct reader {
    const char *at;
    const char *end;
    bool bad;
};

static bool next_is(struct reader *r, const char *text) {
    size_t n = strlen(text);
    return !r->bad && (size_t)(r->end - r->at) >= n && memcmp(r->at, text, n) == 0;
}

static void skip(struct reader *r, const char *text) {
    if (next_is(r, text)) {
        r->at += strlen(text);
    } else {
        r->bad = true;
    }
}

/* The bytes up to `stop`, which must come on the same line and is left out; at most size - 1. */
static void take(struct reader *r, const char *stop, char *ret, size_t size) {
    const char *line = r->bad ? NULL : memchr(r->at, '\n', (size_t)(r->end - r->at));
    const char *found =
        line == NULL ? NULL : memmem(r->at, (size_t)(line + 1 - r->at), stop, strlen(stop));
    ret[0] = '\0';
    if (found == NULL || (size_t)(found - r->at) >= size ||
        memchr(r->at, '\0', (size_t)(found - r->at)) != NULL) {
        r->bad = true;
        return;
    }
    memcpy(ret, r->at, (size_t)(found - r->at));
    ret[found - r->at] = '\0';
    r->at = found + strlen(stop);
}

static int64_t take_number(struct reader *r, const char *stop) {
    char text[20];
    take(r, stop, text, sizeof(text));
    return strtoll(text, NULL, 10);
}

static void take_hex(struct reader *r, const char *stop, uint8_t *ret, size_t n) {
    char text[2 * SHA256_SIZE + 1];
    take(r, stop, text, sizeof(text));
    r->bad = r->bad || !crypto_unhex(text, ret, n);
}

/* A name that could lead into another folder is none. */
static bool is_plain(const char *name) {
    return name[0] != '.' && name[0] != '\0' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

static void take_file(struct reader *r, struct store_manifest_file *f) {
    skip(r, "    {\"name\": \"");
    take(r, "\", \"rows\": ", f->name, sizeof(f->name));
    f->rows = take_number(r, ", \"bytes\": ");
    f->bytes = take_number(r, ", \"sha256\": \"");
    take_hex(r, "\"}", f->sha256, SHA256_SIZE);
    r->bad = r->bad || !is_plain(f->name);
}

static void take_files(struct reader *r, struct store_manifest *m) {
    skip(r, "  \"files\": [\n");
    while (!r->bad && !next_is(r, "  ],\n")) {
        if (m->n_files == STORE_MANIFEST_FILES) {
            r->bad = true;
            return;
        }
        take_file(r, &m->files[m->n_files++]);
        skip(r, next_is(r, ",") ? ",\n" : "\n");
    }
    skip(r, "  ],\n");
}

static void take_head(struct reader *r, struct store_anchor *ret) {
    char text[STORE_ANCHOR_TEXT_SIZE];
    take(r, "\",\n", text, sizeof(text));
    if (!r->bad && text[0] != '\0' && store_anchor_read(text, ret) != OK) {
        r->bad = true;
    }
}

static void take_all(struct reader *r, struct store_manifest *m, uint8_t mac[SHA256_SIZE]) {
    skip(r, "{\n  \"parley_export\": 1,\n  \"made_at\": \"");
    take(r, "\",\n", m->made_at, sizeof(m->made_at));
    skip(r, "  \"what\": \"");
    take(r, "\",\n", m->what, sizeof(m->what));
    skip(r, "  \"format\": \"");
    take(r, "\",\n", m->format, sizeof(m->format));
    skip(r, "  \"filter\": ");
    take(r, ",\n", m->filter, sizeof(m->filter));
    skip(r, "  \"head\": \"");
    take_head(r, &m->head);
    skip(r, "  \"key\": \"");
    take(r, "\",\n", m->fingerprint, sizeof(m->fingerprint));
    take_files(r, m);
    skip(r, "  \"mac\": \"");
    take_hex(r, "\"\n", mac, SHA256_SIZE);
    skip(r, "}\n");
}

enum err store_manifest_read(
    const char *bytes, size_t n, struct store_manifest *ret, uint8_t ret_mac[SHA256_SIZE]) {
    struct reader r = { .at = bytes, .end = bytes + n, .bad = n > STORE_MANIFEST_MAX };
    CLEANUP(buf_finish) struct buf again;
    memset(ret, 0, sizeof(*ret));
    buf_init(&again, 0);
    take_all(&r, ret, ret_mac);
    if (r.bad || r.at != r.end) {
        return err_set(ERR_INVALID, "it is no manifest as parley audit export writes it");
    }
    put_body(&again, ret);
    put_mac(&again, ret_mac);
    TRY(buf_check(&again));
    return again.len == n && memcmp(again.data, bytes, n) == 0
               ? OK
               : err_set(ERR_INVALID, "it is no manifest as parley audit export writes it");
}
