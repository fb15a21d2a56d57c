/* The file with the key of the audit chain: 64 hex digits and a newline, for its owner alone. */
#include "store/audit_key.h"

#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_DIGITS (2 * STORE_AUDIT_KEY_SIZE)
#define PATH_SIZE  4096 /* PATH_MAX of Linux */

static void closep(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

static enum err key_create(
    const uint8_t bytes[STORE_AUDIT_KEY_SIZE], struct store_audit_key **ret) {
    struct store_audit_key *k = mem_zalloc(sizeof(*k));
    if (k == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    enum err e = hmac_key_create(bytes, STORE_AUDIT_KEY_SIZE, &k->hmac);
    if (e != OK) {
        mem_free(k);
        return e;
    }
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(bytes, STORE_AUDIT_KEY_SIZE, digest);
    crypto_hex(digest, (STORE_AUDIT_FINGERPRINT_SIZE - 1) / 2, k->fingerprint);
    *ret = k;
    return OK;
}

void store_audit_key_destroy(struct store_audit_key *k) {
    if (k != NULL) {
        hmac_key_destroy(k->hmac);
        mem_free(k);
    }
}

const char *store_audit_key_fingerprint(const struct store_audit_key *k) {
    return k->fingerprint;
}

static enum err check_file(int fd, const char *path) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(ERR_INVALID, "%s: not a plain file", path);
    }
    if ((st.st_mode & 077) != 0) {
        return err_set(ERR_INVALID, "%s: others may read the audit key (mode %03o): chmod 600 it",
            path, (unsigned)st.st_mode & 0777);
    }
    return OK;
}

enum err store_audit_key_load(const char *path, struct store_audit_key **ret) {
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return err_set(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
    }
    TRY(check_file(fd, path));
    char text[HEX_DIGITS + 3]; /* a newline, one byte too many, and a NUL */
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n < 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    text[n] = '\0';
    if (n == HEX_DIGITS + 1 && text[HEX_DIGITS] == '\n') {
        text[HEX_DIGITS] = '\0';
    }
    uint8_t bytes[STORE_AUDIT_KEY_SIZE];
    bool good = crypto_unhex(text, bytes, sizeof(bytes));
    explicit_bzero(text, sizeof(text));
    enum err e = good ? key_create(bytes, ret)
                      : err_set(ERR_INVALID, "%s: want %d hex digits", path, HEX_DIGITS);
    explicit_bzero(bytes, sizeof(bytes));
    return e;
}

/* Writes and syncs a file that is not there yet. */
static enum err write_file(const char *path, const char *text, size_t n) {
    CLEANUP(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (write(fd, text, n) != (ssize_t)n || fsync(fd) != 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    return OK;
}

static enum err sync_directory(const char *path) {
    char copy[PATH_SIZE];
    snprintf(copy, sizeof(copy), "%s", path);
    CLEANUP(closep) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return err_set(ERR_IO, "%s: its directory cannot be synced: %s", path, strerror(errno));
    }
    return OK;
}

/* A link appears whole or not at all and replaces nothing: two processes that start at once keep
 * one key. */
static enum err publish(const char *from, const char *to) {
    if (link(from, to) != 0) {
        return errno == EEXIST ? err_set(ERR_CONFLICT, "%s: there is an audit key already", to)
                               : err_set(ERR_IO, "%s: %s", to, strerror(errno));
    }
    return sync_directory(to);
}

enum err store_audit_key_generate(const char *path, struct store_audit_key **ret) {
    char aside[PATH_SIZE];
    int len = snprintf(aside, sizeof(aside), "%s.%ld", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof(aside)) {
        return err_set(ERR_INVALID, "audit.key_file: the path is too long");
    }
    uint8_t bytes[STORE_AUDIT_KEY_SIZE];
    crypto_random(bytes, sizeof(bytes));
    struct store_audit_key *k = NULL;
    TRY(key_create(bytes, &k));
    char text[HEX_DIGITS + 1];
    crypto_hex(bytes, sizeof(bytes), text);
    text[HEX_DIGITS] = '\n';
    enum err e = write_file(aside, text, sizeof(text));
    if (e == OK) {
        e = publish(aside, path);
    }
    (void)unlink(aside);
    explicit_bzero(bytes, sizeof(bytes));
    explicit_bzero(text, sizeof(text));
    if (e != OK) {
        store_audit_key_destroy(k);
        return e;
    }
    *ret = k;
    return OK;
}
