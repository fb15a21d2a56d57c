/* The manifest's signature, then the files it names. */
#include "cli/export_check.h"

#include "core/mem.h"
#include "store/chain.h"
#include "store/keyring.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 4096 /* PATH_MAX of Linux */
#define CHUNK     (64 * KIB)

static void closep(FILE **f) {
    if (*f != NULL) {
        fclose(*f);
    }
}

static void destroyp(struct sha256 **s) {
    sha256_destroy(*s);
}

__attribute__((format(printf, 2, 3))) static enum err wrong(
    struct cli_export_report *r, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->why, sizeof(r->why), fmt, ap);
    va_end(ap);
    r->good = false;
    return OK;
}

static enum err open_in(const char *folder, const char *name, FILE **ret) {
    char path[PATH_SIZE];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        return err_set(ERR_INVALID, "%s: the path is too long", folder);
    }
    *ret = fopen(path, "re");
    return *ret != NULL
               ? OK
               : err_set(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
}

static enum err read_manifest(const char *folder, struct buf *ret) {
    CLEANUP(closep) FILE *f = NULL;
    char bytes[4096];
    TRY(open_in(folder, CLI_EXPORT_MANIFEST, &f));
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), f)) > 0;) {
        buf_put(ret, bytes, n);
    }
    return ferror(f) == 0 ? OK
                          : err_set(ERR_IO, "%s/" CLI_EXPORT_MANIFEST ": cannot be read", folder);
}

static enum err digest_file(FILE *f, char *chunk, uint8_t ret[SHA256_SIZE], int64_t *ret_bytes) {
    CLEANUP(destroyp) struct sha256 *sha = NULL;
    TRY(sha256_create(&sha));
    sha256_begin(sha);
    *ret_bytes = 0;
    for (size_t n; (n = fread(chunk, 1, CHUNK, f)) > 0;) {
        sha256_add(sha, chunk, n);
        *ret_bytes += (int64_t)n;
    }
    sha256_end(sha, ret);
    return ferror(f) == 0 ? OK : err_set(ERR_IO, "it cannot be read");
}

static enum err check_file(
    const char *folder, const struct store_manifest_file *file, struct cli_export_report *r) {
    CLEANUP(closep) FILE *f = NULL;
    CLEANUP(mem_freep) char *chunk = mem_alloc(CHUNK);
    uint8_t digest[SHA256_SIZE];
    int64_t bytes;
    if (chunk == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    enum err e = open_in(folder, file->name, &f);
    if (e == ERR_NOT_FOUND) {
        return wrong(r, "%s is missing", file->name);
    }
    TRY(e);
    TRY(digest_file(f, chunk, digest, &bytes));
    if (bytes != file->bytes) {
        return wrong(r, "%s has %" PRId64 " bytes, it was written with %" PRId64, file->name, bytes,
            file->bytes);
    }
    return memcmp(digest, file->sha256, SHA256_SIZE) == 0
               ? OK
               : wrong(r, "%s was altered: its digest does not fit", file->name);
}

static enum err check_signature(
    const struct store_keyring *keys, const uint8_t mac[SHA256_SIZE], struct cli_export_report *r) {
    const struct store_audit_key *key = store_keyring_find(keys, r->manifest.fingerprint);
    bool signed_by_us = false;
    if (key == NULL) {
        return err_set(ERR_NOT_FOUND,
            "the export names key %.16s, which is not beside audit.key_file: it is of another "
            "installation, or its key is to be put back",
            r->manifest.fingerprint);
    }
    TRY(store_manifest_check(&r->manifest, mac, key, &signed_by_us));
    return signed_by_us ? OK
                        : wrong(r, CLI_EXPORT_MANIFEST " was altered: its signature does not fit");
}

enum err cli_export_check(
    const char *folder, const struct store_keyring *keys, struct cli_export_report *ret) {
    CLEANUP(buf_finish) struct buf b;
    uint8_t mac[SHA256_SIZE];
    buf_init(&b, STORE_MANIFEST_MAX + 1);
    ret->good = true;
    ret->why[0] = '\0';
    TRY(read_manifest(folder, &b));
    enum err e = b.over ? ERR_INVALID : buf_check(&b);
    if (e == OK) {
        e = store_manifest_read(buf_str(&b), b.len, &ret->manifest, mac);
    }
    if (e == ERR_NOMEM) {
        return e;
    }
    if (e != OK) {
        return wrong(ret, CLI_EXPORT_MANIFEST " is not as parley audit export writes it");
    }
    TRY(check_signature(keys, mac, ret));
    for (size_t i = 0; ret->good && i < ret->manifest.n_files; i++) {
        TRY(check_file(folder, &ret->manifest.files[i], ret));
    }
    return OK;
}
